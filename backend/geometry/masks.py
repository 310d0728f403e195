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


def moved_outline(mask: Array, grow_px: float, right_px: float, down_px: float) -> Array:
    """A mask [H,W] uint8 whose outline is moved outward by `grow_px` and then shifted."""
    from scipy.ndimage import shift

    distance = shift(outline_distance(mask >= 128), (down_px, right_px), order=1, mode="nearest") - grow_px
    return np.rint(255.0 * np.clip(0.5 - distance, 0.0, 1.0)).astype(np.uint8)


def outline_distance(subject: Array) -> Array:
    """Signed distance [H,W] float32 to the outline of what is True, pixels, negative inside; the picture's border is no outline."""
    from scipy.ndimage import distance_transform_edt

    if not subject.any():
        return np.full(subject.shape, 1e3, np.float32)
    inside = distance_transform_edt(np.pad(subject, 1, mode="edge"))[1:-1, 1:-1]
    return np.where(subject, 0.5 - inside, distance_transform_edt(~subject) - 0.5).astype(np.float32)
