"""One optimization step of anything that can be rendered, scored by whatever losses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import cast

import numpy as np

from ..values import Cameras
from .buffers import Buffers
from .losses import GEOMETRY, PARAMETERS, PHOTO, Scored
from .protocol import Figures, Fused, Renderable, Step
from .targets import Target


def take_step(renderable: Renderable, targets: Sequence[Target], step: Step) -> Figures:
    """Move the parameters so that the losses of `step` on the targets' views become less.

    A renderable's fused step is taken where it computes exactly these losses on one view; else the views are rendered, scored, pulled back
    together, and descended by.
    Raises ValueError for a loss that can neither be fused nor scored from outside, or lacks a photo, and where none is on pictures.
    """
    fused = _fused(renderable)
    if fused is not None and len(targets) == 1 and fused.fuses(step):
        return fused.step(targets[0], step)
    on_pictures = [loss for loss in step.losses if PARAMETERS not in loss.needs]
    if inside := [loss.name for loss in on_pictures if not isinstance(loss, Scored)]:
        raise ValueError(f"{', '.join(inside)} can't be scored from outside, and the renderable doesn't fuse all of these losses")
    if blind := [loss.name for loss in on_pictures if PHOTO in loss.needs and any(target.rgb is None for target in targets)]:
        raise ValueError(f"{', '.join(blind)} needs a photo of every view")
    if not on_pictures:
        raise ValueError("there is no loss on what is rendered")
    cameras = joined([target.camera for target in targets])
    buffers, tape = renderable.render(cameras, step.background, geometry=any(GEOMETRY in loss.needs for loss in on_pictures))
    score = reduce(add, (loss.score(buffers, targets) for loss in on_pictures if isinstance(loss, Scored)))
    gradients = renderable.pull_back(tape, score.v_rgb, score.v_alpha, score.v_depth, score.v_normal)
    renderable.descend(gradients, step)
    squares = [_square(one, target) for one, target in zip(buffers, targets, strict=True) if target.rgb is not None]
    return Figures(score.value, float(np.mean(squares)) if squares else math.nan)


def _fused(renderable: Renderable) -> Fused | None:
    # Not by isinstance, which takes longer on a protocol than all else here.
    return cast(Fused, renderable) if hasattr(renderable, "fuses") else None


def joined(cameras: Sequence[Cameras]) -> Cameras:
    """Pinhole cameras after each other as one value."""
    names = ("cam_from_world", "K", "size_px", "distortion")
    arrays = {name: np.concatenate([getattr(one, name) for one in cameras]) for name in names}
    return replace(cameras[0], **arrays)


def _square(buffers: Buffers, target: Target) -> float:
    """Mean squared difference from the photo, over its known pixels."""
    photo = np.asarray(target.rgb) / np.float32(255)
    if target.alpha is not None:
        opacity = target.alpha[..., None] / np.float32(255)
        photo = photo * opacity + np.asarray(buffers.background, np.float32) * (1 - opacity)
    rgb = buffers.rgb if isinstance(buffers.rgb, np.ndarray) else buffers.rgb.cpu().numpy()
    known = np.ones(photo.shape[:2], bool) if target.weight is None else target.weight > 127
    return float(np.mean((rgb - photo)[known] ** 2)) if known.any() else math.nan
