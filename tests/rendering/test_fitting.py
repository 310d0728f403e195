"""Which way a step is taken, and that both ways lead to the same place."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.backend.rendering.fitting import joined, take_step
from reify.backend.rendering.losses import Anisotropy, DepthDistortion, OpacityDecay, Photometric, ScaleDecay
from reify.backend.rendering.targets import Target

torch = pytest.importorskip("torch")
RATES = {"means": 1e-3, "quats": 1e-3, "log_scales": 1e-3, "opacity_logits": 1e-2, "sh": 1e-3}


def _target(cameras, index=0, masks=True):
    width, height = (int(v) for v in cameras.size_px[index])
    rgb = np.random.default_rng(3).integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    alpha, weight = np.full((height, width), 255, np.uint8), np.full((height, width), 255, np.uint8)
    alpha[:8], weight[:, :8] = 60, 0
    return Target(cameras.take([index]), rgb, alpha if masks else None, weight if masks else None)


def _step(**more):
    from reify.backend.splats.step import SplatStep

    losses = Photometric(), OpacityDecay(1e-4), ScaleDecay(1e-4), Anisotropy(1e-2, limit=1.5)
    return SplatStep(**{"rates": RATES, "losses": losses, "bases": 4, "background": (0.3, 0.6, 0.1), **more})


class Watched:
    """A rasterizer that notes which of its verbs were called."""

    def __init__(self, rasterizer):
        self._rasterizer, self.calls = rasterizer, []

    def __getattr__(self, name):
        value = getattr(self._rasterizer, name)
        if name in ("render", "pull_back", "descend", "step"):
            self.calls.append(name)
        return value

    def fuses(self, step):
        return self._rasterizer.fuses(step)

    def step(self, *arguments):
        self.calls.append("step")
        return self._rasterizer.step(*arguments)


@pytest.fixture
def rasterizer(make_splats):
    """Splats on the CPU whose steps follow the gradient's size, and not only its sign."""
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer

    made = CpuRasterizer(make_splats(60), 60, 1, 1)
    made.moments[:, 1] = 1e-6
    yield made
    made.close()


def test_the_fused_step_is_taken_exactly_where_it_computes_what_is_asked_for(rasterizer, make_cameras):
    from reify.backend.rendering.torch_loss import TorchLoss

    cameras = make_cameras(40, 32, (0.0, 0.5))
    coverage = TorchLoss("coverage", 0.1, lambda buffers, targets: buffers[0].alpha.mean())
    half, twice = (Photometric(0.5),), (Photometric(), Photometric())
    for step, count, fused in (
        (_step(), 1, True),
        (_step(losses=(Photometric(),)), 1, True),
        (_step(), 2, False),
        (_step(losses=half), 1, False),
        (_step(losses=twice), 1, False),
        (_step(losses=(Photometric(), coverage)), 1, False),
        (_step(losses=(coverage,)), 1, False),
    ):
        watched = Watched(rasterizer)
        take_step(watched, [_target(cameras, i) for i in range(count)], step)
        assert watched.calls == (["step"] if fused else ["render", "pull_back", "descend"]), step.losses


@pytest.mark.parametrize("masks", [False, True])
def test_the_fused_step_is_the_one_that_the_three_verbs_take(masks, make_splats, make_cameras):
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer

    target, rows, figures = _target(make_cameras(40, 32), masks=masks), [], []
    start = make_splats(60)
    for fused in (True, False):
        rasterizer = CpuRasterizer(start, 60, 1, 1)
        rasterizer.moments[:, 1] = 1e-6
        # The same loss in two parts is more than what is fused.
        losses = _step().losses if fused else (Photometric(0.5), Photometric(0.5, ssim_share=0.2), *_step().losses[1:])
        figures.append([take_step(rasterizer, [target], _step(losses=losses, count=count)) for count in (1, 2, 3)])
        rows.append((rasterizer.parameters.copy(), rasterizer.moments.copy()))
    before = CpuRasterizer(start, 60, 1, 1).parameters
    for a, b in zip(*figures, strict=True):
        assert (b.loss, b.square) == pytest.approx((a.loss, a.square), rel=1e-4)
    for (name, a, b), base in zip((("parameters", rows[0][0], rows[1][0]), ("moments", rows[0][1], rows[1][1])), (before, 0), strict=True):
        assert np.linalg.norm(a - b) < 2e-3 * np.linalg.norm(a - base), name


def test_a_loss_that_only_a_fused_step_computes_is_refused_by_name_elsewhere(rasterizer, make_cameras):
    cameras = make_cameras(40, 32, (0.0, 0.5))
    with pytest.raises(ValueError, match="depth distortion"):
        take_step(rasterizer, [_target(cameras, i) for i in range(2)], _step(losses=(Photometric(), DepthDistortion(1.0))))
    with pytest.raises(ValueError, match="no fused step"):
        rasterizer.step(_target(cameras), _step(losses=(Photometric(0.3),)))


def test_a_loss_that_lacks_what_it_needs_is_refused_by_name(rasterizer, make_cameras):
    targets = [Target(make_cameras(40, 32))]
    with pytest.raises(ValueError, match="photometric needs a photo"):
        take_step(rasterizer, targets * 2, _step())
    with pytest.raises(ValueError, match="no loss on what is rendered"):
        take_step(rasterizer, targets, _step(losses=(OpacityDecay(1e-4),)))


def test_learning_rates_of_unknown_parameters_are_refused(rasterizer, make_cameras):
    with pytest.raises(ValueError, match="colour"):
        take_step(rasterizer, [_target(make_cameras(40, 32))], _step(rates={"colour": 1e-3}))


def test_what_steps_gather_for_densification_is_gathered_by_the_three_verbs_too(rasterizer, make_cameras):
    from reify.backend.splats.columns import STAT_SEEN, STAT_SIGNAL

    cameras = make_cameras(40, 32, (0.0, 0.5))
    take_step(rasterizer, [_target(cameras, i) for i in range(2)], _step())
    assert set(np.unique(rasterizer.stats[:, STAT_SEEN])) <= {0, 1, 2} and rasterizer.stats[:, STAT_SEEN].max() == 2
    assert (rasterizer.stats[rasterizer.stats[:, STAT_SEEN] > 0, STAT_SIGNAL] >= 0).all() and rasterizer.stats[:, STAT_SIGNAL].max() > 0


def test_cameras_are_joined_in_order(make_cameras):
    cameras = make_cameras(40, 32, (0.0, 0.5, 1.0))
    again = joined([cameras.take([i]) for i in range(3)])
    assert np.array_equal(again.cam_from_world, cameras.cam_from_world) and np.array_equal(again.size_px, cameras.size_px)


def test_a_target_whose_planes_have_another_size_than_its_camera_is_refused(make_cameras):
    target = _target(make_cameras(40, 32))
    with pytest.raises(ValueError, match="rgb"):
        dataclasses.replace(target, rgb=np.zeros((30, 40, 3), np.uint8))
