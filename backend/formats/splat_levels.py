"""Levels of detail: ever fewer splats, the ones that are seen most."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..values import Array, Splats


def importance(splats: Splats) -> Array:
    """How much of a picture each splat covers [N] float32: opacity times the area of its two longest axes, without unit."""
    longest = np.sort(splats.log_scales, axis=1)[:, 1:].sum(axis=1)
    return longest - np.log1p(np.exp(-splats.opacity_logits))  # the logarithm, which orders them as well


def levels(splats: Splats, count: int, share: float) -> Iterator[Splats]:
    """`count` levels of detail, all splats first; each holds that `share` (0 to 1) of the one before, at least one splat."""
    yield splats
    if count > 1:
        order = np.argsort(-importance(splats), kind="stable")
        for level in range(1, count):
            kept = max(1, round(len(splats) * share**level))
            yield splats.take(np.sort(order[:kept]))


def level_path(path: Path, level: int) -> Path:
    """Where a level is written, 0 is the finest: fox.spz, fox_LOD1.spz …; what comes before the first point is the name."""
    stem, point, ending = path.name.partition(".")
    return path if level == 0 else path.with_name(f"{stem}_LOD{level}{point}{ending}")
