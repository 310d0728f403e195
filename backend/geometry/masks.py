"""Masks of pictures, [H,W] bool."""

from __future__ import annotations

import numpy as np

from ..values import Array


def bounds(mask: Array, margin: int = 0) -> tuple[slice, slice]:
    """Rows and columns of the smallest box around what is True, `margin` pixels wider but inside the picture.

    Raises ValueError where nothing is True.
    """
    if not mask.any():
        raise ValueError("the mask is empty")
    ends = [np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0)]
    rows, columns = (
        slice(max(0, int(end[0]) - margin), min(size, int(end[-1]) + 1 + margin)) for end, size in zip(ends, mask.shape, strict=True)
    )
    return rows, columns


def longest_side(mask: Array) -> int:
    """Width or height in pixels of that box, whichever is larger; raises ValueError where nothing is True."""
    return max(side.stop - side.start for side in bounds(mask))
