"""The torch engine with the twin as its rasteriser, against the CPU engine: what can be tested without a graphics card."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")


@pytest.fixture
def engines(make_splats):
    from reify.backend.splats.cpu.engine import CpuEngine
    from reify.backend.splats.cuda import TorchEngine, by_twin

    splats = make_splats(60, seed=11, degree=1)
    one, other = CpuEngine(splats, 80, 1, 1), TorchEngine(splats, 80, 1, by_twin, device="cpu", dtype=torch.float64)
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
    return [
        engine.step(target, Step(4, learning, n + 1, background=(0.3, 0.6, 0.1), opacity_weight=1e-4, scale_weight=1e-4))
        for n in range(count)
    ]


def test_both_engines_take_the_same_steps(engines, make_cameras):
    cameras = make_cameras(40, 32)
    one, other = (_steps(engine, cameras, 5) for engine in engines)
    assert [f.loss for f in one] == pytest.approx([f.loss for f in other], rel=1e-3)
    assert [f.square for f in one] == pytest.approx([f.square for f in other], rel=1e-3)
    a, b = (engine.splats() for engine in engines)
    assert np.quantile(np.abs(a.means - b.means), 0.98) < 1e-4
    assert np.quantile(np.abs(a.sh - b.sh), 0.98) < 2e-4


def test_both_engines_gather_the_same_errors(engines, make_cameras):
    from reify.backend.splats.cpu.layout import STAT_ERROR

    for engine in engines:
        _steps(engine, make_cameras(40, 32), 1)
    with engines[1].edited():
        pass
    one, other = (engine.stats[:60, STAT_ERROR] for engine in engines)
    assert one == pytest.approx(other, rel=1e-2, abs=1e-2)


def test_strategies_change_the_torch_engine_too(engines, make_cameras):
    from reify.backend.splats import strategy

    engine = engines[1]
    _steps(engine, make_cameras(40, 32), 1)
    with engine.edited():
        strategy.grow(engine, 75, np.random.default_rng(0))
    assert len(engine.splats()) == 75
    _steps(engine, make_cameras(40, 32), 1)
