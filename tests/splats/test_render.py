"""Renderings: where things appear, how deep they are and which way they face."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.backend.splats.render import rasterize
from reify.backend.values import SH_C0, Cameras, Splats


def _one(position, scales=(0.2, 0.2, 0.2), color=(0.9, 0.2, 0.1), logit=8.0):
    return Splats(
        means=np.array([position], np.float32),
        quats=np.array([[1, 0, 0, 0]], np.float32),
        log_scales=np.log(np.array([scales], np.float32)),
        opacity_logits=np.array([logit], np.float32),
        sh=((np.array([[color]]) - 0.5) / SH_C0).astype(np.float32),
    )


@pytest.fixture
def camera():
    k = np.array([[[100.0, 0, 40.0], [0, 100.0, 30.0], [0, 0, 1]]])
    return Cameras(np.eye(4)[None], k, np.array([[80, 60]]), np.zeros((1, 8)))


def test_a_splat_appears_where_the_camera_projects_it_with_its_color_and_depth(camera):
    picture = rasterize(_one((0.3, -0.2, 2.0)), camera, 0, background=(0.0, 0.0, 1.0))
    row, column = 20, 55  # (100 * 0.3 / 2 + 40, 100 * -0.2 / 2 + 30), between pixel centers
    assert picture.rgb[row, column] == pytest.approx([0.9, 0.2, 0.1], abs=0.01)
    assert picture.depth[row, column] == pytest.approx(2.0 - 1.25 * 0.2 / np.hypot(1, np.hypot(0.15, 0.1)), abs=2e-3)
    assert picture.info["expected_depth"][row, column] == pytest.approx(2.0, abs=1e-3)
    assert picture.rgb[59, 0] == pytest.approx([0, 0, 1])
    assert picture.alpha[59, 0] == 0 and picture.depth[59, 0] == 0


def test_a_flat_splat_faces_the_camera_with_its_shortest_axis(camera):
    picture = rasterize(_one((0, 0, 2), scales=(0.3, 0.3, 0.001)), camera, 0)
    assert picture.normal[30, 40] == pytest.approx([0, 0, -1], abs=1e-5)


def test_a_tilted_flat_splat_has_the_depth_and_the_normal_of_its_plane(camera):
    angle = 0.6
    splat = dataclasses.replace(
        _one((0.1, 0, 2), scales=(0.3, 0.3, 1e-4)), quats=np.array([[np.cos(angle / 2), 0, np.sin(angle / 2), 0]], np.float32)
    )
    picture = rasterize(splat, camera, 0)
    assert picture.normal[30, 45] == pytest.approx([-np.sin(angle), 0, -np.cos(angle)], abs=2e-3)
    for column in (40, 45, 50):
        across = (column + 0.5 - 40) / 100
        # where the ray (across, 0, 1) meets the plane through (0.1, 0, 2)
        truth = (0.1 * np.sin(angle) + 2 * np.cos(angle)) / (across * np.sin(angle) + np.cos(angle))
        assert picture.depth[30, column] == pytest.approx(truth, abs=3e-3)
        assert picture.info["expected_depth"][30, column] == pytest.approx(truth, abs=3e-3)


def test_expected_depth_agrees_with_where_splats_are_densest_along_each_ray(make_splats, make_cameras):
    torch = pytest.importorskip("torch")
    from reify.backend.splats import twin

    cameras = make_cameras(48, 32)
    splats = make_splats(60, size=0.03)
    width, height = 48, 32
    parameters = twin.parameters_of(splats)
    pose, k = torch.tensor(cameras.cam_from_world[0]), cameras.K[0]
    means = parameters["means"] @ pose[:3, :3].T + pose[:3, 3]
    axes = pose[:3, :3] @ twin.rotations(parameters["quats"]) / torch.exp(parameters["log_scales"])[:, None, :]
    inverse = (axes @ axes.transpose(1, 2)).detach().numpy()
    means = means.detach().numpy()
    errors, offsets = [], []
    for n in range(len(splats)):
        alone = dataclasses.replace(splats.take(np.array([n])), opacity_logits=np.array([3.0], np.float32))
        picture = rasterize(alone, cameras, 0)
        for row, column in np.argwhere(picture.alpha > 0.3):
            ray = np.array([(column + 0.5 - k[0, 2]) / k[0, 0], (row + 0.5 - k[1, 2]) / k[1, 1], 1.0])
            densest = ray @ inverse[n] @ means[n] / (ray @ inverse[n] @ ray)
            errors.append(picture.info["expected_depth"][row, column] - densest)
            offsets.append(means[n, 2] - densest)
    assert len(errors) > width * height / 20
    assert np.abs(errors).mean() < 0.35 * np.abs(offsets).mean()


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
