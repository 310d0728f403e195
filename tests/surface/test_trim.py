"""Outlines of open surfaces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("scipy")

from reify.backend.metrics import meshes
from reify.backend.surface.region import Ball
from reify.backend.surface.trim import OUTLINE, cut, trim
from reify.backend.values import Array, Mesh

VOXEL = 0.02


def sheet(half: float = 1.0, at: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Mesh:
    """A square in the plane of x and y, of triangles as large as voxels, with positions as colors."""
    n = round(2 * half / VOXEL)
    x, y = (a.ravel() for a in np.meshgrid(np.linspace(-half, half, n + 1), np.linspace(-half, half, n + 1), indexing="ij"))
    vertices = np.stack([x, y, np.zeros_like(x)], axis=1).astype(np.float32) + np.asarray(at, np.float32)
    i, j = (a.ravel() for a in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    p = i * (n + 1) + j
    faces = np.concatenate([np.stack([p, p + n + 1, p + n + 2], axis=1), np.stack([p, p + n + 2, p + 1], axis=1)])
    return Mesh(vertices, faces.astype(np.int32), vertex_srgb=(0.5 + 0.4 * vertices).clip(0, 1))


def rim(mesh: Mesh) -> Array:
    """Positions of the vertices on edges with one face."""
    edges = np.sort(np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]]), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    return mesh.vertices[np.unique(unique[count == 1])]


def together(*parts: Mesh) -> Mesh:
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    return Mesh(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.faces + np.int32(start) for part, start in zip(parts, starts, strict=False)]),
    )


def needle_of(radius: float, height: float) -> Mesh:
    """A closed four-sided needle that stands over the middle of the ground."""
    ring = radius * np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]]) + [0, 0, 0.05]
    vertices = np.concatenate([ring, [[0, 0, 0.05 + height], [0, 0, 0.02]]]).astype(np.float32)
    sides = [[i, (i + 1) % 4, 4] for i in range(4)] + [[(i + 1) % 4, i, 5] for i in range(4)]
    return Mesh(vertices, np.array(sides, np.int32))


def everything(mesh: Mesh) -> Array:
    return np.ones(len(mesh.vertices), bool)


def test_a_cut_runs_where_the_value_is_zero_and_takes_colors_along() -> None:
    mesh = sheet()
    kept, old = cut(mesh, 0.617 - np.linalg.norm(mesh.vertices, axis=1))
    assert np.abs(np.linalg.norm(rim(kept), axis=1) - 0.617).max() < 0.001
    assert meshes.euler_number(kept) == 1
    assert np.allclose(kept.vertex_srgb, (0.5 + 0.4 * kept.vertices).clip(0, 1), atol=1e-5)
    assert np.linalg.norm(mesh.vertices[old] - kept.vertices, axis=1).max() < 1.5 * VOXEL
    assert np.all(np.cross(*(kept.vertices[kept.faces][:, k] - kept.vertices[kept.faces][:, 0] for k in (1, 2)))[:, 2] > 0)


def test_ground_ends_in_a_circle() -> None:
    mesh = sheet()
    outline = np.linalg.norm(rim(trim(mesh, everything(mesh), Ball((0.0, 0.0, 0.0), 0.8), VOXEL)), axis=1)
    assert np.abs(outline - OUTLINE * 0.8).max() < 0.01
    assert np.ptp(outline) < 0.01


def test_torn_outlines_become_smooth() -> None:
    mesh = sheet()
    angle = np.arctan2(mesh.vertices[:, 1], mesh.vertices[:, 0])
    torn, _ = cut(mesh, 0.8 + 0.05 * np.sign(np.sin(40 * angle)) - np.linalg.norm(mesh.vertices, axis=1))
    smooth = np.linalg.norm(rim(trim(torn, everything(torn), Ball((0.0, 0.0, 0.0), 1.0), VOXEL)), axis=1)
    assert np.ptp(np.linalg.norm(rim(torn), axis=1)) > 0.09
    assert np.ptp(smooth) < 0.04 and 0.6 < smooth.mean() < 0.75


def test_the_outline_of_crumpled_ground_is_smooth() -> None:
    mesh = sheet()
    rough = replace(mesh, vertices=mesh.vertices + np.random.default_rng(0).normal(0, 0.4 * VOXEL, mesh.vertices.shape).astype(np.float32))
    outline = np.linalg.norm(rim(trim(rough, everything(rough), Ball((0.0, 0.0, 0.6), 1.0), VOXEL))[:, :2], axis=1)
    assert 0.6 < outline.mean() < 0.8 and np.ptp(outline) < 0.03


def test_a_wall_between_two_rims_stays() -> None:
    mesh = sheet()
    wall, _ = cut(mesh, 0.15 - np.abs(mesh.vertices[:, 1]))
    high = np.abs(trim(wall, everything(wall), Ball((0.0, 0.0, 0.0), 1.0), VOXEL).vertices[:, 1])
    assert 0.1 < high.max() <= 0.15


def test_a_tongue_and_the_scrap_at_its_end_go_and_a_thin_body_stays() -> None:
    mesh = sheet()
    x, y = mesh.vertices[:, 0], mesh.vertices[:, 1]
    tongue = np.minimum(0.03 - np.abs(y), 0.6 - np.abs(x - 0.3))
    scrap = 0.14 - np.hypot(x - 0.85, y)
    ground, _ = cut(mesh, np.maximum(np.maximum(0.6 - np.hypot(x, y), tongue), scrap))
    needle = needle_of(radius=0.02, height=0.3)
    result = trim(together(ground, needle), everything(together(ground, needle)), Ball((0.0, 0.0, 0.0), 1.0), VOXEL)
    flat = np.abs(result.vertices[:, 2]) < 1e-6
    assert 0.45 < np.linalg.norm(result.vertices[flat], axis=1).max() < 0.6
    assert np.count_nonzero(~flat) == np.count_nonzero(needle.vertices[:, 2])


def test_small_unseen_patches_and_holes_stay_and_large_unseen_ones_go() -> None:
    mesh = sheet()
    x, y = mesh.vertices[:, 0], mesh.vertices[:, 1]
    seen = (np.hypot(x - 0.4, y) > 0.08) & (np.hypot(x + 0.4, y) > 0.45)
    holed, old = cut(mesh, np.hypot(x, y - 0.5) - 0.05)
    result = trim(holed, seen[old], Ball((0.0, 0.0, 0.0), 0.9), VOXEL)
    near = lambda x, y, radius: np.any(np.linalg.norm(result.vertices[:, :2] - (x, y), axis=1) < radius)  # noqa: E731
    assert near(0.4, 0, 0.03)
    assert not near(-0.4, 0, 0.25)
    assert np.isclose(np.linalg.norm(rim(result)[:, :2] - (0, 0.5), axis=1).min(), 0.05, atol=0.01)


def test_unseen_parts_and_bits_of_background_go_and_loose_parts_inside_stay() -> None:
    subject, loose, background, unseen = sheet(0.8), sheet(0.1, (0, 0, 0.3)), sheet(0.1, (0, 0.3, 0.95)), sheet(0.2, (0, 0, -0.3))
    mesh = together(subject, loose, background, unseen)
    result = trim(mesh, np.arange(len(mesh.vertices)) < len(mesh.vertices) - len(unseen.vertices), Ball((0.0, 0.0, 0.0), 1.0), VOXEL)
    assert meshes.parts(result) == 2
    assert set(np.round(result.vertices[:, 2], 3).tolist()) == {0.0, np.float32(0.3).item()}


@pytest.mark.parametrize("radius, sees", [(0.3, True), (9.0, False)])
def test_nothing_is_left_of_what_lies_outside_or_nobody_sees(radius: float, sees: bool) -> None:
    mesh = sheet(0.5)
    assert len(trim(mesh, np.full(len(mesh.vertices), sees), Ball((5.0, 0.0, 0.0), radius), VOXEL).faces) == 0
