"""The tree of boxes gives what looking at every face would give."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from reify.backend.geometry import tree as trees
from reify.backend.metrics.meshes import distance_to_triangles
from reify.tests.mesh.solids import ball, joined


def some_triangles(count: int, size: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    corners = random.normal(size=(count, 1, 3)) + size * random.normal(size=(count, 3, 3))
    return corners.reshape(-1, 3).astype(np.float32), np.arange(3 * count).reshape(-1, 3)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 200])
def test_the_nearest_face_is_the_one_that_all_distances_say(count: int) -> None:
    vertices, faces = some_triangles(count)
    points = np.random.default_rng(1).normal(size=(100, 3)) * 2
    found = trees.nearest(trees.tree_of(vertices, faces), points)
    corners = vertices[faces].astype(np.float64)
    every = np.stack([distance_to_triangles(points, np.broadcast_to(triangle, (100, 3, 3))) for triangle in corners], axis=1)
    np.testing.assert_allclose(found.distance, every.min(axis=1), rtol=1e-9, atol=1e-12)
    at = np.einsum("nk,nki->ni", found.weights, corners[found.face])
    np.testing.assert_allclose(np.linalg.norm(points - at, axis=1), found.distance, rtol=1e-6, atol=1e-9)


def test_only_allowed_faces_are_found() -> None:
    vertices, faces = some_triangles(60)
    tree, points = trees.tree_of(vertices, faces), np.random.default_rng(1).normal(size=(50, 3))
    group = np.arange(60) % 3
    found = trees.nearest(tree, points, group=group, wanted=np.arange(50) % 3)
    assert (group[found.face] == np.arange(50) % 3).all()
    assert (trees.nearest(tree, points + 100, reach=np.ones(50)).face == -1).all()
    corners = vertices[faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    up = trees.nearest(tree, points, facing=np.tile([0.0, 0.0, 1.0], (50, 1)))
    assert (normals[up.face, 2] >= 0).all()


def test_winding_numbers_are_one_inside_and_none_outside() -> None:
    two = joined(ball(n=64), ball(0.5, (3, 0, 0), n=32))
    points = np.random.default_rng(0).normal(size=(2000, 3)) * 2
    distances = np.linalg.norm(points, axis=1) - 1, np.linalg.norm(points - [3, 0, 0], axis=1) - 0.5
    clear = (np.abs(distances[0]) > 0.02) & (np.abs(distances[1]) > 0.02)
    numbers = trees.winding_numbers(trees.tree_of(two.vertices, two.faces), points)
    inside = (distances[0] < 0) | (distances[1] < 0)
    np.testing.assert_allclose(numbers[clear], inside[clear], atol=0.06)


def test_what_is_inside_is_hidden_and_what_is_outside_is_not() -> None:
    outer, inner = ball(n=32), ball(0.3, n=24)
    both = joined(outer, inner)
    hidden = trees.hidden(trees.tree_of(both.vertices, both.faces))
    assert not hidden[: len(outer.faces)].any() and hidden[len(outer.faces) :].all()


def test_faces_that_cross_are_those_that_a_look_at_every_pair_finds() -> None:
    vertices, faces = some_triangles(80, size=0.6)
    found = trees.crossing(trees.tree_of(vertices, faces), faces)
    corners = vertices[faces].astype(np.float64)
    truth = np.zeros(80, bool)
    for i in range(80):
        for j in range(i):
            if _cross(corners[i], corners[j]):
                truth[i] = truth[j] = True
    np.testing.assert_array_equal(found, truth)
    assert 5 < truth.sum() < 75


def _cross(p: np.ndarray, q: np.ndarray) -> bool:
    def pierces(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> bool:
        matrix = np.stack([a - b, t[1] - t[0], t[2] - t[0]], axis=1)
        along, u, v = np.linalg.solve(matrix, a - t[0])
        return 0 < along < 1 and u > 0 and v > 0 and u + v < 1

    return any(pierces(s[k], s[(k + 1) % 3], t) for s, t in ((p, q), (q, p)) for k in range(3))
