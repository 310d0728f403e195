"""A picture in the panel that is no datablock: nothing of it stays in the file."""

from __future__ import annotations

from typing import Any

import bpy
import bpy.utils.previews
import numpy as np

from ..backend.formats.images import resize
from ..backend.values import Array

LONG_SIDE_PX = 256
NAME = "cut-out"

_shown: list[Any] = []  # the collection of previews, while there is one


def show(picture: Array) -> None:
    """Make `picture` [H,W,3] uint8 what `icon` shows."""
    small = resize(picture, LONG_SIDE_PX)
    side = max(small.shape[:2])
    # Blender draws icons square.
    square = np.zeros((side, side, 4), np.float32)
    top, left = (side - small.shape[0]) // 2, (side - small.shape[1]) // 2
    square[top : top + small.shape[0], left : left + small.shape[1], :3] = small / 255.0
    square[top : top + small.shape[0], left : left + small.shape[1], 3] = 1.0
    if not _shown:
        _shown.append(bpy.utils.previews.new())
    preview = _shown[0].get(NAME) or _shown[0].new(NAME)
    preview.image_size = preview.icon_size = (side, side)
    for pixels in (preview.image_pixels_float, preview.icon_pixels_float):
        pixels.foreach_set(np.ascontiguousarray(square[::-1]).ravel())


def icon() -> int:
    """The icon's number for `template_icon`, 0 where there is none."""
    return _shown[0][NAME].icon_id if _shown else 0


def clear() -> None:
    """Forget the picture."""
    while _shown:
        bpy.utils.previews.remove(_shown.pop())
