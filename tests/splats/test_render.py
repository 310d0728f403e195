"""Renderings: where things appear, how deep they are and which way they face."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.backend.splats.render import rasterize
from reify.backend.values import SH_C0, Cameras, Splats


def _one(position, scales=(0.2, 0.2, 0.2), colour=(0.9, 0.2, 0.1), logit=8.0):
    return Splats(
        means=np.array([position], np.float32),
        quats=np.array([[1, 0, 0, 0]], np.float32),
        log_scales=np.log(np.array([scales], np.float32)),
        opacity_logits=np.array([logit], np.float32),
        sh=((np.array([[colour]]) - 0.5) / SH_C0).astype(np.float32),
    )


@pytest.fixture
def camera():
    k = np.array([[[100.0, 0, 40.0], [0, 100.0, 30.0], [0, 0, 1]]])
    return Cameras(np.eye(4)[None], k, np.array([[80, 60]]), np.zeros((1, 8)))


def test_a_splat_appears_where_the_camera_projects_it_with_its_colour_and_depth(camera):
    picture = rasterize(_one((0.3, -0.2, 2.0)), camera, 0, background=(0.0, 0.0, 1.0))
    row, column = 20, 55  # (100 * 0.3 / 2 + 40, 100 * -0.2 / 2 + 30), between pixel centres
    assert picture.rgb[row, column] == pytest.approx([0.9, 0.2, 0.1], abs=0.01)
    assert picture.depth[row, column] == pytest.approx(2.0)
    assert picture.info["expected_depth"][row, column] == pytest.approx(2.0, abs=1e-3)
    assert picture.rgb[59, 0] == pytest.approx([0, 0, 1])
    assert picture.alpha[59, 0] == 0 and picture.depth[59, 0] == 0


def test_a_flat_splat_faces_the_camera_with_its_shortest_axis(camera):
    picture = rasterize(_one((0, 0, 2), scales=(0.3, 0.3, 0.001)), camera, 0)
    assert picture.normal[30, 40] == pytest.approx([0, 0, -1], abs=1e-5)


def test_what_lies_behind_the_camera_is_not_seen(camera):
    assert rasterize(_one((0, 0, -2)), camera, 0).alpha.max() == 0


def test_no_splats_give_the_background(camera):
    nothing = _one((0, 0, 2)).take(np.zeros(0, int))
    assert rasterize(nothing, camera, 0, background=(0.2, 0.4, 0.6)).rgb[5, 5] == pytest.approx([0.2, 0.4, 0.6])


def test_the_order_of_the_splats_does_not_matter(make_splats, make_cameras):
    splats = make_splats(400)
    shuffled = splats.take(np.random.default_rng(3).permutation(400))
    one, other = (rasterize(s, make_cameras(64, 48), 0) for s in (splats, shuffled))
    assert np.array_equal(one.rgb, other.rgb)
    assert np.array_equal(one.depth, other.depth)


def test_scene_and_cameras_moved_together_look_the_same(make_splats, make_cameras):
    splats, cameras = make_splats(200, degree=0), make_cameras(64, 48)
    shift = np.array([3.0, -2.0, 1.0])
    pose = cameras.cam_from_world.copy()
    pose[:, :3, 3] -= pose[:, :3, :3] @ shift
    moved = dataclasses.replace(splats, means=(splats.means + shift).astype(np.float32))
    here = rasterize(splats, cameras, 0).rgb
    there = rasterize(moved, dataclasses.replace(cameras, cam_from_world=pose), 0).rgb
    assert np.quantile(np.abs(here - there), 0.99) < 1e-3


def test_a_camera_with_lens_distortion_is_refused(camera):
    distorted = dataclasses.replace(camera, distortion=np.full((1, 8), 0.01))
    with pytest.raises(ValueError, match="pinhole"):
        rasterize(_one((0, 0, 2)), distorted, 0)
