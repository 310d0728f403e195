"""Surfaces of shaped cubes against closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reify.backend.mesh.analyze import analyze
from reify.backend.surface.flexible import Cubes, flexible_surface
from reify.backend.surface.marching import EDGES

SIDE = 24
CORNERS = np.array([[k & 1, k >> 1 & 1, k >> 2 & 1] for k in range(8)])
MIDDLE = np.full(3, SIDE / 2)


def _sphere(points):
    return np.linalg.norm(points - MIDDLE, axis=-1) - 8.5


def _torus(points):
    off = points - MIDDLE
    return np.hypot(np.hypot(off[..., 0], off[..., 1]) - 7.0, off[..., 2]) - 3.5


def _cubes(field, moved: float = 0.0, weighted: float = 0.0) -> Cubes:
    """Cubes inside and near the zero level, with corners moved at random, each to where the field is asked, and random weights."""
    rng = np.random.default_rng(3)
    lattice = rng.uniform(-moved, moved, (SIDE + 1,) * 3 + (3,))
    places = np.argwhere(np.ones((SIDE,) * 3, bool))
    corners = places[:, None] + CORNERS
    near = field(places + 0.5) < 2.0
    places, corners = places[near], corners[near]
    moves = lattice[tuple(np.moveaxis(corners, -1, 0))]
    values = field(corners + moves)
    count = len(places)
    weights = [np.exp(rng.uniform(-weighted, weighted, (count, size))) for size in (8, 12)]
    colors = (corners + moves) / SIDE
    return Cubes(places, values, moves, *weights, np.ones(count), colors)


@pytest.mark.parametrize(("field", "genus"), [(_sphere, 0), (_torus, 1)])
@pytest.mark.parametrize(("moved", "weighted", "off"), [(0.0, 0.0, 0.1), (0.3, 0.0, 0.15), (0.3, 0.5, 0.45)])
def test_spheres_and_tori_come_out_closed_and_where_they_are(field, genus: int, moved: float, weighted: float, off: float) -> None:
    mesh = flexible_surface(_cubes(field, moved, weighted))
    found = analyze(mesh)
    assert found.boundary_edges == 0 and found.non_manifold_edges == 0 and found.flipped_edges == 0
    edges = len(mesh.faces) * 3 // 2
    assert len(mesh.vertices) - edges + len(mesh.faces) == 2 - 2 * genus
    assert np.abs(field(mesh.vertices)).max() < off
    assert np.abs(mesh.vertex_srgb - mesh.vertices / SIDE).max() < 1e-5, "colors that are places stay with them"
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    outward = np.einsum("fi,fi->f", np.cross(b - a, c - a), _slope(field, (a + b + c) / 3))
    assert (outward > 0).mean() > 0.99 if moved else (outward > 0).all()


def _slope(field, points):
    return np.stack([field(points + step) - field(points - step) for step in 1e-3 * np.eye(3)], axis=-1)


def test_weights_of_corners_and_edges_place_a_vertex_as_the_paper_says() -> None:
    distances = np.where(np.arange(8) == 0, -1.0, 2.0)[None]
    plain = Cubes(np.array([[5, 5, 5]]), distances, np.zeros((1, 8, 3)), np.ones((1, 8)), np.ones((1, 12)), np.ones(1), np.zeros((1, 8, 3)))
    corner_weights = np.where(np.arange(8) == 0, 4.0, 1.0)[None]
    edge_weights = np.where([edge == (0, 0) for edge in EDGES], 2.0, 1.0)[None]
    mesh = flexible_surface(replace(plain, corner_weights=corner_weights, edge_weights=edge_weights))
    inside = mesh.vertices[((mesh.vertices > 5) & (mesh.vertices < 6)).all(axis=1)]
    share = 4.0 / (4.0 + 2.0)  # of the way from the corner inside
    assert np.allclose(inside, [5 + np.array([2.0, 1.0, 1.0]) * share / 4], atol=1e-6)


def test_cubes_at_the_lattices_ends_are_closed_by_empty_space_and_nothing_inside_is_an_empty_mesh() -> None:
    full = np.argwhere(np.ones((3, 3, 3), bool))
    cubes = Cubes(
        full, np.full((27, 8), -1.0), np.zeros((27, 8, 3)), np.ones((27, 8)), np.ones((27, 12)), np.ones(27), np.zeros((27, 8, 3))
    )
    found = analyze(flexible_surface(cubes))
    assert found.boundary_edges == 0 and found.non_manifold_edges == 0
    assert len(flexible_surface(replace(cubes, distances=-cubes.distances)).vertices) == 0


def test_random_cubes_are_manifold_and_quads_fold_between_large_weights() -> None:
    rng = np.random.default_rng(0)
    places = np.argwhere(rng.random((9, 9, 9)) < 0.7)
    count = len(places)
    cubes = Cubes(
        places,
        rng.normal(size=(count, 8)),
        rng.uniform(-0.4, 0.4, (count, 8, 3)),
        rng.uniform(0.1, 1.9, (count, 8)),
        rng.uniform(0.1, 1.9, (count, 12)),
        rng.uniform(0.1, 0.9, count),
        rng.random((count, 8, 3)),
    )
    mesh = flexible_surface(cubes)
    found = analyze(mesh)
    assert found.boundary_edges == 0 and found.non_manifold_edges == 0
    assert mesh.vertex_srgb.min() >= 0 and mesh.vertex_srgb.max() <= 1
    turned = flexible_surface(replace(cubes, fold_weights=1.0 / cubes.fold_weights))
    assert np.allclose(turned.vertices, mesh.vertices) and not np.array_equal(turned.faces, mesh.faces)
