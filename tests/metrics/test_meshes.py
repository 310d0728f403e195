"""Mesh metrics against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")

from reify.backend.geometry import triangles
from reify.backend.metrics import meshes
from reify.backend.values import Mesh


def grid(u: np.ndarray, v: np.ndarray, wrap_u: bool, wrap_v: bool) -> np.ndarray:
    """Triangles of a grid of len(u) by len(v) vertices, row by row, closed in the directions that wrap."""
    i, j = np.meshgrid(np.arange(len(u) - (not wrap_u)), np.arange(len(v) - (not wrap_v)), indexing="ij")
    at = lambda a, b: (a % len(u)) * len(v) + b % len(v)  # noqa: E731
    a, b, c, d = (x.ravel() for x in (at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)))
    return np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)


def torus(large: float = 1.0, small: float = 0.4, n: int = 160) -> Mesh:
    u = v = np.linspace(0, 2 * np.pi, n, endpoint=False)
    a, b = (x.ravel() for x in np.meshgrid(u, v, indexing="ij"))
    ring = large + small * np.cos(b)
    vertices = np.stack([ring * np.cos(a), ring * np.sin(a), small * np.sin(b)], axis=1)
    return Mesh(vertices.astype(np.float32), grid(u, v, True, True))


def sphere(radius: float = 1.0, rounds: int = 5) -> Mesh:
    """An octahedron, subdivided."""
    vertices = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float)
    faces = np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])
    for _ in range(rounds):
        edges, inverse = np.unique(np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0, return_inverse=True)
        middle = len(vertices) + inverse.reshape(-1, 3)
        vertices = np.concatenate([vertices, vertices[edges].mean(axis=1)])
        (a, b, c), (ab, bc, ca) = faces.T, middle.T
        faces = np.concatenate([np.stack(t, axis=1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    return Mesh((radius * vertices / np.linalg.norm(vertices, axis=1, keepdims=True)).astype(np.float32), faces.astype(np.int32))


def square(z: float, half: float = 1.0) -> Mesh:
    vertices = np.array([[-half, -half, z], [half, -half, z], [half, half, z], [-half, half, z]], np.float32)
    return Mesh(vertices, np.array([[0, 1, 2], [0, 2, 3]], np.int32))


def test_two_parallel_squares_are_as_far_apart_as_their_planes() -> None:
    result = meshes.compare(square(0.02), square(0.0), samples=4000)
    diagonal = 8**0.5
    assert result.chamfer_percent == pytest.approx(100 * 0.02 / diagonal, rel=1e-4)
    assert result.f_score_half_percent == 0.0  # 0.02 is 0.7 % of the diagonal
    assert result.f_score_1percent == 1.0
    assert result.normal_consistency == pytest.approx(1.0)


def test_a_sphere_inside_another_is_away_by_the_difference_of_radii() -> None:
    result = meshes.compare(sphere(1.0), sphere(0.98), samples=20_000)
    assert result.chamfer_percent == pytest.approx(100 * 0.02 / (2 * 0.98 * 3**0.5), rel=0.03)
    assert result.normal_consistency > 0.999


def test_what_is_missing_counts_in_one_direction_only() -> None:
    small, large = square(0.0, half=0.5), square(0.0)
    a, b = meshes.sample_surface(small, 20_000), meshes.sample_surface(large, 20_000, 1)
    to_large, _ = meshes.nearest_on_surface(a[0], large, *b)
    to_small, _ = meshes.nearest_on_surface(b[0], small, *a)
    assert to_large.max() < 1e-9
    # The distance from the large square to the small one, averaged on a fine grid over a quarter of it.
    x, y = np.meshgrid(*[(np.arange(2000) + 0.5) / 2000] * 2)
    expected = np.hypot((x - 0.5).clip(0), (y - 0.5).clip(0)).mean()
    assert to_small.mean() == pytest.approx(expected, rel=0.01)
    assert meshes.f_score(to_large, to_small, 1e-6) == pytest.approx(2 * 0.25 / 1.25, rel=0.02)


def test_the_distance_to_a_triangle_is_right_beside_its_face_edges_and_corners() -> None:
    triangle = np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0]]], float)
    for point, expected in (((0.2, 0.2, 0.7), 0.7), ((0.5, -2, 0), 2.0), ((1, 1, 0), 0.5**0.5), ((-3, -4, 0), 5.0), ((2, 0, 1), 2**0.5)):
        assert meshes.distance_to_triangles(np.array([point]), triangle)[0] == pytest.approx(expected)


def test_samples_are_spread_by_area_and_lie_on_their_faces() -> None:
    mesh = Mesh(np.array([[0, 0, 0], [3, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32), np.array([[0, 1, 2], [0, 2, 3]], np.int32))
    points, faces = meshes.sample_surface(mesh, 4000)
    assert np.bincount(faces).tolist() == [3000, 1000]
    assert meshes.distance_to_triangles(points, mesh.vertices[mesh.faces[faces]].astype(float)).max() < 1e-9
    assert points[faces == 0].mean(axis=0) == pytest.approx([1, 1 / 3, 0], abs=0.05)


def test_area_volume_and_handles_of_a_torus_are_the_closed_forms() -> None:
    mesh = torus(1.0, 0.4)
    assert triangles.areas(mesh.vertices, mesh.faces).sum() == pytest.approx(4 * np.pi**2 * 0.4, rel=1e-3)
    assert meshes.volume(mesh) == pytest.approx(2 * np.pi**2 * 0.4**2, rel=2e-3)
    assert meshes.is_watertight(mesh)
    assert (meshes.euler_number(mesh), meshes.genus(mesh), meshes.parts(mesh)) == (0, 1, 1)


def test_a_sphere_has_no_handle_and_a_hole_makes_it_leak() -> None:
    mesh = sphere()
    assert (meshes.euler_number(mesh), meshes.genus(mesh)) == (2, 0)
    holed = Mesh(mesh.vertices, mesh.faces[1:])
    assert not meshes.is_watertight(holed)
    with pytest.raises(ValueError, match="watertight"):
        meshes.genus(holed)


def test_a_face_that_is_turned_round_leaks_too() -> None:
    mesh = sphere(rounds=1)
    faces = mesh.faces.copy()
    faces[0] = faces[0, ::-1]
    assert not meshes.is_watertight(Mesh(mesh.vertices, faces))


def test_a_mesh_without_area_cannot_be_compared() -> None:
    empty = Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32))
    with pytest.raises(ValueError, match="no area"):
        meshes.compare(empty, sphere())
