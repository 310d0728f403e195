"""Splats told apart by cells, outlines and colors, with closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.geometry.axes import looking_at
from reify.backend.splats.editing import cells, placing, selection, subject, thinning
from reify.backend.values import Cameras


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def ball(random, count: int, center, radius: float) -> np.ndarray:
    outwards = random.normal(size=(count, 3))
    return (outwards / np.linalg.norm(outwards, axis=1, keepdims=True) * radius + center).astype(np.float32)


@pytest.mark.parametrize("dense", [True, False])
def test_cells_that_touch_at_a_corner_are_connected_and_those_beyond_are_not(monkeypatch, dense):
    monkeypatch.setattr(cells, "DENSE", 2**24 if dense else 0)
    points = np.array([[0.5, 0.5, 0.5], [1.5, 1.5, 1.5], [2.5, 1.5, 0.5], [4.5, 1.5, 0.5], [-9.5, 0.5, 0.5]], np.float32)
    found = cells.cells_of(points, 1.0)
    labels = found.bodies(np.ones(len(found.codes), bool))[found.of_point]
    assert labels[0] == labels[1] == labels[2] and len(set(labels.tolist())) == 3
    np.testing.assert_array_equal(found.around(found.sums(np.ones(5)))[found.of_point], [2, 3, 2, 1, 1])


def test_a_long_snake_of_cells_is_one_body(random):
    angle = np.linspace(0, 60, 4000)
    points = np.column_stack((angle * np.cos(angle), angle * np.sin(angle), np.zeros(4000)))[random.permutation(4000)].astype(np.float32)
    found = cells.cells_of(points, 1.2)
    assert len(set(found.bodies(np.ones(len(found.codes), bool)).tolist())) == 1


def test_the_body_nearest_the_focus_is_taken_of_the_large_ones(random):
    points = np.concatenate((ball(random, 3000, (0, 0, 0), 1), ball(random, 2000, (5, 0, 0), 1), ball(random, 20, (2.5, 0, 0), 0.1)))
    opacity = np.ones(len(points))
    assert np.flatnonzero(selection.largest_body(points, opacity, 0.2)).tolist() == list(range(3000))
    near = selection.largest_body(points, opacity, 0.2, np.array([3.0, 0, 0]))
    assert np.flatnonzero(near).tolist() == list(range(3000, 5000))


def test_a_polygon_covers_the_pixels_whose_centers_are_in_it():
    mask = selection.polygon_mask(np.array([[1.0, 1.0], [6.0, 1.0], [6.0, 4.0], [1.0, 4.0]]), 8, 6)
    assert mask.sum() == 15 and mask[1:4, 1:6].all()
    triangle = selection.polygon_mask(np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0]]), 100, 100)
    assert triangle.sum() == pytest.approx(5000, abs=60) and triangle[10, 10] and not triangle[90, 90]


def test_places_outside_of_the_picture_or_not_finite_are_in_no_outline():
    xy = np.array([[1.5, 1.5], [-0.5, 1], [1, 9], [np.nan, 1], [np.inf, 1]], np.float32)
    assert selection.in_mask(xy, np.ones((4, 4), bool)).tolist() == [True, False, False, False, False]


def test_what_an_opaque_splat_hides_is_not_in_front():
    xy = np.array([[10.0, 10], [11, 10], [10, 11], [50, 50], [10, 10]])
    depth, opacity = np.array([2.0, 1.0, 1.05, 9.0, -1.0]), np.array([0.9, 0.9, 0.1, 0.9, 0.9])
    assert selection.in_front(xy, depth, opacity, 0.1).tolist() == [False, True, True, True, False]


def test_the_subject_is_found_by_where_cameras_look_beside_a_larger_thing(random):
    thing, larger = ball(random, 2000, (1, 0, 0.5), 0.45), ball(random, 9000, (-4, 0, 1.5), 1.4)
    ground = np.column_stack((random.uniform(-6, 6, (9000, 2)), random.normal(0, 0.004, 9000))).astype(np.float32)
    points = np.concatenate((thing, larger, ground))
    turns = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    eyes = np.column_stack((1 + 2.5 * np.cos(turns), 2.5 * np.sin(turns), np.full(10, 1.5)))
    poses = looking_at(eyes, np.array([1.0, 0, 0.5]))
    known = Cameras(poses, np.tile(np.eye(3), (10, 1, 1)), np.full((10, 2), 100), np.zeros((10, 8)))
    focus, distance = subject.focus_of(known)
    np.testing.assert_allclose(focus, (1, 0, 0.5), atol=1e-6)
    assert distance == pytest.approx(np.hypot(2.5, 1.0))
    mask = subject.subject_mask(points, np.ones(len(points)), known, np.array([0, 0, 1.0]))
    assert mask[:2000].mean() > 0.95 and not mask[2000:].any()


def test_a_tilted_ground_is_found_and_leveled(random):
    turn = np.array([[0.98, 0, 0.199], [0, 1, 0], [-0.199, 0, 0.98]])
    ground = np.column_stack((random.uniform(-1, 1, (3000, 2)), random.normal(0, 0.003, 3000)))
    points = np.concatenate((ground, random.uniform(-0.3, 0.3, (1000, 3)) + (0, 0, 0.4))) @ turn.T + (0, 0, 2.0)
    plane = subject.ground_plane(points, 1.0, np.array([0, 0, 1.0]))
    assert plane is not None
    np.testing.assert_allclose(plane.normal, turn[:, 2] / np.linalg.norm(turn[:, 2]), atol=5e-3)
    matrix = placing.leveled(plane)
    level = points[:3000] @ matrix[:3, :3].T + matrix[:3, 3]
    assert level[:, 2].std() < 0.006
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-9)


def test_where_there_is_no_plane_no_ground_is_found(random):
    assert subject.ground_plane(random.normal(size=(4000, 3)), 3.0, np.array([0, 0, 1.0])) is None


def test_the_most_important_splats_are_the_large_and_opaque_ones():
    opacity = np.array([0.9, 0.1, 0.9, 0.5])
    scales = np.array([[1, 1, 0.01], [1, 1, 0.01], [0.1, 0.1, 0.1], [2, 1, 0.01]])
    values = thinning.importance(opacity, scales)
    np.testing.assert_allclose(values, [0.9, 0.1, 0.009, 1.0])
    assert thinning.most_important(values, 2).tolist() == [True, False, False, True]
    assert thinning.most_important(values, 0).sum() == 0 and thinning.most_important(values, 4).all()


def test_a_splat_takes_as_many_bytes_as_in_a_file_of_the_format():
    assert thinning.bytes_each(15) == 248
