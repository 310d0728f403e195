"""Depth and normals of splats that aren't surfels: values and gradients against the float64 twin."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.backend.splats.corrections import motion

from .agreement import assert_geometry, assert_gradients, by_name

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("antialiased", [False, True])
def test_depth_normals_and_all_gradients_agree_with_the_float64_twin(antialiased, make_splats, make_cameras):
    from reify.backend.splats import twin

    assert_geometry(make_splats(300, seed=3, degree=1, antialiased=antialiased), make_cameras(75, 53), twin.render_planes)


def test_a_step_by_depth_and_normals_moves_splats_and_camera_as_the_twins_slopes_say(make_splats, make_cameras):
    from reify.backend.rendering.losses import DepthDistortion, NormalConsistency, Photometric
    from reify.backend.rendering.targets import Target
    from reify.backend.splats import twin, twin_losses
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer
    from reify.backend.splats.step import SplatStep

    splats, cameras = make_splats(150, seed=5, degree=0, size=0.15), make_cameras(44, 36)
    rasterizer = CpuRasterizer(splats, len(splats), 0, 2)
    # The photo is what is seen already, so that only depth and normals pull.
    losses = Photometric(ssim_share=0.0), DepthDistortion(0.7), NormalConsistency(0.3)
    step = SplatStep(rates={}, losses=losses, bases=1, camera_gradient=True)
    photo = np.random.default_rng(1).integers(0, 2, (36, 44, 1), dtype=np.uint8).repeat(3, axis=2) * 255
    figures = rasterizer.step(Target(cameras, photo), step)
    found = by_name(rasterizer.moments[: len(splats), 0] / (1 - step.beta1), 1)
    rasterizer.close()
    middle = float(rasterizer.render(cameras)[1].drawings[0].lists.middle)

    def loss(parameters, cameras):
        picture, alpha, sums = twin.render_planes(parameters, cameras, 0, middle=middle)
        distortion, consistency = twin_losses.geometry_losses(alpha, sums, cameras.K[0], middle)
        return (picture - torch.tensor(photo / 255)).abs().mean() + (0.7 * distortion + 0.3 * consistency) / (44 * 36)

    parameters = twin.parameters_of(splats)
    whole = loss(parameters, cameras)
    whole.backward()
    assert figures.loss == pytest.approx(whole.item(), rel=1e-4)
    assert_gradients(found, parameters)
    expected, h = np.zeros(6), 1e-7
    for axis in range(6):
        poses = (motion(sign * h * np.eye(6)[axis]) @ cameras.cam_from_world[0] for sign in (1, -1))
        with torch.no_grad():
            ahead, behind = (loss(parameters, dataclasses.replace(cameras, cam_from_world=pose[None])).item() for pose in poses)
        expected[axis] = (ahead - behind) / (2 * h)
    assert np.linalg.norm(figures.v_camera - expected) < 2e-3 * np.linalg.norm(expected)
