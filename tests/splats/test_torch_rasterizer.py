"""Every rasterizer that trains on torch takes the CPU rasterizer's steps: by the float64 twin, our own kernels, and gsplat."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from .cuda_host import card_kernels, host_kernels  # noqa: F401

torch = pytest.importorskip("torch")


@pytest.fixture(params=["twin", "own kernels on the host", "own kernels on a card", "gsplat on a card"])
def rasterizers(request, make_splats):
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer
    from reify.backend.splats.cuda.rasterizer import CudaRasterizer
    from reify.backend.splats.cuda.torch_rasterizer import TorchRasterizer, by_gsplat, by_twin

    splats = make_splats(60, seed=11, degree=1)
    if request.param == "twin":
        other = TorchRasterizer(splats, 80, 1, by_twin, device="cpu", dtype=torch.float64)
    elif request.param == "own kernels on the host":
        other = CudaRasterizer(splats, 80, 1, request.getfixturevalue("host_kernels"), device="cpu")
    elif request.param == "own kernels on a card":
        other = CudaRasterizer(splats, 80, 1, card_kernels())
    else:
        card_kernels()
        pytest.importorskip("gsplat")
        other = TorchRasterizer(splats, 80, 1, by_gsplat, device="cuda")
    one = CpuRasterizer(splats, 80, 1, 1)
    yield one, other
    one.close()


def _steps(rasterizer, cameras, count):
    from reify.backend.rendering.losses import Anisotropy, OpacityDecay, Photometric, ScaleDecay
    from reify.backend.rendering.targets import Target
    from reify.backend.splats.step import SplatStep

    rng = np.random.default_rng(3)
    rgb = np.repeat(np.repeat(rng.integers(0, 255, (4, 5, 3), dtype=np.uint8), 8, axis=0), 8, axis=1)
    alpha = np.full((32, 40), 255, np.uint8)
    alpha[:8] = 60
    weight = np.full((32, 40), 255, np.uint8)
    weight[:, :8] = 0
    target = Target(cameras, rgb, alpha, weight)
    step = SplatStep(
        rates={"means": 1e-3, "opacity_logits": 1e-2, "quats": 2e-3, "log_scales": 2e-3, "sh": 1e-3},
        losses=(Photometric(), OpacityDecay(1e-4), ScaleDecay(1e-4), Anisotropy(1e-2, limit=1.6)),
        bases=4,
        background=(0.3, 0.6, 0.1),
        exposure=np.array([1.2, 0.9, 1.1, 0.05, -0.1, 0.02], np.float32),
        camera_gradient=True,
    )
    return [rasterizer.step(target, dataclasses.replace(step, count=n + 1)) for n in range(count)]


def test_both_rasterizers_take_the_same_steps(rasterizers, make_cameras):
    cameras = make_cameras(40, 32)
    one, other = (_steps(rasterizer, cameras, 5) for rasterizer in rasterizers)
    for name in ("loss", "square"):
        assert [getattr(f, name) for f in one] == pytest.approx([getattr(f, name) for f in other], rel=1e-3)
    for name in ("v_exposure", "v_camera"):
        assert np.linalg.norm(getattr(one[0], name) - getattr(other[0], name)) < 1e-3 * np.linalg.norm(getattr(one[0], name))
    a, b = (rasterizer.splats() for rasterizer in rasterizers)
    assert np.quantile(np.abs(a.means - b.means), 0.98) < 1e-4
    assert np.quantile(np.abs(a.sh - b.sh), 0.98) < 2e-4


def test_both_rasterizers_gather_the_same_errors(rasterizers, make_cameras):
    from reify.backend.splats.columns import STAT_SIGNAL

    for rasterizer in rasterizers:
        _steps(rasterizer, make_cameras(40, 32), 1)
    with rasterizers[1].edited():
        pass
    one, other = (rasterizer.stats[:60, STAT_SIGNAL] for rasterizer in rasterizers)
    assert one == pytest.approx(other, rel=1e-2, abs=1e-2)


def test_strategies_change_the_other_rasterizer_too(rasterizers, make_cameras):
    from reify.backend.splats import strategy

    rasterizer = rasterizers[1]
    _steps(rasterizer, make_cameras(40, 32), 1)
    with rasterizer.edited():
        strategy.grow(rasterizer, 75, np.random.default_rng(0))
    assert len(rasterizer.splats()) == 75
    before = rasterizer.splats()
    _steps(rasterizer, make_cameras(40, 32), 1)
    assert not np.array_equal(rasterizer.splats().means[60:], before.means[60:])
