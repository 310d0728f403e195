"""Pictures in panels that are no datablocks: thumbnails of results, and the curve of a figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy.utils.previews

if TYPE_CHECKING:
    from ..backend.jobs.runner import Curve
    from ..backend.values import Array

CURVE_PX = 128
LINE = (0.36, 0.62, 1.0)
LINE_PX = 3.0
BELOW = 0.2  # how opaque the area under the line is
CURVE = "curve"  # name of the one curve that is shown

_previews: list[Any] = []  # the collection, once there is something to show
_drawn: list[Any] = []  # the curve that the picture shows


def of_file(path: Path) -> int:
    """The number of the icon that shows a picture file, for `template_icon`."""
    name = f"{path} {path.stat().st_mtime_ns}"  # another picture may come to the same place
    found = _collection().get(name) or _collection().load(name, str(path), "IMAGE")
    return int(found.icon_id)


def of_pixels(name: str, picture: Array) -> int:
    """The number of the icon that shows a small picture [H,W,3] uint8; `name` tells it from all others."""
    import numpy as np

    icon = _collection().get(name)
    if icon is None:
        icon = _collection().new(name)
        side = max(picture.shape[:2])
        square = np.zeros((side, side, 4), np.float32)  # Blender draws icons square
        top, left = (side - picture.shape[0]) // 2, (side - picture.shape[1]) // 2
        square[top : top + picture.shape[0], left : left + picture.shape[1]] = np.dstack((picture / 255.0, np.ones(picture.shape[:2])))
        icon.image_size = icon.icon_size = (side, side)
        pixels = np.ascontiguousarray(square[::-1]).ravel()
        for target in (icon.image_pixels_float, icon.icon_pixels_float):
            target.foreach_set(pixels)
    return int(icon.icon_id)


def of_curve(curve: Curve) -> int:
    """The number of the icon that shows how a figure has developed, the newest on the right."""
    import numpy as np

    icon = _collection().get(CURVE) or _collection().new(CURVE)
    if _drawn != [curve]:
        pixels = np.ascontiguousarray(plotted(curve.values)[::-1]).ravel()
        icon.image_size = icon.icon_size = (CURVE_PX, CURVE_PX)
        for target in (icon.image_pixels_float, icon.icon_pixels_float):
            target.foreach_set(pixels)
        _drawn[:] = [curve]
    return int(icon.icon_id)


def plotted(values: tuple[float, ...], side_px: int = CURVE_PX) -> Array:
    """A line through `values` from the left to the right on a transparent ground, [S,S,4] float32, premultiplied, first row on top."""
    import numpy as np

    series = np.interp(np.linspace(0, len(values) - 1, side_px), np.arange(len(values)), values)
    low, high = float(series.min()), float(series.max())
    margin = 0.08 * side_px
    height = (side_px - 2 * margin) * ((series - low) / (high - low) if high > low else np.full(side_px, 0.5))
    level = side_px - margin - height  # rows, from the top
    steep = np.hypot(1.0, np.gradient(level))  # the line is as thick across its own direction everywhere
    rows = np.arange(side_px)[:, None] + 0.5
    line = np.clip(LINE_PX / 2 + 0.5 - np.abs(rows - level) / steep, 0.0, 1.0)
    alpha = np.maximum(line, np.where(rows > level, BELOW, 0.0)).astype(np.float32)
    return alpha[..., None] * np.array((*LINE, 1.0), np.float32)


def clear() -> None:
    """Forget all of them."""
    _drawn.clear()
    while _previews:
        bpy.utils.previews.remove(_previews.pop())


def _collection() -> Any:
    if not _previews:
        _previews.append(bpy.utils.previews.new())
    return _previews[0]


def register() -> None:
    """Nothing is made before it is shown."""


unregister = clear
