"""Which tiles a splat touches, and the lists of splats by tile, front to back.

A splat touches a tile where its ellipse of opacity 1/255 does: for each row of tiles the ellipse's exact extent in x
over the band of pixel centers is computed, which is exact because the part of an ellipse in a band is convex. What was
computed is kept beside the box for the kernels that come after: two square roots a row, thrice, were a quarter of the sorting.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .intermediates import BOTTOM, EXTENT_X, EXTENT_Y, LEFT, PROJECTED, QUAD_A, QUAD_B, QUAD_C, QUAD_L, RIGHT, TILE, TOP, X, Y

F = np.float32
BOX = 8  # int16 of a splat: its box of tiles, and of up to SPAN_ROWS rows in it the columns touched, first + 256 last, from its left
SPANS, SPAN_ROWS, SPAN_COLUMNS = 4, 4, 127
CUT = F(math.log2(255.0))  # log2 of the largest attenuation that still counts


@njit(nogil=True, fastmath=True, inline="never")
def tile_box(splats, s, tiles_x, tiles_y, boxes, n):
    """Rows and columns of tiles around the ellipse of a projected splat, into boxes[n]; returns whether there are any."""
    x, y, extent_x, extent_y = splats[s + X], splats[s + Y], splats[s + EXTENT_X], splats[s + EXTENT_Y]
    boxes[n, LEFT] = _tile_from(x - extent_x, tiles_x)
    boxes[n, RIGHT] = _tile_until(x + extent_x, tiles_x)
    boxes[n, TOP] = _tile_from(y - extent_y, tiles_y)
    boxes[n, BOTTOM] = _tile_until(y + extent_y, tiles_y)
    return boxes[n, LEFT] < boxes[n, RIGHT] and boxes[n, TOP] < boxes[n, BOTTOM]


@njit(nogil=True, inline="always")
def _tile_from(place, tiles):
    # Clamped before it becomes an integer: a splat beside a camera may lie a million pixels out, which `boxes` can't hold.
    return int(math.ceil(min(max((place - F(TILE - 0.5)) / F(TILE), F(0)), F(tiles))))


@njit(nogil=True, inline="always")
def _tile_until(place, tiles):
    return int(math.floor(min(max((place - F(0.5)) / F(TILE), F(-1)), F(tiles - 1)))) + 1


# Without fastmath: of splats with many rows, three kernels ask for the same columns, and their answers must agree to the bit, however
# each was compiled; the room for a splat's gradients is what the first one counted.
@njit(nogil=True, inline="never", error_model="numpy")
def _exact_columns(splats, s, row, boxes, n):
    x, y = splats[s + X], splats[s + Y]
    a, half_b, c = -splats[s + QUAD_A], F(-0.5) * splats[s + QUAD_B], -splats[s + QUAD_C]
    level = splats[s + QUAD_L] + CUT  # a dx^2 + 2 half_b dx dy + c dy^2 <= level
    top = F(row * TILE) + F(0.5) - y
    bottom = top + F(TILE - 1)
    determinant = a * c - half_b * half_b
    # dy at which the ellipse reaches furthest right; its mirror image is where it reaches furthest left.
    furthest = -half_b * math.sqrt(max(level / max(c * determinant, F(1e-30)), F(0)))
    dy = min(max(furthest, top), bottom)
    right = (-half_b * dy + math.sqrt(max(a * level - determinant * dy * dy, F(0)))) / a
    dy = min(max(-furthest, top), bottom)
    left = (-half_b * dy - math.sqrt(max(a * level - determinant * dy * dy, F(0)))) / a
    low = int(math.ceil((x + left - F(TILE - 0.5) - F(1e-3)) / F(TILE)))
    high = int(math.floor((x + right - F(0.5) + F(1e-3)) / F(TILE))) + 1
    left_most, right_most = np.int64(boxes[n, LEFT]), np.int64(boxes[n, RIGHT])
    low = min(max(low, left_most), right_most)
    return low, max(low, min(high, right_most))


@njit(nogil=True, fastmath=True, inline="always")
def tile_columns(splats, s, row, boxes, n):
    """First and last+1 tile that a projected splat touches in a row of tiles, after `tile_count`."""
    left, right = np.int64(boxes[n, LEFT]), np.int64(boxes[n, RIGHT])
    rows = boxes[n, BOTTOM] - boxes[n, TOP]
    if right - left == 1 or rows == 1:
        return left, right
    if rows <= SPAN_ROWS and right - left <= SPAN_COLUMNS:
        span = np.int64(boxes[n, SPANS + row - boxes[n, TOP]])
        return left + (span & 255), left + (span >> 8)
    return _exact_columns(splats, s, row, boxes, n)


@njit(nogil=True, fastmath=True, inline="never")
def tile_count(splats, s, boxes, n):
    """How many tiles a projected splat touches; a box one tile wide or high holds no tile that the ellipse misses."""
    wide, high = np.int64(boxes[n, RIGHT]) - boxes[n, LEFT], np.int64(boxes[n, BOTTOM]) - boxes[n, TOP]
    if wide == 1 or high == 1:
        return wide * high
    left = np.int64(boxes[n, LEFT])
    kept = high <= SPAN_ROWS and wide <= SPAN_COLUMNS
    count = 0
    for row in range(boxes[n, TOP], boxes[n, BOTTOM]):
        first, last = _exact_columns(splats, s, row, boxes, n)
        if kept:
            boxes[n, SPANS + row - boxes[n, TOP]] = first - left + ((last - left) << 8)
        count += last - first
    return count


@njit(nogil=True, fastmath=True, cache=True)
def visible_order(counts, depth_bits, offsets, keys, order, spare_keys, spare_order):
    """Visible splats front to back in order[:V], and the first gradient row of each splat in `offsets`; returns V and the number of rows.

    A stable radix sort, twice 12 bits, of the depths' bits (floats above zero sort like integers) less those of the nearest:
    depths that differ by less than one in 2^20 over a range of a thousand count as equal.
    """
    visible = 0
    rows = 0
    nearest, farthest = np.uint32(0xFFFFFFFF), np.uint32(0)
    for n in range(len(counts)):
        offsets[n] = rows
        if counts[n] > 0:
            rows += counts[n]
            key = depth_bits[n]
            keys[visible] = key
            order[visible] = n
            nearest, farthest = min(nearest, key), max(farthest, key)
            visible += 1
    if visible == 0:
        return 0, 0
    drop = np.uint32(0)
    while (farthest - nearest) >> drop >= np.uint32(1 << 24):
        drop += np.uint32(1)
    histogram = np.zeros((2, 4096), np.int64)
    for i in range(visible):
        key = (keys[i] - nearest) >> drop
        keys[i] = key
        histogram[0, key & np.uint32(4095)] += 1
        histogram[1, key >> np.uint32(12)] += 1
    for p in range(2):
        start = 0
        for b in range(4096):
            count = histogram[p, b]
            histogram[p, b] = start
            start += count
    for i in range(visible):
        digit = keys[i] & np.uint32(4095)
        place = histogram[0, digit]
        histogram[0, digit] = place + 1
        spare_keys[place] = keys[i]
        spare_order[place] = order[i]
    for i in range(visible):
        digit = spare_keys[i] >> np.uint32(12)
        place = histogram[1, digit]
        histogram[1, digit] = place + 1
        order[place] = spare_order[i]
    return visible, rows


@njit(nogil=True, fastmath=True, cache=True)
def count_by_chunk(first, last, chunk_size, visible, order, boxes, projected, tiles_x, histogram):
    """How many splats of each chunk of the order touch each tile, into histogram[chunk, tile]."""
    splats = projected.reshape(-1)
    for chunk in range(first, last):
        histogram[chunk] = 0
        for i in range(chunk * chunk_size, min((chunk + 1) * chunk_size, visible)):
            n = order[i]
            for row in range(boxes[n, TOP], boxes[n, BOTTOM]):
                low, high = tile_columns(splats, np.int64(n) * PROJECTED, row, boxes, n)
                for column in range(low, high):
                    histogram[chunk, row * tiles_x + column] += 1


@njit(nogil=True, cache=True)
def start_tiles(histogram, chunks, tile_start):
    """Turn counts into places: where each tile's list starts, and where in it each chunk writes."""
    place = 0
    for tile in range(len(tile_start) - 1):
        tile_start[tile] = place
        for chunk in range(chunks):
            count = histogram[chunk, tile]
            histogram[chunk, tile] = place
            place += count
    tile_start[-1] = place


@njit(nogil=True, fastmath=True, cache=True)
def fill_tiles(first, last, chunk_size, visible, order, boxes, projected, offsets, tiles_x, histogram, members, rows):
    """Write the lists: `members` holds splats front to back, `rows` the gradient row of each entry."""
    splats = projected.reshape(-1)
    for chunk in range(first, last):
        for i in range(chunk * chunk_size, min((chunk + 1) * chunk_size, visible)):
            n = order[i]
            gradient_row = offsets[n]
            for row in range(boxes[n, TOP], boxes[n, BOTTOM]):
                low, high = tile_columns(splats, np.int64(n) * PROJECTED, row, boxes, n)
                for column in range(low, high):
                    place = histogram[chunk, row * tiles_x + column]
                    histogram[chunk, row * tiles_x + column] = place + 1
                    members[place] = n
                    rows[place] = gradient_row
                    gradient_row += 1
