"""A whole training on a seeming card, its kernels on the CPU: trainer, strategies and pruning drive it as they drive the CPU's."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend import device
from reify.backend.jobs.job import Job

from .cuda_host import host_kernels  # noqa: F401

torch = pytest.importorskip("torch")


@pytest.fixture
def seeming_card(host_kernels, monkeypatch):  # noqa: F811
    """Makes the host's kernels look like those of a graphics card."""
    from reify.backend.splats import cuda, render
    from reify.backend.splats.cuda.rasterizer import CudaRasterizer

    render._checked.cache_clear()
    monkeypatch.setattr(device, "no_card", lambda: "")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (5 << 30, 8 << 30))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA Test")
    monkeypatch.setattr(cuda, "make_rasterizer", lambda kind, *scene: CudaRasterizer(*scene, host_kernels, device="cpu"))
    yield
    render._checked.cache_clear()


def _trained(chosen, make_splats, make_cameras, aim="look"):
    from reify.backend.splats.render import rasterize
    from reify.backend.splats.settings import TrainingSettings
    from reify.backend.splats.surfels import as_surfels
    from reify.backend.splats.train import train
    from reify.backend.values import Views

    truth, start, count = make_splats(80, seed=1, degree=1), make_splats(60, seed=2, degree=1), 5
    if aim == "surface":
        truth, start, count = as_surfels(truth, seed=0), as_surfels(start, seed=3), 12  # near enough to be compared with each other
    cameras = make_cameras(32, 24, count)
    pictures = [rasterize(truth, cameras, i, geometry=False).rgb for i in range(count)]
    rgb = [np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8) for picture in pictures]
    views = Views(rgb, [None] * count, [None] * count, cameras, tuple("abcdefghijkl"[:count]))
    settings = TrainingSettings(seconds=0, steps=50, sh_degree=1, max_splats=70, device=chosen, aim=aim)
    job = Job()
    splats = job.stage("Training", lambda job: train(views, range(count), start, settings, seed=3, job=job))
    errors = [np.mean((rasterize(splats, cameras, i, geometry=False).rgb - pictures[i]) ** 2) for i in range(count)]
    before = np.mean([np.mean((rasterize(start, cameras, i, geometry=False).rgb - pictures[i]) ** 2) for i in range(count)])
    return splats, -10 * np.log10(np.mean(errors)), -10 * np.log10(before), job.report


@pytest.mark.parametrize(("aim", "gain"), [("look", 2.0), ("surface", 0.4)])
def test_training_on_a_card_ends_where_training_on_the_cpu_does(aim, gain, seeming_card, make_splats, make_cameras, monkeypatch):
    from reify.backend.splats import trainer

    monkeypatch.setattr(trainer, "DENSIFY_STEPS", 15)
    ours, psnr, before, report = _trained("auto", make_splats, make_cameras, aim)
    cpu, expected, _before, _report = _trained("cpu", make_splats, make_cameras, aim)
    assert report.choices["training"].startswith("NVIDIA Test, Reify's own kernels") and not report.warnings
    assert ours.surfels == cpu.surfels == (aim == "surface")
    assert expected > before + gain
    assert psnr == pytest.approx(expected, abs=0.15 * gain)
    assert abs(len(ours) - len(cpu)) <= 3


def test_a_card_that_computes_something_else_is_not_used_and_the_user_is_told(seeming_card, make_splats, make_cameras, monkeypatch):
    from reify.backend.splats.cuda import rasterizer

    monkeypatch.setattr(rasterizer, "exposed", lambda view, *lighting: view.image)
    _splats, _psnr, _before, report = _trained("auto", make_splats, make_cameras)
    assert report.choices["training"].startswith("CPU")
    assert "a check found that its results aren't the CPU's" in report.warnings[0]


@pytest.mark.parametrize("surfels", [False, True])
def test_pictures_on_a_card_are_those_of_the_cpu_with_the_depth_of_the_surface(surfels, seeming_card, make_splats, make_cameras):
    from reify.backend.splats.render import rasterize
    from reify.backend.splats.surfels import as_surfels

    splats, cameras = make_splats(300, seed=4, size=0.12), make_cameras(53, 37)
    splats = as_surfels(splats, seed=0) if surfels else splats
    here, there = (rasterize(splats, cameras, 0, background=(0.2, 0.5, 0.9), device=name) for name in ("cpu", "auto"))
    assert here.info["device"].startswith("CPU") and there.info["device"] == "NVIDIA Test, Reify's own kernels"
    assert there.info["visible"] == here.info["visible"]
    assert (here.depth > 0).mean() > 0.3
    for name in ("rgb", "alpha", "depth", "normal"):
        error = np.abs(getattr(there, name) - getattr(here, name))
        # A pixel or two may find the surface one splat earlier or later.
        assert np.quantile(error, 0.995) < 2e-4, name
    assert np.abs(there.info["expected_depth"] - here.info["expected_depth"]).max() < 0.01
    assert rasterize(splats, cameras, 0, geometry=False, device="cuda").depth is None


def test_a_card_that_shows_something_else_does_not_render(seeming_card, make_splats, make_cameras, monkeypatch):
    from reify.backend.errors import ReifyError
    from reify.backend.splats.cuda import rasterizer
    from reify.backend.splats.render import rasterize

    true_draw = rasterizer.CudaRasterizer.draw

    def darker(self, *arguments, **more):
        view = true_draw(self, *arguments, **more)
        if view.geometry is not None:
            view.geometry[5] *= 0.9
        return view

    monkeypatch.setattr(rasterizer.CudaRasterizer, "draw", darker)
    assert rasterize(make_splats(20), make_cameras(20, 17), 0, device="auto").info["device"].startswith("CPU")
    with pytest.raises(ReifyError, match="depth is off"):
        rasterize(make_splats(20), make_cameras(20, 17), 0, device="cuda")
