"""The protocol of everything that can be rendered and fitted: three verbs, and the values that pass between them.

Letters: C cameras of one call, H and W pixels of a camera. Arrays are numpy arrays, or torch tensors on the renderable's own device; what
is handed back to a renderable is of the kind that it handed out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from ..values import Cameras
from .buffers import Array, Buffers, Color, Cotangents, Gradients
from .losses import Loss
from .targets import Target


@dataclass(frozen=True, eq=False, kw_only=True)
class Step:
    """The numbers of one optimization step: what it is scored by, and how far Adam (Kingma and Ba 2015) goes."""

    rates: Mapping[str, float | Array]  # learning rate by parameter; one without stays as it is
    losses: tuple[Loss, ...] = ()
    background: Color = (0.0, 0.0, 0.0)
    count: int = 1  # steps taken, including this one, for the bias correction
    beta1: float = 0.9
    beta2: float = 0.999

    @cached_property
    def by_kind(self) -> dict[type[Loss], Loss]:
        """The losses by their types; of several of one type the last."""
        return {type(loss): loss for loss in self.losses}


@dataclass(frozen=True)
class Figures:
    """What a step found."""

    loss: float
    square: float  # mean squared difference from the photos, PSNR = -10 log10; NaN without photos


class Renderable(Protocol):
    """Something with parameters that pictures depend on differentiably."""

    def named_parameters(self) -> dict[str, Array]:
        """The parameters as they are; a copy."""
        ...

    def assign(self, parameters: Mapping[str, Array]) -> None:
        """Set all parameters to arrays of the names and shapes of `named_parameters`; tapes become invalid.

        Raises ValueError where names or shapes are others.
        """
        ...

    def render(self, cameras: Cameras, background: Color = (0.0, 0.0, 0.0), *, geometry: bool = True) -> tuple[tuple[Buffers, ...], Any]:
        """What each of the pinhole cameras sees over a background (sRGB), and the tape for `pull_back`.

        Without `geometry` there is neither depth nor normal. Several tapes may be alive at once.
        Raises ValueError for cameras with lens distortion, and where depth and normals are asked of what has none.
        """
        ...

    def pull_back(
        self,
        tape: Any,
        v_rgb: Cotangents | None = None,
        v_alpha: Cotangents | None = None,
        v_depth: Cotangents | None = None,
        v_normal: Cotangents | None = None,
    ) -> Gradients:
        """Gradients of the parameters, summed over the tape's cameras, from those of the buffers that `render` returned.

        May be called more than once for a tape. Raises RuntimeError where the parameters have changed since.
        """
        ...

    def descend(self, gradients: Gradients, step: Step) -> None:
        """Take one step of Adam, plus whatever else the renderable understands of `step`, as regularizers of its parameters."""
        ...


class Fused(Protocol):
    """A renderable with a faster way to take some steps; see `fitting.take_step`."""

    def fuses(self, step: Step) -> bool:
        """Whether `step` computes exactly what `step.losses` ask for."""
        ...

    def step(self, target: Target, step: Step) -> Figures:
        """Render, compare, pull back and descend in one go; Adam's moments are those of `descend`."""
        ...


def check_same(own: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """Raise ValueError where `parameters` has other names or shapes than a renderable's `own`."""
    found, expected = ({name: tuple(value.shape) for name, value in some.items()} for some in (parameters, own))
    if found != expected:
        raise ValueError(f"the parameters are {found}, expected {expected}")


def check_current(tape_version: int, version: int) -> None:
    """Raise RuntimeError where parameters have changed since a tape was made."""
    if tape_version != version:
        raise RuntimeError("the parameters have changed since this was rendered; pull back before they do")
