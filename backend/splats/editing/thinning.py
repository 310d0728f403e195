"""Fewer splats: those that matter most."""

from __future__ import annotations

import numpy as np

from ...values import Array


def importance(opacity: Array, scales: Array) -> Array:
    """How much splats add to pictures, [N]: opacity times the area of their two longest axes."""
    a, b, c = scales.T
    return opacity * np.maximum(np.maximum(a * b, b * c), a * c)


def most_important(values: Array, count: int) -> Array:
    """Mask [N] of the `count` largest values."""
    kept = np.zeros(len(values), bool)
    if count > 0:
        kept[np.argpartition(values, max(0, len(values) - count))[-count:]] = True
    return kept


def bytes_each(bands: int) -> int:
    """Bytes of a splat in a PLY file with `bands` SH coefficients above degree 0 for each color."""
    return 4 * (3 + 3 + 3 + 3 * bands + 1 + 3 + 4)
