"""Which tiles a splat touches, and the lists of splats by tile, front to back.

A splat touches a tile where its ellipse of opacity 1/255 does: for each row of tiles the ellipse's exact extent in x
over the band of pixel centres is computed, which is exact because the part of an ellipse in a band is convex.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .layout import TILE, X, Y, EXTENT_X, EXTENT_Y, QUAD_A, QUAD_B, QUAD_C, QUAD_L, DEPTH

F = np.float32
CUT = F(math.log2(255.0))  # log2 of the largest attenuation that still counts


@njit(nogil=True, fastmath=True, inline="never")
def tile_rows(splat, tiles_y):
    """First and last+1 row of tiles that a projected splat may touch."""
    low = math.ceil((splat[Y] - splat[EXTENT_Y] - F(TILE - 0.5)) / F(TILE))
    high = math.floor((splat[Y] + splat[EXTENT_Y] - F(0.5)) / F(TILE)) + 1
    return max(0, int(low)), min(tiles_y, int(high))


@njit(nogil=True, fastmath=True, inline="never")
def tile_columns(splat, row, tiles_x):
    """First and last+1 tile that a projected splat touches in a row of tiles."""
    x, y = splat[X], splat[Y]
    a, half_b, c = -splat[QUAD_A], F(-0.5) * splat[QUAD_B], -splat[QUAD_C]
    level = splat[QUAD_L] + CUT  # a dx^2 + 2 half_b dx dy + c dy^2 <= level
    top = F(row * TILE) + F(0.5) - y
    bottom = top + F(TILE - 1)
    determinant = a * c - half_b * half_b
    # dy at which the ellipse reaches furthest right; its mirror image is where it reaches furthest left.
    furthest = -half_b * math.sqrt(max(level / max(c * determinant, F(1e-30)), F(0)))
    dy = min(max(furthest, top), bottom)
    right = (-half_b * dy + math.sqrt(max(a * level - determinant * dy * dy, F(0)))) / a
    dy = min(max(-furthest, top), bottom)
    left = (-half_b * dy - math.sqrt(max(a * level - determinant * dy * dy, F(0)))) / a
    low = math.ceil((x + left - F(TILE - 0.5) - F(1e-3)) / F(TILE))
    high = math.floor((x + right - F(0.5) + F(1e-3)) / F(TILE)) + 1
    return max(0, int(low)), min(tiles_x, int(high))


@njit(nogil=True, fastmath=True, cache=True)
def visible_order(projected, counts, offsets, keys, order, spare_keys, spare_order):
    """Visible splats front to back in order[:V], and the first gradient row of each splat in `offsets`; returns V and the number of rows.

    A stable radix sort of the depths' bits (all positive), 11 bits at a time.
    """
    histogram = np.zeros((3, 2048), np.int64)
    bits = projected.view(np.uint32)
    visible = 0
    rows = 0
    for n in range(len(counts)):
        offsets[n] = rows
        if counts[n] > 0:
            rows += counts[n]
            key = bits[n, DEPTH]
            keys[visible] = key
            order[visible] = n
            histogram[0, key & np.uint32(2047)] += 1
            histogram[1, (key >> np.uint32(11)) & np.uint32(2047)] += 1
            histogram[2, key >> np.uint32(22)] += 1
            visible += 1
    for p in range(3):
        start = 0
        for b in range(2048):
            count = histogram[p, b]
            histogram[p, b] = start
            start += count
        shift = np.uint32(11 * p)
        for i in range(visible):
            digit = (keys[i] >> shift) & np.uint32(2047)
            place = histogram[p, digit]
            histogram[p, digit] = place + 1
            spare_keys[place] = keys[i]
            spare_order[place] = order[i]
        keys, spare_keys = spare_keys, keys
        order, spare_order = spare_order, order
    return visible, rows


@njit(nogil=True, fastmath=True, cache=True)
def count_by_chunk(first, last, chunk_size, visible, order, projected, tiles_x, tiles_y, histogram):
    """How many splats of each chunk of the order touch each tile, into histogram[chunk, tile]."""
    for chunk in range(first, last):
        histogram[chunk] = 0
        for i in range(chunk * chunk_size, min((chunk + 1) * chunk_size, visible)):
            splat = projected[order[i]]
            low_row, high_row = tile_rows(splat, tiles_y)
            for row in range(low_row, high_row):
                low, high = tile_columns(splat, row, tiles_x)
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
def fill_tiles(first, last, chunk_size, visible, order, projected, offsets, tiles_x, tiles_y, histogram, members, rows):
    """Write the lists: `members` holds splats front to back, `rows` the gradient row of each entry."""
    for chunk in range(first, last):
        for i in range(chunk * chunk_size, min((chunk + 1) * chunk_size, visible)):
            n = order[i]
            splat = projected[n]
            gradient_row = offsets[n]
            low_row, high_row = tile_rows(splat, tiles_y)
            for row in range(low_row, high_row):
                low, high = tile_columns(splat, row, tiles_x)
                for column in range(low, high):
                    place = histogram[chunk, row * tiles_x + column]
                    histogram[chunk, row * tiles_x + column] = place + 1
                    members[place] = n
                    rows[place] = gradient_row
                    gradient_row += 1
