"""A whole training with the card's engine, its kernels on the CPU: loop, strategies and pruning drive it as they drive the CPU's."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.backend import device
from reify.backend.jobs.job import Job

from .cuda_host import host_kernels  # noqa: F401

torch = pytest.importorskip("torch")


@pytest.fixture
def seeming_card(host_kernels, monkeypatch):  # noqa: F811
    """Makes the host's kernels look like those of a graphics card."""
    from reify.backend.splats import cuda
    from reify.backend.splats.cuda.engine import CudaEngine

    monkeypatch.setattr(device, "no_card", lambda: "")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (5 << 30, 8 << 30))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA Test")
    monkeypatch.setattr(cuda, "engine_of", lambda kind, *scene: CudaEngine(*scene, host_kernels, device="cpu"))


def _trained(chosen, make_splats, make_cameras):
    from reify.backend.splats.render import rasterize
    from reify.backend.splats.train import TrainingSettings, train
    from reify.backend.values import Views

    truth, start = make_splats(80, seed=1, degree=1), make_splats(60, seed=2, degree=1)
    cameras = make_cameras(32, 24, 5)
    pictures = [rasterize(truth, cameras, i, geometry=False).rgb for i in range(5)]
    rgb = [np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8) for picture in pictures]
    views = Views(rgb, [None] * 5, [None] * 5, cameras, tuple("abcde"))
    settings = TrainingSettings(seconds=0, steps=50, sh_degree=1, max_splats=70, device=chosen)
    job = Job(seed=3)
    splats = job.stage("Training", lambda job: train(views, range(5), start, settings, job=job))
    errors = [np.mean((rasterize(splats, cameras, i, geometry=False).rgb - pictures[i]) ** 2) for i in range(5)]
    before = np.mean([np.mean((rasterize(start, cameras, i, geometry=False).rgb - pictures[i]) ** 2) for i in range(5)])
    return splats, -10 * np.log10(np.mean(errors)), -10 * np.log10(before), job.report


def test_training_on_a_card_ends_where_training_on_the_cpu_does(seeming_card, make_splats, make_cameras, monkeypatch):
    from reify.backend.splats import loop

    monkeypatch.setattr(loop, "DENSIFY_STEPS", 15)
    ours, psnr, before, report = _trained("auto", make_splats, make_cameras)
    cpu, expected, _before, _report = _trained("cpu", make_splats, make_cameras)
    assert report.choices["training"].startswith("NVIDIA Test, Reify's own kernels") and not report.warnings
    assert expected > before + 2
    assert psnr == pytest.approx(expected, abs=0.3)
    assert abs(len(ours) - len(cpu)) <= 3


def test_a_card_that_computes_something_else_is_not_used_and_the_user_is_told(seeming_card, make_splats, make_cameras, monkeypatch):
    from reify.backend.splats.cuda import engine

    monkeypatch.setattr(engine.CudaEngine, "_exposed", lambda self, view, *lighting: view.image)
    _splats, _psnr, _before, report = _trained("auto", make_splats, make_cameras)
    assert report.choices["training"].startswith("CPU")
    assert "a check found that its results aren't the CPU's" in report.warnings[0]


@pytest.mark.parametrize("missing", ["", "torch finds no NVIDIA card"])
def test_surfels_are_trained_by_the_cpu_and_who_has_a_card_is_told(missing, make_splats, make_cameras, monkeypatch):
    from reify.backend.splats import train as training
    from reify.backend.values import Views

    def stop(*_):
        raise Chosen

    monkeypatch.setattr(device, "no_card", lambda: missing)
    monkeypatch.setattr(training, "_prepare_kernels", stop)
    views = Views([np.zeros((24, 32, 3), np.uint8)], [None], [None], make_cameras(32, 24), ("a",))
    start = dataclasses.replace(make_splats(5, degree=0), surfels=True)
    job = Job()
    with pytest.raises(Chosen):
        job.stage("Training", lambda job: training.train(views, [0], start, training.TrainingSettings(device="auto"), job=job))
    assert job.report.choices["training"].startswith("CPU")
    assert ["processor only" in warning for warning in job.report.warnings] == ([] if missing else [True])


class Chosen(Exception):
    pass
