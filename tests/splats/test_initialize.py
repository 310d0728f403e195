"""Where training starts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.backend.errors import ReifyError
from reify.backend.splats.initialize import _agreeing, focus_of, starting_splats
from reify.backend.splats.settings import TrainingSettings
from reify.backend.values import SH_C0, Cameras, Points, Views

SETTINGS = TrainingSettings()


def _views(cameras, alpha=None):
    rgb = [np.full((h, w, 3), 200, np.uint8) for w, h in cameras.size_px]
    return Views(rgb, alpha or [None] * len(cameras), [None] * len(cameras), cameras)


def _ball_alpha(cameras, radius):
    masks = []
    for pose, k, (w, h) in zip(cameras.cam_from_world, cameras.K, cameras.size_px, strict=True):
        column, row = np.meshgrid(np.arange(w) + 0.5, np.arange(h) + 0.5)
        ray = np.stack([(column - k[0, 2]) / k[0, 0], (row - k[1, 2]) / k[1, 1], np.ones((h, w))], axis=-1)
        ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
        distance = np.linalg.norm(np.cross(ray, pose[:3, 3]), axis=-1)
        masks.append(np.where(distance < radius, 255, 0).astype(np.uint8))
    return masks


def test_sparse_points_become_splats_of_their_color_as_large_as_their_spacing(make_cameras):
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 8)] * 3), axis=-1).reshape(-1, 3).astype(np.float32)
    points = Points(grid, np.full((len(grid), 3), (255, 0, 51), np.uint8))
    splats = starting_splats(_views(make_cameras(64, 48, 6)), points, SETTINGS, 0)
    assert np.array_equal(splats.means, grid)
    assert np.exp(splats.log_scales) == pytest.approx(2 / 7, rel=0.01)
    assert 0.5 + SH_C0 * splats.sh[0, 0] == pytest.approx([1, 0, 0.2], abs=1e-5)


def test_masks_give_a_shell_of_the_visual_hull(make_cameras):
    cameras = make_cameras(96, 96, 12)
    splats = starting_splats(_views(cameras, _ball_alpha(cameras, 0.5)), None, SETTINGS, 0)
    radius = np.linalg.norm(splats.means, axis=1)
    assert len(splats) > 1000
    assert np.quantile(radius, 0.01) > 0.4 and radius.max() < 0.9


def test_masks_that_share_nothing_are_an_error(make_cameras):
    cameras = make_cameras(64, 48, 6)
    with pytest.raises(ReifyError, match="masks"):
        starting_splats(_views(cameras, [np.zeros((48, 64), np.uint8)] * 6), None, SETTINGS, 0)


def test_without_masks_or_points_splats_lie_before_the_cameras(make_cameras):
    cameras = make_cameras(64, 48, 6)
    splats = starting_splats(_views(cameras), None, SETTINGS, 0)
    pose = cameras.cam_from_world
    depth = np.einsum("ci,ni->nc", pose[:, 2, :3], splats.means) + pose[:, 2, 3]
    assert (depth > 0).any(axis=1).mean() > 0.95


def test_a_plane_sweep_finds_the_depth_of_a_patterned_wall():
    """Five cameras in a row before a wall at depth 2."""
    k = np.array([[90.0, 0, 60], [0, 90.0, 45], [0, 0, 1]])
    poses = np.repeat(np.eye(4)[None], 5, axis=0)
    poses[:, 0, 3] = -np.linspace(-0.4, 0.4, 5)
    angles = np.linspace(-0.2, 0.2, 5)  # turned inwards, so that the viewing axes meet on the wall
    for pose, angle in zip(poses, angles, strict=True):
        center = -pose[:3, 3].copy()
        pose[:3, :3] = [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
        pose[:3, 3] = -pose[:3, :3] @ center
    cameras = Cameras(poses, np.repeat(k[None], 5, axis=0), np.full((5, 2), (120, 90)), np.zeros((5, 8)))
    column, row = np.meshgrid(np.arange(120) + 0.5, np.arange(90) + 0.5)
    rgb = []
    for pose in poses:
        ray = np.stack([(column - 60) / 90, (row - 45) / 90, np.ones((90, 120))], axis=-1) @ pose[:3, :3]
        center = -pose[:3, :3].T @ pose[:3, 3]
        wall = center + ray * (2 / ray[..., 2:])
        pattern = 0.5 + 0.25 * np.sin(wall[..., :1] * (9, 14, 5)) + 0.25 * np.sin(wall[..., 1:2] * (7, 12, 16) + wall[..., :1] * 3)
        rgb.append((255 * pattern).astype(np.uint8))
    views = Views(rgb, [None] * 5, [None] * 5, cameras)
    depth = starting_splats(views, None, SETTINGS, 0).means[:, 2]
    assert np.median(depth) == pytest.approx(2, rel=0.05)
    assert np.mean(np.abs(depth - 2) < 0.3) > 0.9


def test_depths_that_no_ray_nearby_shares_are_left_out():
    rng = np.random.default_rng(0)
    pixel = rng.integers(0, 100, size=(800, 2))
    depth = np.where(pixel[:, 0] < 50, 2.0, 4.0) + 0.2 * rng.random(800)  # a step
    wrong = rng.random(800) < 0.1
    depth[wrong] = 0.5
    seen = np.ones(800, bool)
    seen[:20] = False
    kept = _agreeing(pixel, depth, seen)
    assert kept[wrong].mean() < 0.1 and kept[~wrong & seen].mean() > 0.9 and not kept[:20].any()
    assert _agreeing(pixel, depth, np.zeros(800, bool)).all()  # rather anywhere than nowhere


def test_what_a_photo_does_not_know_cuts_nothing_off_the_hull(make_cameras):
    cameras = make_cameras(96, 96, 12)
    alpha, weight = _ball_alpha(cameras, 0.5), np.full((96, 96), 255, np.uint8)
    weight[:, :48] = 0  # left halves are unknown, and transparent
    for plane in alpha[::2]:
        plane[:, :48] = 0
    views = dataclasses.replace(_views(cameras, alpha), weight=[weight if i % 2 == 0 else None for i in range(12)])
    half_seen = starting_splats(views, None, SETTINGS, 0)
    whole = starting_splats(_views(cameras, _ball_alpha(cameras, 0.5)), None, SETTINGS, 0)
    assert np.quantile(half_seen.means, 0.98, axis=0) == pytest.approx(np.quantile(whole.means, 0.98, axis=0), abs=0.08)
    assert np.quantile(half_seen.means, 0.02, axis=0) == pytest.approx(np.quantile(whole.means, 0.02, axis=0), abs=0.08)


def test_random_splats_lie_evenly_between_the_cameras(make_cameras):
    cameras = make_cameras(64, 48, 8)
    splats = starting_splats(_views(cameras), None, dataclasses.replace(SETTINGS, start_from="random"), 0)
    focus, distance = focus_of(cameras)
    radius = np.linalg.norm(splats.means - focus, axis=1) / distance
    assert len(splats) > 5000 and radius.max() < 1.001
    assert np.mean(radius < 0.5) == pytest.approx(1 / 8, abs=0.02)


@pytest.mark.parametrize(("start_from", "said"), [("points", "points"), ("hull", "masks")])
def test_a_start_from_what_is_not_there_is_an_error(make_cameras, start_from, said):
    with pytest.raises(ReifyError, match=said):
        starting_splats(_views(make_cameras(64, 48, 6)), None, dataclasses.replace(SETTINGS, start_from=start_from), 0)


def test_points_are_used_beside_masks_where_asked_for(make_cameras):
    cameras = make_cameras(64, 48, 6)
    points = Points(np.array([[0, 0, 0], [0.1, 0, 0], [np.nan, 0, 0]], np.float32))
    views = _views(cameras, _ball_alpha(cameras, 0.5))
    splats = starting_splats(views, points, dataclasses.replace(SETTINGS, start_from="points"), 0)
    assert np.array_equal(splats.means, points.xyz[:2])


def test_the_limit_on_splats_is_kept(make_cameras):
    limited = dataclasses.replace(SETTINGS, max_splats=100)
    assert len(starting_splats(_views(make_cameras(64, 48, 6)), None, limited, 0)) == 100


def test_the_focus_is_where_the_cameras_look(make_cameras):
    focus, distance = focus_of(make_cameras(64, 48, 8))
    assert focus == pytest.approx([0, 0, 0], abs=0.05)
    assert distance == pytest.approx(2.5 * np.sqrt(1 + 0.35**2), rel=0.05)
