"""Splats that hardly matter: how that is found, and that training leaves them out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.backend.jobs.job import Job
from reify.backend.splats.settings import TrainingSettings
from reify.backend.splats.train import train
from reify.backend.values import Splats, Views

torch = pytest.importorskip("torch")


def _weights(splats, cameras, known=None):
    from reify.backend.rendering.targets import Target
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer

    rasterizer = CpuRasterizer(splats, len(splats), splats.sh_degree, 2, training=False)
    weights = rasterizer.strongest_weights(Target(cameras, weight=known))
    rasterizer.close()
    return weights


def _expected(splats, cameras):
    """By the twin: the weight of a splat is what the picture gains where only that splat is white."""
    from reify.backend.splats import twin

    parameters = twin.parameters_of(splats)
    pictures = []
    for one in torch.eye(len(splats), dtype=torch.float64):
        pictures.append(twin.render({**parameters, "probe": one}, cameras, 0)[0][..., 3].detach().numpy())
    return np.array(pictures)


def test_the_strongest_weights_are_those_of_the_twin(make_splats, make_cameras):
    splats, cameras = make_splats(40, seed=3, size=0.15), make_cameras(52, 37)
    expected = _expected(splats, cameras)
    assert _weights(splats, cameras) == pytest.approx(expected.max(axis=(1, 2)), rel=1e-3, abs=1e-4)
    known = np.zeros((37, 52), np.uint8)
    known[5:30, 20:40] = 255
    inside = expected[:, 5:30, 20:40].max(axis=(1, 2))
    assert (inside < expected.max(axis=(1, 2)) - 0.01).any()
    assert _weights(splats, cameras, known) == pytest.approx(inside, rel=1e-3, abs=1e-4)


def test_training_removes_what_nobody_sees(make_cameras):
    """A wall of splats, as many right behind it, and a fog of faint ones: only the wall is left, and no photo tells."""
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, 14), np.linspace(-1, 1, 14)), axis=-1).reshape(-1, 2)
    wall = np.column_stack([grid[:, 0], np.zeros(len(grid)), grid[:, 1]])
    count = 3 * len(wall)
    sh = np.zeros((count, 1, 3), np.float32)
    sh[: len(wall), 0] = np.sin(3 * wall + (0, 1, 2))
    splats = Splats(
        means=np.concatenate([wall, wall + (0, 0.3, 0), wall - (0, 0.3, 0)]).astype(np.float32),
        quats=np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
        log_scales=np.full((count, 3), np.log(0.12), np.float32),
        opacity_logits=np.repeat(np.array([6, 6, -4], np.float32), len(wall)),
        sh=sh,
    )
    from reify.backend.splats.render import rasterize

    cameras = make_cameras(64, 48, 12).take([0, 1, 10, 11])  # all on the fog's side
    rgb = [np.round(255 * np.clip(rasterize(splats, cameras, i, geometry=False).rgb, 0, 1)).astype(np.uint8) for i in range(4)]
    views = Views(rgb, [None] * 4, [None] * 4, cameras)
    settings = TrainingSettings(seconds=0, steps=20, sh_degree=0, max_splats=count)
    trained = Job().stage("Training", lambda job: train(views, range(4), splats, settings, job=job))
    assert 0.5 * len(wall) < len(trained) < 1.2 * len(wall)
    kept = dataclasses.replace(settings, least_share=0.0)
    assert len(Job().stage("Training", lambda job: train(views, range(4), splats, kept, job=job))) == count
    for i in range(4):
        assert np.abs(rasterize(trained, cameras, i, geometry=False).rgb - rgb[i] / 255).mean() < 0.02


def test_training_that_is_ended_early_is_pruned_too(make_splats, make_cameras):
    splats, cameras = make_splats(60, degree=0), make_cameras(48, 32, 3)
    splats.opacity_logits[:20] = -5.0  # opacity 0.007: seen, but never of weight 0.01
    views = Views([np.full((32, 48, 3), 99, np.uint8)] * 3, [None] * 3, [None] * 3, cameras)
    job = Job()
    job.keep()
    kept = job.stage("Training", lambda job: train(views, range(3), splats, dataclasses.replace(TrainingSettings(), sh_degree=0), job=job))
    assert 0 < len(kept) <= 40 and kept.opacity_logits.min() > -4
