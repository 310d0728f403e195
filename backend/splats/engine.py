"""What training asks of an engine, whatever it runs on.

An engine holds splats in training and offers `splats`, `step` and `close`, and for the strategies, inside of its context `edited()`,
the arrays `parameters` [capacity, width], `moments` (Adam's, [capacity, 2, width]) and `stats` [capacity, STATS], of which the first
`count` are in use. Where it also has `strongest_weights`, pruning asks it; else it asks the CPU's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any


@dataclass(frozen=True, eq=False)
class Target:
    """A photo as a step takes it."""

    rgb: Array  # [H,W,3] uint8, sRGB, straight
    alpha: Array | None  # [H,W] uint8, 0 is empty space
    weight: Array | None  # [H,W] uint8, below 128 is not compared
    camera: Array  # float32, see cpu/layout.py


@dataclass(frozen=True, eq=False)
class Neighbor:
    """Another training view that sees the same surface, and how much its agreement counts."""

    target: Target
    depth: Array  # [H,W] float32, mean depth of its last step, 0 where nothing was
    photo_weight: float
    depth_weight: float  # by pixel that a place is away from itself after there and back


@dataclass(frozen=True, eq=False)
class Step:
    """The numbers of one training step."""

    bases: int  # SH bases in use
    learning: Array  # [width] float32, learning rate of each column of a parameter row
    count: int = 1  # steps taken, including this one, for Adam's bias correction
    seed: int = 0  # of the noise
    background: tuple[float, float, float] = (0.0, 0.0, 0.0)
    ssim_weight: float = 0.2
    opacity_weight: float = 0.0
    scale_weight: float = 0.0
    needle_weight: float = 0.0
    needle_limit: float = float(np.log(10.0))
    distortion_weight: float = 0.0  # of squared world units; what follows, down to `keep_depth`, isn't there with gsplat
    normal_weight: float = 0.0
    neighbor: Neighbor | None = None  # with `keep_depth`
    keep_depth: bool = False  # return the mean depth
    noise: float = 0.0
    absolute: bool = False  # densification is driven by the positions' absolute gradients, as the classic strategy wants it
    exposure: Array | None = None  # [6] float32: gains, then offsets, of what stands before the background in this photo
    camera_gradient: bool = False
    beta1: float = 0.9
    beta2: float = 0.999


@dataclass(frozen=True)
class StepFigures:
    """What a step found."""

    loss: float
    square: float  # mean squared error; PSNR = -10 log10
    visible: int
    entries: int  # of all tiles' lists
    v_exposure: Array | None = None  # [6] gradient of the loss by the exposure, where there is one
    v_camera: Array | None = None  # [6] by a motion of the world in the camera's axes: rotation about the camera, then translation
    depth: Array | None = None  # [H,W] float32, mean depth where it was asked for, 0 where less than half is covered
