"""The numbers of one step of fitting splats to a view, and what it finds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar

from ..rendering.buffers import Array
from ..rendering.losses import Anisotropy, Loss, OpacityDecay, Photometric, ScaleDecay
from ..rendering.protocol import Figures, Step
from ..rendering.targets import Target

Kind = TypeVar("Kind", bound=Loss)
FUSED: tuple[type[Loss], ...] = (Photometric, OpacityDecay, ScaleDecay, Anisotropy)  # by every rasterizer


@dataclass(frozen=True, eq=False)
class Neighbor:
    """Another training view that sees the same surface."""

    target: Target
    depth: Array  # [H,W] float32, expected depth when that view was last rendered, 0 where nothing was


@dataclass(frozen=True, eq=False, kw_only=True)
class SplatStep(Step):
    """A step on one view."""

    losses: tuple[Loss, ...] = (Photometric(),)
    bases: int  # SH bases in use
    seed: int = 0  # of the noise
    noise: float = 0.0  # of the means, times learning rate and covariance (Kheradmand et al. 2024, eq. 9)
    absolute: bool = False  # densify by the length of the gradient by the projected center (AbsGS, Ye et al. 2024), not by weighted error
    neighbor: Neighbor | None = None  # for the multi-view losses; with `keep_depth`
    keep_depth: bool = False  # return the expected depth
    exposure: Array | None = None  # [6] float32: gains, then offsets, of what stands before the background in this photo
    camera_gradient: bool = False  # return the gradient by the camera's pose


@dataclass(frozen=True)
class StepFigures(Figures):
    """What a step on one view found."""

    visible: int = 0  # splats
    entries: int = 0  # of all tiles' lists
    v_exposure: Array | None = None  # [6] gradient of the loss by the exposure, where there is one
    v_camera: Array | None = None  # [6] by a motion of the world in the camera's axes: rotation about the camera, then translation
    depth: Array | None = None  # [H,W] float32, expected depth where it was asked for, 0 where less than half is covered


def loss_of(step: Step, kind: type[Kind]) -> Kind | None:
    """The loss of a kind among those of a step, None where there is none."""
    loss = step.by_kind.get(kind)
    return loss if isinstance(loss, kind) else None


def weight_of(step: Step, kind: type[Loss]) -> float:
    """The weight of a kind of loss in a step, 0 where it isn't among its losses."""
    loss = step.by_kind.get(kind)
    return 0.0 if loss is None else loss.weight


def fuses(step: Step, kinds: Collection[type[Loss]]) -> bool:
    """Whether a fused step that knows `kinds` of losses computes those of `step`: the photometric one at weight 1, others at most once."""
    found = step.by_kind
    known = len(found) == len(step.losses) and all(kind in kinds for kind in found)
    return known and weight_of(step, Photometric) == 1 and isinstance(step, SplatStep)


def photometric_of(step: Step, kinds: Collection[type[Loss]]) -> Photometric:
    """The photometric loss of a step that is to be fused; raises ValueError where it can't be."""
    photometric = loss_of(step, Photometric)
    if photometric is None or not fuses(step, kinds):
        raise ValueError(f"no fused step computes {', '.join(loss.name for loss in step.losses) or 'no loss'}; see fitting.take_step")
    return photometric
