"""Losses as values: what is scored, how much it counts, and what it needs to be there.

A loss on pictures is `Scored`: it computes its value, and its gradients by the buffers, from outside of whatever was rendered. The others
are computed by the renderables that know them: those on parameters by `descend`, those on what only the rasterizer sees by its fused
step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from .buffers import Array, Buffers, Score
from .targets import Target

# What losses need: a photo (`Target.rgb`, with its masks), depth and normals of the rendering, another view and what that saw as depth, the
# parameters themselves.
PHOTO, GEOMETRY, NEIGHBOR, PARAMETERS = "photo", "geometry", "neighbor", "parameters"


class Loss(Protocol):
    """One term of what is minimized."""

    @property
    def name(self) -> str:
        """The term in the field's words."""
        ...

    @property
    def weight(self) -> float:
        """By what it is multiplied in the sum."""
        ...

    @property
    def needs(self) -> frozenset[str]:
        """What must be there, of the constants above."""
        ...


@runtime_checkable
class Scored(Protocol):
    """A loss on pictures, of any number of views at once."""

    def score(self, buffers: Sequence[Buffers], targets: Sequence[Target]) -> Score:
        """The loss of what was rendered through the targets' cameras, times its weight."""
        ...


@dataclass(frozen=True)
class Photometric:
    """(1 - ssim_share) L1 + ssim_share (1 - SSIM) over known pixels (Kerbl et al. 2023, eq. 7), in the mean over views.

    Photos with alpha are composited over the rendering's background.
    """

    weight: float = 1.0
    ssim_share: float = 0.2
    name: ClassVar[str] = "photometric"
    needs: ClassVar[frozenset[str]] = frozenset({PHOTO})

    def score(self, buffers: Sequence[Buffers], targets: Sequence[Target]) -> Score:
        """The loss of what was rendered through the targets' cameras, times its weight; by torch."""
        from .photometric import difference
        from .scoring import by_autograd

        def mean(buffers: Sequence[Buffers], targets: Sequence[Target]) -> Array:
            terms = [difference(one, target, self.ssim_share) for one, target in zip(buffers, targets, strict=True)]
            return sum(terms) / len(terms)

        return by_autograd(mean, self.weight, buffers, targets)


@dataclass(frozen=True)
class DepthDistortion:
    """Sum over pairs of w_i w_j (z_i - z_j)^2 along a ray; the mean over known pixels (Huang et al. 2024, eq. 13)."""

    weight: float  # of squared world units
    name: ClassVar[str] = "depth distortion"
    needs: ClassVar[frozenset[str]] = frozenset({GEOMETRY})


@dataclass(frozen=True)
class NormalConsistency:
    """Sum of w_i (1 - n_i . N) along a ray, N the normal of the expected depth; the mean over known pixels (Huang et al. 2024, eq. 14)."""

    weight: float
    name: ClassVar[str] = "normal consistency"
    needs: ClassVar[frozenset[str]] = frozenset({GEOMETRY})


@dataclass(frozen=True)
class MultiviewPhotometric:
    """One less the correlation of a patch with its reprojection into a neighboring view (Chen et al., "PGSR", 2024, section 3.3)."""

    weight: float
    name: ClassVar[str] = "multi-view photometric consistency"
    needs: ClassVar[frozenset[str]] = frozenset({PHOTO, GEOMETRY, NEIGHBOR})


@dataclass(frozen=True)
class MultiviewGeometric:
    """Round-trip reprojection error in pixels by the depths of two views (Chen et al., "PGSR", 2024, section 3.3)."""

    weight: float
    name: ClassVar[str] = "multi-view geometric consistency"
    needs: ClassVar[frozenset[str]] = frozenset({GEOMETRY, NEIGHBOR})


@dataclass(frozen=True)
class OpacityDecay:
    """Sum of the opacities (Kheradmand et al. 2024, section 4.3)."""

    weight: float
    name: ClassVar[str] = "opacity decay"
    needs: ClassVar[frozenset[str]] = frozenset({PARAMETERS})


@dataclass(frozen=True)
class ScaleDecay:
    """Sum of the standard deviations along all axes, in world units (Kheradmand et al. 2024, section 4.3)."""

    weight: float
    name: ClassVar[str] = "scale decay"
    needs: ClassVar[frozenset[str]] = frozenset({PARAMETERS})


@dataclass(frozen=True)
class Anisotropy:
    """Half the square of log(longest / second longest axis) above log(`limit`), summed over splats: keeps them from becoming needles."""

    weight: float
    limit: float = 10.0
    name: ClassVar[str] = "anisotropy"
    needs: ClassVar[frozenset[str]] = frozenset({PARAMETERS})

    @property
    def log_limit(self) -> float:
        """Difference of log scales above which it counts."""
        return math.log(self.limit)
