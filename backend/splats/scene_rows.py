"""The clouds of a scene as they are drawn: parameter rows in the order of importance, and where each cloud stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..values import Splats
from .layout import rows_of

Array = Any
MOST_BASES = 16  # SH bases that kernels and shaders know
_BLOCK = 8192  # splats that are put into rows at a time: their rows fit into the cache


@dataclass(frozen=True, eq=False)
class Rows:
    """A cloud's splats as kernels and shaders read them, the most important first, so that the first n are the best n."""

    parameters: Array  # [N, row width] float32
    bases: int  # SH bases, 1 to 16
    antialiased: bool
    surfels: bool

    def __len__(self) -> int:
        return len(self.parameters)


@dataclass(frozen=True, eq=False)
class Instance:
    """A cloud as it stands in the scene."""

    rows: Rows
    world_from_object: Array  # [4,4] float64


def rows_from(splats: Splats) -> Rows:
    """Splats in the layout of `columns`, sorted by what they add to a picture: opacity times the area of the two longest axes."""
    extent = np.sort(splats.log_scales, axis=1)[:, 1:].sum(axis=1)
    opacity = -np.log1p(np.exp(-np.clip(splats.opacity_logits, -30, 30)))
    order = np.argsort(-(extent + opacity).astype(np.float32), kind="stable")
    bases = min((splats.sh_degree + 1) ** 2, MOST_BASES)
    blocks = [rows_of(splats.take(order[first : first + _BLOCK]), bases) for first in range(0, len(order), _BLOCK)]
    return Rows(np.concatenate(blocks) if blocks else rows_of(splats, bases), bases, splats.antialiased, splats.surfels)
