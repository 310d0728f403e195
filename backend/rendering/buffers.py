"""What passes between a renderable and a loss: render buffers one way, gradients the other.

Letters: H and W pixels of a camera. Arrays are numpy arrays, or torch tensors on the renderable's own device.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Array = Any
Color = tuple[float, float, float]
Cotangents = Sequence[Array | None]  # one for each camera of a tape; None is zero


@dataclass(frozen=True, eq=False)
class Buffers:
    """What one camera sees, as sums that have gradients everywhere: volume rendering with the blending weights w of what a ray crosses.

    `depth` and `normal` are accumulated, not those of a surface: divided by `alpha` (the sum of w) `depth` is the expected depth. The
    depth of the surface, which is where transmittance falls below a threshold, has no gradient; `values.Rendering` holds that one.
    """

    rgb: Array  # [H,W,3] sRGB, composited over `background`
    alpha: Array  # [H,W] accumulated opacity, 0 to 1
    depth: Array | None  # [H,W] sum of w z; z in world units along the viewing axis
    normal: Array | None  # [H,W,3] sum of w n; n in world space, of unit length, towards the camera
    background: Color = (0.0, 0.0, 0.0)  # sRGB


@dataclass(frozen=True, eq=False)
class Gradients:
    """Gradients of a scalar by the parameters, by name and in the parameters' shapes; those of several tapes add up."""

    parameters: Mapping[str, Array]
    statistics: Mapping[str, Array] = field(default_factory=dict)  # what was gathered on the way, as for densification; adds up, too

    def __add__(self, other: Gradients) -> Gradients:
        return Gradients(
            {name: value + other.parameters[name] for name, value in self.parameters.items()},
            {name: value + other.statistics[name] for name, value in self.statistics.items()},
        )


@dataclass(frozen=True, eq=False)
class Score:
    """A weighted loss, and its gradients by the buffers of each camera; None is zero."""

    value: float
    v_rgb: Sequence[Array | None]
    v_alpha: Sequence[Array | None]
    v_depth: Sequence[Array | None]
    v_normal: Sequence[Array | None]

    def __add__(self, other: Score) -> Score:
        planes = ("v_rgb", "v_alpha", "v_depth", "v_normal")
        return Score(
            self.value + other.value, *([_sum(*pair) for pair in zip(getattr(self, n), getattr(other, n), strict=True)] for n in planes)
        )


def _sum(one: Array | None, other: Array | None) -> Array | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other
