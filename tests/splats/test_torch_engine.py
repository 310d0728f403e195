"""Every engine that trains on torch takes the CPU engine's steps: with the float64 twin as rasterizer, by our own kernels, by gsplat."""

from __future__ import annotations

import numpy as np
import pytest

from .cuda_host import card_kernels, host_kernels  # noqa: F401

torch = pytest.importorskip("torch")


@pytest.fixture(params=["twin", "own kernels on the host", "own kernels on a card", "gsplat on a card"])
def engines(request, make_splats):
    from reify.backend.splats.cpu.engine import CpuEngine
    from reify.backend.splats.cuda.engine import CudaEngine
    from reify.backend.splats.cuda.torch_engine import TorchEngine, by_gsplat, by_twin

    splats = make_splats(60, seed=11, degree=1)
    if request.param == "twin":
        other = TorchEngine(splats, 80, 1, by_twin, device="cpu", dtype=torch.float64)
    elif request.param == "own kernels on the host":
        other = CudaEngine(splats, 80, 1, request.getfixturevalue("host_kernels"), device="cpu")
    elif request.param == "own kernels on a card":
        other = CudaEngine(splats, 80, 1, card_kernels())
    else:
        card_kernels()
        pytest.importorskip("gsplat")
        other = TorchEngine(splats, 80, 1, by_gsplat, device="cuda")
    one = CpuEngine(splats, 80, 1, 1)
    yield one, other
    one.close()


def _steps(engine, cameras, count):
    from reify.backend.splats.cpu.layout import LOG_SCALE, OPACITY, QUATERNION, SH, camera_row
    from reify.backend.splats.engine import Step, Target

    rng = np.random.default_rng(3)
    rgb = np.repeat(np.repeat(rng.integers(0, 255, (4, 5, 3), dtype=np.uint8), 8, axis=0), 8, axis=1)
    alpha = np.full((32, 40), 255, np.uint8)
    alpha[:8] = 60
    weight = np.full((32, 40), 255, np.uint8)
    weight[:, :8] = 0
    target = Target(rgb, alpha, weight, camera_row(cameras, 0))
    learning = np.full(engine.width, 1e-3, np.float32)
    learning[OPACITY], learning[QUATERNION : LOG_SCALE + 3], learning[SH:] = 1e-2, 2e-3, 1e-3
    exposure = np.array([1.2, 0.9, 1.1, 0.05, -0.1, 0.02], np.float32)
    more = {"exposure": exposure, "camera_gradient": True, "opacity_weight": 1e-4, "scale_weight": 1e-4}
    more |= {"needle_weight": 1e-2, "needle_limit": 0.5}
    return [engine.step(target, Step(4, learning, n + 1, background=(0.3, 0.6, 0.1), **more)) for n in range(count)]


def test_both_engines_take_the_same_steps(engines, make_cameras):
    cameras = make_cameras(40, 32)
    one, other = (_steps(engine, cameras, 5) for engine in engines)
    for name in ("loss", "square"):
        assert [getattr(f, name) for f in one] == pytest.approx([getattr(f, name) for f in other], rel=1e-3)
    for name in ("v_exposure", "v_camera"):
        assert np.linalg.norm(getattr(one[0], name) - getattr(other[0], name)) < 1e-3 * np.linalg.norm(getattr(one[0], name))
    a, b = (engine.splats() for engine in engines)
    assert np.quantile(np.abs(a.means - b.means), 0.98) < 1e-4
    assert np.quantile(np.abs(a.sh - b.sh), 0.98) < 2e-4


def test_both_engines_gather_the_same_errors(engines, make_cameras):
    from reify.backend.splats.cpu.layout import STAT_SIGNAL

    for engine in engines:
        _steps(engine, make_cameras(40, 32), 1)
    with engines[1].edited():
        pass
    one, other = (engine.stats[:60, STAT_SIGNAL] for engine in engines)
    assert one == pytest.approx(other, rel=1e-2, abs=1e-2)


def test_strategies_change_the_other_engine_too(engines, make_cameras):
    from reify.backend.splats import strategy

    engine = engines[1]
    _steps(engine, make_cameras(40, 32), 1)
    with engine.edited():
        strategy.grow(engine, 75, np.random.default_rng(0))
    assert len(engine.splats()) == 75
    before = engine.splats()
    _steps(engine, make_cameras(40, 32), 1)
    assert not np.array_equal(engine.splats().means[60:], before.means[60:])
