"""Blending of splats and surfels together, depth-tested against the scene's surfaces per splat and pixel.

The kernel is `blending.blend` and `surfel_blending.blend` in one, with a plane of depth limits. A splat counts in a pixel where its own
depth plane there is in front of the limit. A mesh amid splats then hides those behind it and no others; one depth per pixel of the
finished picture couldn't tell them apart.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .blending import AHEAD, BELOW_SURFACE, NEAR, PIXELS, SURFACE_LIGHT, opaque, reach, start_tile
from .intermediates import BLUE, DEPTH, DISC, GREEN, INVERSE, QUAD_A, QUAD_B, QUAD_C, QUAD_L, RED, SHRINK, TILE, X, Y
from .intermediates import PROJECTED as STRIDE
from .lanes import exp2, iota, load, maximum, minimum, prefetch, spread, store, where_at_least
from .planes import FRONT, PLANE, SLOPE_X, SLOPE_Y
from .surfel_blending import LEAST_SHRINK, TO_POWER
from .surfels import LOW_PASS
from .tiles import CUT

F = np.float32
LEVELS = F(4095)  # 12 bits a channel: two channels are one whole number that a float32 holds exactly
LIMIT, SURFACE = 4, 5  # planes of a tile's buffer, after transmittance, red, green and blue


@njit(nogil=True, fastmath=True, inline="never")
def _take_limits(limits, row0, column0, buffer):
    """The scene's depths of a tile into the plane after the colors; nothing is drawn outside of the picture."""
    height, width = limits.shape
    for row in range(TILE):
        for x in range(TILE):
            k = LIMIT * PIXELS + (x >> 3) * (PIXELS // 2) + row * 8 + (x & 7)
            inside = row0 + row < height and column0 + x < width
            buffer[k] = limits[row0 + row, column0 + x] if inside else F(0)


@njit(nogil=True, fastmath=True, inline="never")
def _put_packed(buffer, row0, column0, packed):
    """Write the pixels of a tile at (row0, column0) of `packed`, which may end amid the tile, first row at the bottom."""
    height, width = packed.shape[0], packed.shape[1]
    for row in range(min(TILE, height - row0)):
        for x in range(min(TILE, width - column0)):
            k = (x >> 3) * (PIXELS // 2) + row * 8 + (x & 7)
            alpha = F(1) - buffer[k]
            out = height - 1 - row0 - row
            packed[out, column0 + x, 0] = _level(buffer[PIXELS + k]) * F(4096) + _level(buffer[2 * PIXELS + k])
            packed[out, column0 + x, 1] = _level(buffer[3 * PIXELS + k]) * F(4096) + _level(alpha)


@njit(nogil=True, fastmath=True, inline="never")
def _put_planes(buffer, row0, column0, planes):
    """Write the pixels of a tile at (row0, column0) of `planes` [h,w,5], which may end amid the tile, first row at the top."""
    height, width = planes.shape[0], planes.shape[1]
    for row in range(min(TILE, height - row0)):
        for x in range(min(TILE, width - column0)):
            k = (x >> 3) * (PIXELS // 2) + row * 8 + (x & 7)
            for c in range(3):
                planes[row0 + row, column0 + x, c] = buffer[(1 + c) * PIXELS + k]
            planes[row0 + row, column0 + x, 3] = F(1) - buffer[k]
            planes[row0 + row, column0 + x, 4] = buffer[SURFACE * PIXELS + k]


@njit(nogil=True, fastmath=True, inline="always")
def _level(value):
    return F(math.floor(min(max(value, F(0)), F(1)) * LEVELS + F(0.5)))


@njit(nogil=True, fastmath=True, inline="always")
def _find_surface(buffer, k, through, weight, depth):
    """Set the surface's depth where this splat's weight takes the transmittance below SURFACE_LIGHT, which happens once."""
    crossed = where_at_least(spread(F(0)) - (through - weight), -BELOW_SURFACE, depth)
    store(buffer, SURFACE * PIXELS + k, load(buffer, SURFACE * PIXELS + k) + where_at_least(through, SURFACE_LIGHT, crossed))


@njit(nogil=True, fastmath=True, inline="always")
def _add(buffer, k, through, weight, red, green, blue):
    store(buffer, k, through - weight)
    store(buffer, PIXELS + k, load(buffer, PIXELS + k) + weight * red)
    store(buffer, 2 * PIXELS + k, load(buffer, 2 * PIXELS + k) + weight * green)
    store(buffer, 3 * PIXELS + k, load(buffer, 3 * PIXELS + k) + weight * blue)


def _make_blend(limited, measured):
    # Four kernels from one text: without a scene around them splats need no depth planes, and a viewport needs no depth of them.
    slanted = limited or measured
    size = (6 if measured else 5 if limited else 4) * PIXELS

    @njit(nogil=True, fastmath=True, cache=True)
    def blend(first, last, tiles_x, left_px, top_px, tile_start, members, projected, planes, discs, first_surfel, limits, out):
        """Composite tiles into `out` [h,w,2], first row at the bottom: premultiplied sRGB and alpha, 12 bits each, two in a float.

        The kernel that is `measured` writes [h,w,5] instead, first row at the top: premultiplied sRGB, alpha, and the depth of the surface
        as `blending.blend` finds it, 0 where there is none. `out` is a part of the picture whose first column and topmost row are the
        picture's `left_px` and `top_px`, both those of a tile; tiles outside of it must be empty. From number `first_surfel` on splats
        are surfels, whose planes are in `discs`. `limits` [H,W] are the scene's depths, first row at the top; read only by the kernel
        that is `limited`.
        """
        buffer = np.empty(size, np.float32)
        splats, flat, round_ = projected.reshape(-1), planes.reshape(-1), discs.reshape(-1)
        one, least, near = spread(F(1)), spread(LEAST_SHRINK), spread(NEAR)
        for tile in range(first, last):
            start, end = tile_start[tile], tile_start[tile + 1]
            row0, column0 = tile // tiles_x * TILE, tile % tiles_x * TILE
            if start == end and (row0 < top_px or column0 < left_px):
                continue
            x0, y0 = F(column0) + F(0.5), F(row0) + F(0.5)
            start_tile(buffer)
            if limited:
                _take_limits(limits, row0, column0, buffer)
            for i in range(start, end):
                n = np.int64(members[i])
                s = n * STRIDE
                prefetch(splats, np.int64(members[min(i + AHEAD, end - 1)]) * STRIDE)
                low, high, left, right = reach(splats, s, x0, y0)
                red, green, blue, level = splats[s + RED], splats[s + GREEN], splats[s + BLUE], splats[s + QUAD_L]
                center, top = splats[s + DEPTH], y0 - splats[s + Y]
                if n < first_surfel:
                    a, b, c = splats[s + QUAD_A], splats[s + QUAD_B], splats[s + QUAD_C]
                    if slanted:
                        p = n * PLANE
                        front, slope_x, slope_y = flat[p + FRONT], flat[p + SLOPE_X], flat[p + SLOPE_Y]
                    for column in range(left, right):
                        dx = iota() + (x0 + F(8) * F(column) - splats[s + X])
                        across = dx * dx * a
                        tilt = dx * b
                        for row in range(low, high):
                            dy = top + F(row)
                            power = across + tilt * dy + (c * dy * dy + level)
                            k = column * (PIXELS // 2) + row * 8
                            through = load(buffer, k)
                            weight = where_at_least(power, -CUT, exp2(power)) * through
                            if slanted:
                                change = dx * slope_x + slope_y * dy
                            if limited:
                                weight = where_at_least(load(buffer, LIMIT * PIXELS + k) - (change + center), F(0), weight)
                            if measured:
                                _find_surface(buffer, k, through, weight, maximum(change + front, near))
                            _add(buffer, k, through, weight, red, green, blue)
                else:
                    d = n * DISC
                    i00, i01, i10, i11 = round_[d + INVERSE], round_[d + INVERSE + 1], round_[d + INVERSE + 2], round_[d + INVERSE + 3]
                    sx, sy = round_[d + SHRINK], round_[d + SHRINK + 1]
                    for column in range(left, right):
                        dx = iota() + (x0 + F(8) * F(column) - splats[s + X])
                        u0, v0, h0 = dx * i00, dx * i10, one - dx * sx
                        round0 = dx * dx * LOW_PASS
                        for row in range(low, high):
                            dy = top + F(row)
                            u, v = u0 + i01 * dy, v0 + i11 * dy
                            shrink = F(1) / maximum(h0 - sy * dy, least)
                            on_disc, on_picture = (u * u + v * v) * (shrink * shrink), round0 + LOW_PASS * dy * dy
                            power = minimum(on_disc, on_picture) * TO_POWER + level
                            k = column * (PIXELS // 2) + row * 8
                            through = load(buffer, k)
                            weight = where_at_least(power, -CUT, exp2(power)) * through
                            if slanted:
                                depth = center + where_at_least(on_picture - on_disc, F(0), (shrink - one) * center)
                            if limited:
                                weight = where_at_least(load(buffer, LIMIT * PIXELS + k) - depth, F(0), weight)
                            if measured:
                                _find_surface(buffer, k, through, weight, depth)
                            _add(buffer, k, through, weight, red, green, blue)
                if (i - start) % 16 == 15 and opaque(buffer):
                    break
            if measured:
                _put_planes(buffer, row0 - top_px, column0 - left_px, out)
            else:
                _put_packed(buffer, row0 - top_px, column0 - left_px, out)

    return blend


blend = {(limited, measured): _make_blend(limited, measured) for limited in (False, True) for measured in (False, True)}


@njit(nogil=True, cache=True)
def limits_of(depth, step, m22, m23, m32, m33, shift, far, limits):
    """Depth buffer values [H,W], 0 to 1, first row at the bottom, as camera depths [h,w], first row at the top, every `step`-th.

    m22 to m33 are the last two rows and columns of the projection; `shift` is added to depths, and what is empty lies at `far`.
    A pixel of a smaller picture takes the farthest of those it stands for: lines of overlays would cut furrows into splats.
    """
    height, width = depth.shape
    for row in range(limits.shape[0]):
        for column in range(limits.shape[1]):
            most = F(0)
            for y in range(row * step, min((row + 1) * step, height)):
                for x in range(column * step, min((column + 1) * step, width)):
                    most = max(most, depth[height - 1 - y, x])
            if most >= F(1):
                limits[row, column] = far
            else:
                at = F(2) * most - F(1)
                limits[row, column] = min((at * m33 - m23) / (at * m32 - m22) + shift, far)
