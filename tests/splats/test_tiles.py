"""The lists of splats by tile."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.splats.cpu import layout, tiles


def _touched(x: float, y: float, extent: float, tiles_x: int = 30, tiles_y: int = 20) -> tuple[bool, np.ndarray]:
    splat = np.zeros(layout.PROJECTED, np.float32)
    splat[[layout.X, layout.Y, layout.EXTENT_X, layout.EXTENT_Y]] = x, y, extent, extent
    boxes = np.zeros((1, tiles.BOX), np.int16)
    return bool(tiles.tile_box(splat, 0, tiles_x, tiles_y, boxes, 0)), boxes[0, [layout.LEFT, layout.RIGHT, layout.TOP, layout.BOTTOM]]


def test_a_splat_inside_one_tile_touches_that_tile() -> None:
    assert _touched(24.0, 40.0, 3.0)[0]
    np.testing.assert_array_equal(_touched(24.0, 40.0, 3.0)[1], [1, 2, 2, 3])


@pytest.mark.parametrize("place", [-1e3, 1e3, 6e5, 1.1e6, 3e9, 1e20, -6e5, -1e20])
def test_a_splat_far_outside_the_picture_touches_no_tile(place: float) -> None:
    # 16-bit tile numbers wrap around from half a million pixels on, where splats beside a camera are.
    assert not _touched(place, 40.0, 5.0)[0]
    assert not _touched(24.0, place, 5.0)[0]


@pytest.mark.parametrize("extent", [1e3, 1e6, 1e20])
def test_a_splat_larger_than_the_picture_touches_all_of_it_and_nothing_beyond(extent: float) -> None:
    found, box = _touched(24.0, 40.0, extent)
    assert found
    np.testing.assert_array_equal(box, [0, 30, 0, 20])
