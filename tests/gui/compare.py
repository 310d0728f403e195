"""Whether a picture of the window shows what a stored one shows, loosely: by the layout and the panels, not by figures and pixels.

A picture is cut into cells that are about as high as a line of text. A cell is known by its mean color and by how much is
written in it. Where a panel is missing, another one stands in its place or a region has another size, many neighboring
cells differ; where only a number or a bar is another one, few do. So what counts is the worst place of a certain size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

SIZE_PX = (320, 200)  # of stored pictures
CELL_PX = 5
PLACE_CELLS = 6  # side of a place, about a tenth of the window's width
MOST = 30.0  # that a cell can differ: one that is altogether different counts no more than any other
LIMIT = 10.0  # mean of a place; the pictures of repeated runs, and made-up ones with what must be noticed, lie far from it

Box = tuple[int, int, int, int]


def stored(picture: Image.Image) -> Image.Image:
    """The picture as it is stored."""
    return picture.convert("RGB").resize(SIZE_PX, Image.Resampling.BOX)


def difference(picture: Image.Image, expected: Image.Image, moving: Sequence[Box] = ()) -> tuple[float, Box]:
    """How much the worst place differs, 0 … MOST, and that place (left, top, right, bottom) in pixels of `picture`.

    `moving` are boxes of the picture, in its pixels, whose content doesn't count.
    """
    unlike = np.minimum(np.abs(_cells(picture) - _cells(expected)).max(2), MOST)
    scale = picture.width / SIZE_PX[0] * CELL_PX
    for box in moving:
        left, top, right, bottom = (round(side / scale) for side in box)
        unlike[top:bottom, left:right] = 0.0
    places = np.lib.stride_tricks.sliding_window_view(unlike, (PLACE_CELLS, PLACE_CELLS)).mean((2, 3))
    row, column = np.unravel_index(places.argmax(), places.shape)
    worst = (column, row, column + PLACE_CELLS, row + PLACE_CELLS)
    return float(places.max()), tuple(round(side * scale) for side in worst)  # type: ignore[return-value]


def _cells(picture: Image.Image) -> Any:
    """Mean red, green and blue of each cell, and how much its gray values spread, [rows, columns, 4]."""
    pixels = np.asarray(stored(picture), np.float32)
    height, width = pixels.shape[0] // CELL_PX, pixels.shape[1] // CELL_PX
    cells = pixels.reshape(height, CELL_PX, width, CELL_PX, 3).swapaxes(1, 2).reshape(height, width, -1, 3)
    return np.concatenate([cells.mean(2), cells.mean(3).std(2, keepdims=True)], axis=2)
