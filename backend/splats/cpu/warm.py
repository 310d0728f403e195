"""Every kernel of a training step once, on nothing much, so that compiling them isn't part of training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...values import Splats
from ..engine import Neighbor, Step, Target
from . import layout
from .engine import CpuEngine


def run_once(absolute: bool, surfels: bool) -> None:
    """Take a step with one splat; the first time on a machine this compiles for some 20 seconds."""
    splats = Splats(
        means=np.array([[0, 0, 1]], np.float32),
        quats=np.array([[1, 0, 0, 0]], np.float32),
        log_scales=np.full((1, 3), -3, np.float32),
        opacity_logits=np.zeros(1, np.float32),
        sh=np.zeros((1, 1, 3), np.float32),
        surfels=surfels,
    )
    camera = np.zeros(layout.CAMERA, np.float32)
    camera[[0, 4, 8]] = 1
    camera[layout.FOCAL : layout.CENTER] = 16, 16, 8, 8
    plane = np.full((16, 16), 255, np.uint8)
    engine = CpuEngine(splats, 1, 0, 1)
    target = Target(np.zeros((16, 16, 3), np.uint8), plane, plane, camera)
    step = Step(bases=1, learning=np.zeros(engine.width, np.float32), absolute=absolute, exposure=np.ones(6, np.float32))
    engine.step(target, step)
    if surfels:
        step = replace(step, normal_weight=1.0, keep_depth=True)
        depth = engine.step(target, step).depth
        engine.step(target, replace(step, neighbor=Neighbor(target, depth, 1.0, 1.0)))
    engine.strongest_weights(target)
    engine.close()
