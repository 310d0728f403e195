"""Every kernel of a training step once, on one splat, so that compiling them isn't part of training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...rendering.losses import MultiviewGeometric, MultiviewPhotometric, NormalConsistency, Photometric
from ...rendering.targets import Target
from ...values import Cameras, Splats
from ..step import Neighbor, SplatStep
from .rasterizer import CpuRasterizer

SIDE_PX = 16


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
    k = np.array([[SIDE_PX, 0, SIDE_PX / 2], [0, SIDE_PX, SIDE_PX / 2], [0, 0, 1]])
    camera = Cameras(np.eye(4)[None], k[None], np.full((1, 2), SIDE_PX), np.zeros((1, 8)))
    plane = np.full((SIDE_PX, SIDE_PX), 255, np.uint8)
    target = Target(camera, np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8), plane, plane)
    rasterizer = CpuRasterizer(splats, 1, 0, 1)
    step = SplatStep(rates={}, bases=1, absolute=absolute, exposure=np.ones(6, np.float32))
    rasterizer.step(target, step)
    if surfels:
        step = replace(step, losses=(Photometric(), NormalConsistency(1.0)), keep_depth=True)
        depth = rasterizer.step(target, step).depth
        losses = (Photometric(), NormalConsistency(1.0), MultiviewPhotometric(1.0), MultiviewGeometric(1.0))
        rasterizer.step(target, replace(step, losses=losses, neighbor=Neighbor(target, depth)))
    rasterizer.strongest_weights(target)
