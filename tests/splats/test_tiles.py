"""The lists of splats by tile."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.splats.cpu import intermediates as rows
from reify.backend.splats.cpu import tiles


def _touched(x: float, y: float, extent: float, tiles_x: int = 30, tiles_y: int = 20) -> tuple[bool, np.ndarray]:
    splat = np.zeros(rows.PROJECTED, np.float32)
    splat[[rows.X, rows.Y, rows.EXTENT_X, rows.EXTENT_Y]] = x, y, extent, extent
    boxes = np.zeros((1, tiles.BOX), np.int16)
    return bool(tiles.tile_box(splat, 0, tiles_x, tiles_y, boxes, 0)), boxes[0, [rows.LEFT, rows.RIGHT, rows.TOP, rows.BOTTOM]]


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


@pytest.mark.parametrize("size", [2.0, 12.0, 60.0])  # pixels: one tile, a few rows of them, and more rows than are kept
def test_every_tile_in_which_an_ellipse_reaches_a_pixel_is_listed_and_hardly_another(size: float) -> None:
    rng = np.random.default_rng(int(size))
    row, column = np.mgrid[0:320, 0:480] + 0.5
    surplus = listed_in_all = 0
    for _ in range(40):
        axes = rng.normal(size=(2, 2)) * size * (1.0, 0.3)
        covariance = axes @ axes.T + 0.3 * np.eye(2)
        splat = np.zeros(rows.PROJECTED, np.float32)
        x, y = rng.random(2) * (480, 320)
        quad = -0.5 * np.log2(np.e) * np.linalg.inv(covariance)
        splat[[rows.QUAD_A, rows.QUAD_B, rows.QUAD_C, rows.QUAD_L]] = (
            quad[0, 0],
            2 * quad[0, 1],
            quad[1, 1],
            np.log2(0.8),
        )
        splat[[rows.X, rows.Y]] = x, y
        splat[[rows.EXTENT_X, rows.EXTENT_Y]] = np.sqrt(2 * np.log(0.8 * 255) * np.diag(covariance))
        boxes = np.zeros((1, tiles.BOX), np.int16)
        assert tiles.tile_box(splat, 0, 30, 20, boxes, 0)
        count = tiles.tile_count(splat, 0, boxes, 0)
        listed = np.zeros((20, 30), bool)
        for r in range(boxes[0, rows.TOP], boxes[0, rows.BOTTOM]):
            first, last = tiles.tile_columns(splat, 0, r, boxes, 0)
            listed[r, first:last] = True
        power = quad[0, 0] * (column - x) ** 2 + 2 * quad[0, 1] * (column - x) * (row - y) + quad[1, 1] * (row - y) ** 2 + np.log2(0.8)
        reached = (power > -tiles.CUT).reshape(20, 16, 30, 16).any(axis=(1, 3))
        assert listed[reached].all() and count == listed.sum()
        surplus, listed_in_all = surplus + np.sum(listed & ~reached), listed_in_all + count
    assert surplus < 0.15 * listed_in_all
