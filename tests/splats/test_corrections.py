"""Exposure of each photo and poses of the cameras: gradients against the twin, and training that finds both."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.backend.splats.corrections import motion

torch = pytest.importorskip("torch")

BACKGROUND = (0.3, 0.6, 0.1)
EXPOSURE = np.array([0.8, 1.1, 1.3, 0.05, -0.1, 0.02])


@pytest.fixture
def scene(make_splats, make_cameras):
    """Splats, a camera and a photo of black and white pixels: where colours lie between, L1 has the same slope all around."""
    splats = make_splats(60, seed=5, size=0.15)
    photo = np.random.default_rng(1).integers(0, 2, (36, 44, 1), dtype=np.uint8).repeat(3, axis=2) * 255
    return splats, make_cameras(44, 36), photo


def _twin_loss(splats, cameras, photo, exposure=None, weight=None):
    from reify.backend.splats import twin

    parameters = twin.parameters_of(splats)
    picture, alpha, _depth = twin.render(parameters, cameras, 0, background=BACKGROUND)
    if exposure is not None:
        behind = (1 - alpha)[..., None] * torch.tensor(BACKGROUND, dtype=torch.float64)
        picture = (picture - behind) * exposure[:3] + alpha[..., None] * exposure[3:] + behind
    difference = (picture - torch.tensor(photo / 255)).abs()
    if weight is not None:
        difference = difference[torch.tensor(weight > 127)]
    return difference.mean(), parameters


def _step(splats, cameras, photo, weight=None, **more):
    from reify.backend.splats.cpu.engine import CpuEngine
    from reify.backend.splats.cpu.layout import camera_row
    from reify.backend.splats.engine import Step, Target

    engine = CpuEngine(splats, len(splats), 3, 2)
    target = Target(photo, None, weight, camera_row(cameras, 0))
    step = Step(16, np.zeros(engine.width, np.float32), background=BACKGROUND, ssim_weight=0.0, **more)
    figures = engine.step(target, step)
    gradients = engine.moments[: len(splats), 0] / (1 - step.beta1)
    engine.close()
    return figures, gradients


def test_the_gradient_of_the_pose_is_that_of_the_twins_finite_differences(scene):
    splats, cameras, photo = scene
    figures, _gradients = _step(splats, cameras, photo, camera_gradient=True)
    expected, h = np.zeros(6), 1e-6
    for axis in range(6):
        losses = []
        for sign in (1, -1):
            pose = motion(sign * h * np.eye(6)[axis]) @ cameras.cam_from_world[0]
            moved = dataclasses.replace(cameras, cam_from_world=pose[None])
            losses.append(float(_twin_loss(splats, moved, photo)[0].detach()))
        expected[axis] = (losses[0] - losses[1]) / (2 * h)
    assert np.linalg.norm(figures.v_camera - expected) < 2e-3 * np.linalg.norm(expected)


@pytest.mark.parametrize("partly_known", [False, True])
def test_gradients_through_the_exposure_are_those_of_autograd(scene, partly_known):
    from reify.backend.splats.cpu.layout import BASE_COLOUR, MEAN, OPACITY

    splats, cameras, photo = scene
    weight = np.full((36, 44), 255, np.uint8) if partly_known else None
    if weight is not None:
        weight[:, :15] = 0
    exposure = torch.tensor(EXPOSURE, requires_grad=True)
    loss, parameters = _twin_loss(splats, cameras, photo, exposure, weight)
    loss.backward()
    figures, gradients = _step(splats, cameras, photo, weight, exposure=EXPOSURE.astype(np.float32))
    assert figures.loss == pytest.approx(float(loss.detach()), rel=1e-5)
    assert figures.v_exposure == pytest.approx(exposure.grad.numpy(), rel=1e-3, abs=1e-5)
    found = {"means": gradients[:, MEAN : MEAN + 3], "opacity_logits": gradients[:, OPACITY]}
    found["sh"] = gradients[:, BASE_COLOUR : BASE_COLOUR + 3]
    for name, value in found.items():
        grad = parameters[name].grad.numpy() if name != "sh" else parameters[name].grad.numpy()[:, 0]
        assert np.linalg.norm(value - grad) < 2e-3 * np.linalg.norm(grad), name


def test_a_motion_turns_and_moves():
    quarter = motion(np.array([0, 0, np.pi / 2, 1, 2, 3]))
    assert quarter @ (1, 0, 0, 1) == pytest.approx([1, 3, 3, 1])
    assert np.array_equal(motion(np.zeros(6)), np.eye(4))
