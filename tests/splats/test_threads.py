"""Whoever makes threads ends them: rendering, training, and what becomes of them when either fails."""

from __future__ import annotations

import dataclasses
import gc
import threading
import time

import numpy as np
import pytest
from reify.backend import device
from reify.backend.errors import Cancelled, ReifyError
from reify.backend.jobs.job import Job, Progress
from reify.backend.rendering import loop
from reify.backend.splats.render import rasterize
from reify.backend.splats.settings import TrainingSettings
from reify.backend.splats.train import train
from reify.backend.values import Views

SETTINGS = TrainingSettings(seconds=0, steps=12, sh_degree=0, max_splats=1200)


@pytest.fixture(autouse=True)
def _three_threads(monkeypatch):
    monkeypatch.setattr(device, "available_threads", lambda: 3)


@pytest.fixture
def scene(make_splats, make_cameras):
    """Enough splats and pixels for several ranges of each kernel."""
    cameras = make_cameras(80, 64, 3)
    views = Views([np.full((64, 80, 3), 99, np.uint8)] * 3, [None] * 3, [None] * 3, cameras)
    return views, make_splats(1200, degree=0)


def test_helpers_work_while_splats_are_rendered_and_none_is_left_of_six_sets(make_splats, make_cameras, monkeypatch):
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer

    most, draw = [], CpuRasterizer._draw
    monkeypatch.setattr(CpuRasterizer, "_draw", lambda self, *more: (draw(self, *more), most.append(threading.active_count()))[0])
    before, cameras = threading.active_count(), make_cameras(80, 64)
    kept = [make_splats(1200, seed=seed, degree=0) for seed in range(6)]
    for splats in kept:
        rasterize(splats, cameras, 0)
        assert threading.active_count() == before
    assert most == [before + 2] * 6


def test_a_training_leaves_no_thread(scene):
    views, start = scene
    before = threading.active_count()
    Job().stage("Training", lambda job: train(views, range(3), start, SETTINGS, job=job))
    assert threading.active_count() == before


def test_a_training_that_is_canceled_or_fails_leaves_no_thread(scene, monkeypatch):
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer

    views, start = scene
    before = threading.active_count()
    monkeypatch.setattr(loop, "REPORT_SECONDS", 0.0)
    job = Job(listener=lambda event: job.cancel() if isinstance(event, Progress) and event.text == "step 5" else None)
    with pytest.raises(Cancelled):
        job.stage("Training", lambda job: train(views, range(3), start, SETTINGS, job=job))
    assert threading.active_count() == before

    step, most = CpuRasterizer.step, []

    def failing(self, target, numbers):
        figures = step(self, target, numbers)
        most.append(threading.active_count())
        if numbers.count == 3:
            raise ReifyError("It failed.", "Try again.")
        return figures

    monkeypatch.setattr(CpuRasterizer, "step", failing)
    with pytest.raises(ReifyError):
        Job().stage("Training", lambda job: train(views, range(3), start, SETTINGS, job=job))
    assert max(most) >= before + 2 and threading.active_count() == before


def test_a_rasterizer_that_nobody_closed_takes_its_threads_along(scene):
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer

    views, start = scene
    before = threading.active_count()
    rasterizer = CpuRasterizer(start, len(start), 0, 3)
    rasterizer.render(views.cameras)
    assert threading.active_count() == before + 2
    del rasterizer
    gc.collect()
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_a_closed_rasterizer_renders_again(scene):
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer

    views, start = scene
    rasterizer = CpuRasterizer(dataclasses.replace(start), len(start), 0, 3)
    (one,), _tape = rasterizer.render(views.cameras.take([0]))
    rasterizer.close()
    (other,), _tape = rasterizer.render(views.cameras.take([0]))
    rasterizer.close()
    assert np.array_equal(one.rgb, other.rgb)
