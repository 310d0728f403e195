"""Exposure of each photo and poses of the cameras: gradients against the twin, and training that finds both."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.backend import device
from reify.backend.jobs.job import Job
from reify.backend.splats.corrections import motion
from reify.backend.splats.initialize import splats_at, starting_splats
from reify.backend.splats.measure import measure
from reify.backend.splats.render import rasterize
from reify.backend.splats.settings import TrainingSettings
from reify.backend.values import Points, Views

torch = pytest.importorskip("torch")

SETTINGS = TrainingSettings(seconds=0, steps=400, sh_degree=0, max_splats=2500, random_background=False)  # the scene's is black
BACKGROUND = (0.3, 0.6, 0.1)
EXPOSURE = np.array([0.8, 1.1, 1.3, 0.05, -0.1, 0.02])


@pytest.fixture
def scene(make_splats, make_cameras):
    """Splats, a camera and a photo of black and white pixels: where colors lie between, L1 has the same slope all around."""
    splats = make_splats(60, seed=5, size=0.15)
    photo = np.random.default_rng(1).integers(0, 2, (36, 44, 1), dtype=np.uint8).repeat(3, axis=2) * 255
    return splats, make_cameras(44, 36), photo


def _twin_loss(splats, cameras, photo, exposure=None, weight=None):
    from reify.backend.splats import twin

    parameters = twin.parameters_of(splats)
    picture, alpha = twin.render(parameters, cameras, 0, background=BACKGROUND)
    if exposure is not None:
        behind = (1 - alpha)[..., None] * torch.tensor(BACKGROUND, dtype=torch.float64)
        picture = (picture - behind) * exposure[:3] + alpha[..., None] * exposure[3:] + behind
    difference = (picture - torch.tensor(photo / 255)).abs()
    if weight is not None:
        difference = difference[torch.tensor(weight > 127)]
    return difference.mean(), parameters


def _step(splats, cameras, photo, weight=None, **more):
    from reify.backend.rendering.losses import Photometric
    from reify.backend.rendering.targets import Target
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer
    from reify.backend.splats.step import SplatStep

    rasterizer = CpuRasterizer(splats, len(splats), 3, 2)
    step = SplatStep(rates={}, losses=(Photometric(ssim_share=0.0),), bases=16, background=BACKGROUND, **more)
    figures = rasterizer.step(Target(cameras, photo, weight=weight), step)
    gradients = rasterizer.moments[: len(splats), 0] / (1 - step.beta1)
    rasterizer.close()
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
    from reify.backend.splats.columns import BASE_COLOR, MEAN, OPACITY

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
    found["sh"] = gradients[:, BASE_COLOR : BASE_COLOR + 3]
    for name, value in found.items():
        grad = parameters[name].grad.numpy() if name != "sh" else parameters[name].grad.numpy()[:, 0]
        assert np.linalg.norm(value - grad) < 2e-3 * np.linalg.norm(grad), name


def test_a_motion_turns_and_moves():
    quarter = motion(np.array([0, 0, np.pi / 2, 1, 2, 3]))
    assert quarter @ (1, 0, 0, 1) == pytest.approx([1, 3, 3, 1])
    assert np.array_equal(motion(np.zeros(6)), np.eye(4))


@pytest.fixture(scope="module")
def capture(make_cameras):
    """Pictures of a patterned ball on black from twelve cameras, and points near its surface."""
    rng = np.random.default_rng(0)
    direction = rng.normal(size=(2500, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    color = 0.45 + 0.3 * np.sin(direction * (9, 7, 11) + (0, 1, 2))
    splats = splats_at(direction * 0.6, color, sh_degree=0, antialiased=False)
    splats.opacity_logits[:] = 4
    cameras = make_cameras(96, 72, 12)
    rgb = [_bytes(rasterize(splats, cameras, i, geometry=False).rgb) for i in range(12)]
    points = Points((splats.means[::3] * 1.03).astype(np.float32), np.full((834, 3), 128, np.uint8))
    return Views(rgb, [None] * 12, [None] * 12, cameras), points


def _bytes(picture):
    return np.round(255 * np.clip(picture, 0, 1)).astype(np.uint8)


def _trained(views, points, settings):
    """A training that has ended, on all views but the first; and the held-out PSNR."""
    from reify.backend.splats.schedule import Schedule
    from reify.backend.splats.trainer import Trainer

    indices = tuple(range(1, len(views)))
    start = starting_splats(views, points, settings, 0)
    chosen = device.choose("cpu")
    job, trainers = Job(), []

    def work(job):
        trainers.append(Trainer(views, indices, start, settings, Schedule.plan(views, indices, start, settings, chosen), chosen, 0, job))
        splats = trainers[0].run()
        trainers[0].close()
        measure(splats, views, [0], job=job)

    job.stage("Training", work)
    return trainers[0], job.report.metrics


def test_known_exposures_are_found_and_make_held_out_views_better(capture):
    views, points = capture
    rng = np.random.default_rng(4)
    gains = np.concatenate([[[1, 1, 1]], rng.uniform(0.7, 1.3, (11, 3))])
    gains[1:] /= gains[1:].mean(axis=0)
    exposed = dataclasses.replace(views, rgb=[_bytes(rgb / 255 * gain) for rgb, gain in zip(views.rgb, gains, strict=True)])
    plain, without = _trained(exposed, points, SETTINGS)
    trainer, with_exposure = _trained(exposed, points, dataclasses.replace(SETTINGS, exposure=True))
    assert with_exposure["psnr"] > without["psnr"] + 2
    found = trainer.corrections.exposures[:, :3]
    assert np.abs(found / found.mean(axis=0) - gains[1:]).mean() < 0.35 * np.abs(1 - gains[1:]).mean()
    assert np.array_equal(plain.corrections.exposures[:, :3], np.ones((11, 3)))


def test_wrong_poses_come_nearer_to_the_truth(capture):
    views, points = capture
    rng = np.random.default_rng(6)
    truth = views.cameras.cam_from_world
    wrong = np.array([motion(np.concatenate([0.012 * rng.normal(size=3), 0.02 * rng.normal(size=3)])) @ pose for pose in truth])
    wrong[0] = truth[0]
    moved = dataclasses.replace(views, cameras=dataclasses.replace(views.cameras, cam_from_world=wrong))
    kept, without = _trained(moved, points, SETTINGS)
    trainer, refined = _trained(moved, points, dataclasses.replace(SETTINGS, refine_cameras=True))
    assert _apart(trainer.cameras(), truth) < 0.65 * _apart(moved.cameras, truth)
    assert refined["psnr"] > without["psnr"] + 1.5
    assert np.array_equal(kept.cameras().cam_from_world, wrong)


def _apart(cameras, truth):
    """Mean distance of points of the ball, as training cameras see them, from where they are in truth."""
    points = np.concatenate([0.6 * np.eye(3), -0.6 * np.eye(3)])
    seen, expected = (poses[1:, :3, :3] @ points.T + poses[1:, :3, 3:] for poses in (cameras.cam_from_world, truth))
    return np.linalg.norm(seen - expected, axis=1).mean()
