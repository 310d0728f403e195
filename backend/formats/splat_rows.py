"""Splats filled in block by block: arrays are allocated once, and what a block needs besides stays in the processor's cache."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..geometry.vectors import unit
from ..values import Array, Splats

BLOCK = 16384  # splats; at degree 3 some 4 MB

LARGEST_POSITION = 1e15  # beyond it products of positions leave the range of 32 bits
LARGEST_LOG_SCALE = float(np.log(LARGEST_POSITION))
THINNEST_LOG_SCALE = -20.0  # of a surfel's third axis; e^-20 is zero for every purpose and still finite
MOST_OPAQUE_LOGIT = 30.0  # 1 in 32 bits; some programs write infinity


class SplatRows:
    """`count` splats of an SH degree that are added in their order; broken ones are left out and counted."""

    def __init__(self, count: int, degree: int, dtype: np.dtype | type = np.float32) -> None:
        """Positions are kept as `dtype`."""
        self._means: Array = np.empty((count, 3), dtype)
        self._quats: Array = np.empty((count, 4), np.float32)
        self._log_scales: Array = np.empty((count, 3), np.float32)
        self._logits: Array = np.empty(count, np.float32)
        self._sh: Array = np.empty((count, (degree + 1) ** 2, 3), np.float32)
        self._filled = 0
        self.broken = 0  # splats that are not a number or infinite

    def add(self, means: Array, quats: Array, log_scales: Array, logits: Array, sh: Array) -> None:
        """Add n splats: means [n,3], quats [n,4] w x y z of any length, log_scales [n,3], logits [n], sh [n,k,3] with k <= K."""
        with np.errstate(invalid="ignore", over="ignore"):
            sound = (np.abs(means) < LARGEST_POSITION).all(axis=1) & np.isfinite(quats).all(axis=1) & ~np.isnan(logits)
            flat = sh.reshape(len(sh), -1)
            sound &= np.isfinite(flat @ np.ones(flat.shape[1], flat.dtype))  # one that isn't makes the sum so
            sound &= (log_scales < LARGEST_LOG_SCALE).all(axis=1)  # False for NaN too
        if not sound.all():
            means, quats, log_scales, logits, sh = (values[sound] for values in (means, quats, log_scales, logits, sh))
        self.broken += int((~sound).sum())
        rows = slice(self._filled, self._filled + len(means))
        self._filled = rows.stop
        self._means[rows] = means
        with np.errstate(over="ignore"):
            self._quats[rows] = unit(quats)
        self._quats[rows][~self._quats[rows].any(axis=1)] = (1.0, 0.0, 0.0, 0.0)
        self._log_scales[rows] = np.where(np.isneginf(log_scales), THINNEST_LOG_SCALE, log_scales)
        self._logits[rows] = np.clip(logits, -MOST_OPAQUE_LOGIT, MOST_OPAQUE_LOGIT)
        self._sh[rows, : sh.shape[1]] = sh
        self._sh[rows, sh.shape[1] :] = 0.0

    def splats(self, antialiased: bool = False, surfels: bool = False) -> Splats:
        """The sound splats that were added."""
        arrays = (self._means, self._quats, self._log_scales, self._logits, self._sh)
        means, quats, log_scales, logits, sh = (values[: self._filled] for values in arrays)
        return Splats(means, quats, log_scales, logits, sh, antialiased=antialiased, surfels=surfels)


def blocks(count: int, size: int = BLOCK) -> Iterator[slice]:
    """The slices of at most `size` rows that make up `count`."""
    return (slice(first, min(first + size, count)) for first in range(0, count, size))
