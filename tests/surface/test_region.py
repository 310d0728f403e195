"""The ball that surfaces are extracted in: around a subject it ends before the cameras, in a scene where its surface does."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from reify.backend.geometry.axes import looking_at
from reify.backend.jobs.job import Job
from reify.backend.surface.depth import render_depth
from reify.backend.surface.region import Ball, find_region, flatness, surrounded
from reify.backend.values import Cameras

SIZE_PX = 96


def box(points: np.ndarray, center: tuple[float, float, float], half: tuple[float, float, float]) -> np.ndarray:
    """Signed distance to an axis-parallel box."""
    out = np.abs(points - np.array(center)) - np.array(half)
    return np.linalg.norm(np.maximum(out, 0.0), axis=-1) + np.minimum(out.max(axis=-1), 0.0)


def facade(points: np.ndarray) -> np.ndarray:
    """A wall in x and z, 8 wide and 4 high, with a portal that stands out of it."""
    return np.minimum(box(points, (0, 0, 0), (4, 0.2, 2)), box(points, (0, -0.4, -1), (0.6, 0.4, 1)))


def with_a_hill_behind(points: np.ndarray) -> np.ndarray:
    return np.minimum(facade(points), box(points, (0, 60, 0), (50, 1, 6)))


def figure_on_the_ground(points: np.ndarray) -> np.ndarray:
    """A ball of radius 0.5 on a floor that goes on beyond the cameras."""
    return np.minimum(np.linalg.norm(points, axis=-1) - 0.5, box(points, (0, 0, -0.6), (12, 12, 0.1)))


def with_a_hill_behind_the_figure(points: np.ndarray) -> np.ndarray:
    return np.minimum(np.linalg.norm(points, axis=-1) - 1.0, box(points, (0, 7, 0), (20, 1, 6)))


def cameras_at(centers: np.ndarray, targets: np.ndarray, focal: float = 0.5) -> Cameras:
    K = np.array([[focal * SIZE_PX, 0, SIZE_PX / 2], [0, focal * SIZE_PX, SIZE_PX / 2], [0, 0, 1]])
    count = len(centers)
    return Cameras(looking_at(centers, targets), np.tile(K, (count, 1, 1)), np.full((count, 2), SIZE_PX), np.zeros((count, 8)))


def arc(count: int, degrees: float, distance: float, height: float = 0.0) -> np.ndarray:
    """Camera centers on an arc about the origin, its middle at -Y."""
    angle = np.radians(np.linspace(-degrees / 2, degrees / 2, count, endpoint=degrees < 360))
    return np.stack([distance * np.sin(angle), -distance * np.cos(angle), np.full(count, height)], axis=1)


def share_of_facade(ball: Ball) -> float:
    x, z = np.meshgrid(np.linspace(-4, 4, 81), np.linspace(-2, 2, 41))
    wall = np.stack([x, np.full_like(x, -0.2), z], axis=-1)
    return float((np.linalg.norm(wall - ball.center, axis=-1) < ball.radius).mean())


def region_of(distance, cameras: Cameras, make_renderer, make_views) -> Ball:
    return find_region(render_depth(make_renderer(distance), make_views(cameras), job=Job()))


@pytest.mark.parametrize("world", [facade, with_a_hill_behind])
def test_a_facade_is_held_whole_and_without_what_is_far_behind(world, make_renderer, make_views) -> None:
    cameras = cameras_at(arc(9, 100, 3.0), np.zeros(3))
    ball = region_of(world, cameras, make_renderer, make_views)
    assert share_of_facade(ball) > 0.98  # corners are in two photos only
    assert ball.radius < 8.0


def test_a_facade_that_cameras_pass_along_is_held_whole(make_renderer, make_views) -> None:
    x = np.linspace(-3.5, 3.5, 12)
    centers = np.stack([x, np.full(12, -2.5), np.zeros(12)], axis=1)
    ball = region_of(facade, cameras_at(centers, centers * [1, 0, 1]), make_renderer, make_views)
    assert share_of_facade(ball) > 0.98  # corners are in two photos only
    assert ball.radius < 8.0


def test_a_subject_that_cameras_go_around_is_cut_off_the_ground_before_them(make_renderer, make_views) -> None:
    cameras = cameras_at(arc(16, 360, 3.0, 1.5), np.zeros(3), focal=1.0)
    ball = region_of(figure_on_the_ground, cameras, make_renderer, make_views)
    assert np.linalg.norm(ball.center) < 0.6
    assert 0.7 < ball.radius < 0.7 * 3.4


def test_a_body_that_stands_free_is_no_wall_though_all_cameras_are_on_one_side(make_renderer, make_views) -> None:
    cameras = cameras_at(arc(9, 110, 3.0, 0.5), np.zeros(3))
    world = with_a_hill_behind_the_figure
    ball = region_of(world, cameras, make_renderer, make_views)
    assert ball.radius < 0.7 * 3.1


def test_a_room_that_cameras_look_out_into_is_held_whole(make_renderer, make_views) -> None:
    centers = arc(24, 360, 0.5)
    cameras = cameras_at(centers, 4 * centers)
    ball = region_of(lambda p: -box(p, (0, 0, 0), (3, 4, 1.5)), cameras, make_renderer, make_views)
    assert np.linalg.norm(np.array([2.9, 3.9, 1.0]) - ball.center) < ball.radius


@pytest.mark.parametrize(("degrees", "all_around"), [(360, True), (270, True), (200, True), (160, False), (60, False)])
def test_cameras_surround_what_they_stand_around_by_more_than_half(degrees: float, all_around: bool) -> None:
    centers = arc(20, degrees, 2.0, 1.0)
    assert surrounded(np.zeros(3), cameras_at(centers, np.zeros(3))) == all_around


def test_a_wall_is_flat_and_half_a_ball_is_not() -> None:
    rng = np.random.default_rng(0)
    wall = rng.uniform(-1, 1, (4000, 3)) * [4, 0.4, 2]
    front = rng.normal(size=(4000, 3))
    front /= np.linalg.norm(front, axis=1, keepdims=True)
    front[:, 0] = np.abs(front[:, 0])
    assert flatness(wall) == pytest.approx(0.2, abs=0.02)
    assert flatness(front) == pytest.approx(0.5, abs=0.03)
    assert flatness(wall[:3]) == 1.0
