"""Splats onto pixels and back: 16x16 tiles, in each two columns of eight lanes, in each only the rows that an ellipse reaches.

A tile's transmittance and colors live in one small buffer. The backward kernel also walks front to back: with
D = sum over all splats of w (c . v), its remainder gives every splat's gradient of alpha without a stored transmittance.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .intermediates import (
    BLUE,
    DEPTH,
    EXTENT_X,
    EXTENT_Y,
    GRADIENT,
    GREEN,
    MARGIN,
    PROJECTED,
    QUAD_A,
    QUAD_B,
    QUAD_C,
    QUAD_L,
    RED,
    SIGNAL,
    TILE,
    V_BLUE,
    X,
    Y,
)
from .lanes import exp2, iota, largest, load, magnitude, maximum, prefetch, spread, sqrt, store, total, totals, where_at_least
from .planes import FRONT, NORMAL, PLANE, SLOPE_X, SLOPE_Y
from .tiles import CUT

F = np.float32
PIXELS = TILE * TILE
AHEAD = 4  # entries that a splat is asked for before its turn
NEAR = F(0.01)  # no plane reaches nearer to the camera
SURFACE_LIGHT = F(0.7)  # of the light gets to the surface: less would be behind the many faint splats that make up a plain one
BELOW_SURFACE = np.nextafter(SURFACE_LIGHT, F(0))
OPAQUE = F(1e-4)  # a tile is finished when less light than this gets through every pixel
LN2 = F(math.log(2))


@njit(nogil=True, fastmath=True, inline="never")
def reach(splats, s, x0, y0):
    """First and last+1 row, and first and last+1 column of eight, of the tile with first pixel center (x0, y0)."""
    x, y = splats[s + X] - x0, splats[s + Y] - y0
    ex, ey = splats[s + EXTENT_X], splats[s + EXTENT_Y]
    low = max(math.ceil(y - ey), F(0))
    high = min(math.floor(y + ey) + F(1), F(TILE))
    left = 0 if x - ex <= F(7) else 1
    right = 2 if x + ex >= F(8) else 1
    return int(low), int(high), left, right


@njit(nogil=True, fastmath=True, inline="never")
def start_tile(buffer):
    """A tile that all light gets through and nothing is on."""
    for k in range(0, PIXELS, 8):
        store(buffer, k, spread(F(1)))
    for k in range(PIXELS, len(buffer), 8):
        store(buffer, k, spread(F(0)))


@njit(nogil=True, fastmath=True, inline="never")
def opaque(buffer):
    """Whether hardly any light gets through any pixel of a tile."""
    most = load(buffer, 0)
    for k in range(8, PIXELS, 8):
        most = maximum(most, load(buffer, k))
    return largest(most) < OPAQUE


@njit(nogil=True, fastmath=True, inline="never")
def put_tile(buffer, row0, column0, width, height, background, image, transmittance, geometry):
    """Write a tile's transmittance, colors over `background` and, where there are any, planes of geometry."""
    stride = width + 2 * MARGIN
    plane = stride * (height + 2 * MARGIN)
    for row in range(min(TILE, height - row0)):
        place = (row0 + row + MARGIN) * stride + column0 + MARGIN
        for x in range(min(TILE, width - column0)):
            k = (x >> 3) * (PIXELS // 2) + row * 8 + (x & 7)
            through = buffer[k]
            transmittance[place + x] = through
            image[place + x] = buffer[PIXELS + k] + through * background[0]
            image[plane + place + x] = buffer[2 * PIXELS + k] + through * background[1]
            image[2 * plane + place + x] = buffer[3 * PIXELS + k] + through * background[2]
            for c in range(len(geometry)):
                geometry[c, row0 + row, column0 + x] = buffer[(4 + c) * PIXELS + k]


@njit(nogil=True, fastmath=True, inline="never")
def take_tile(buffer, row0, column0, width, height, image, transmittance, geometry, v_image, v_alpha, v_geometry, error):
    """What going back starts from: transmittance, remainder, gradients of the colors, error, and gradients of the planes of geometry."""
    stride = width + 2 * MARGIN
    plane = stride * (height + 2 * MARGIN)
    for k in range(0, len(buffer), 8):
        store(buffer, k, spread(F(0)))
    for row in range(min(TILE, height - row0)):
        place = (row0 + row + MARGIN) * stride + column0 + MARGIN
        for x in range(min(TILE, width - column0)):
            k = (x >> 3) * (PIXELS // 2) + row * 8 + (x & 7)
            at = place + x
            red, green, blue = v_image[at], v_image[plane + at], v_image[2 * plane + at]
            rest = red * image[at] + green * image[plane + at] + blue * image[2 * plane + at]
            if len(v_alpha):
                rest -= v_alpha[at] * transmittance[at]
            for c in range(len(v_geometry)):
                v = v_geometry[c, row0 + row, column0 + x]
                buffer[(6 + c) * PIXELS + k] = v
                rest += v * geometry[c, row0 + row, column0 + x]
            buffer[k] = F(1)
            buffer[PIXELS + k] = rest
            buffer[2 * PIXELS + k] = red
            buffer[3 * PIXELS + k] = green
            buffer[4 * PIXELS + k] = blue
            buffer[5 * PIXELS + k] = error[at]


def _make_blend(geometric):
    # Two kernels from one text: most training is without depth and normals.
    @njit(nogil=True, fastmath=True, cache=True)
    def blend(
        first,
        last,
        tiles_x,
        width,
        height,
        tile_start,
        members,
        projected,
        planes,
        background,
        middle,
        image,
        transmittance,
        finished,
        geometry,
    ):
        """Composite tiles over `background`: image is 3 planes of rows with margins, flat; `finished` counts the splats used of each list.

        Into `geometry` go the planes that `layout` names, of `planes` as `planes.depth_planes` leaves them, with depths less `middle`.
        The surface is the front of the splat at which the transmittance falls below SURFACE_LIGHT.
        """
        buffer = np.empty((10 if geometric else 4) * PIXELS, np.float32)  # transmittance, red, green, blue, then the planes of geometry
        splats, flat = projected.reshape(-1), planes.reshape(-1)
        zero, near = spread(F(0)), spread(NEAR)
        for tile in range(first, last):
            row0, column0 = tile // tiles_x * TILE, tile % tiles_x * TILE
            x0, y0 = F(column0) + F(0.5), F(row0) + F(0.5)
            start_tile(buffer)
            used = 0
            start, end = tile_start[tile], tile_start[tile + 1]
            for i in range(start, end):
                n = np.int64(members[i])
                s = n * PROJECTED
                prefetch(splats, np.int64(members[min(i + AHEAD, end - 1)]) * PROJECTED)
                low, high, left, right = reach(splats, s, x0, y0)
                a, b, c, level = splats[s + QUAD_A], splats[s + QUAD_B], splats[s + QUAD_C], splats[s + QUAD_L]
                red, green, blue = splats[s + RED], splats[s + GREEN], splats[s + BLUE]
                if geometric:
                    p = n * PLANE
                    center, front, slope_x, slope_y = splats[s + DEPTH], flat[p + FRONT], flat[p + SLOPE_X], flat[p + SLOPE_Y]
                    nx, ny, nz = flat[p + NORMAL], flat[p + NORMAL + 1], flat[p + NORMAL + 2]
                top = y0 - splats[s + Y]
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
                        after = through - weight
                        store(buffer, k, after)
                        store(buffer, PIXELS + k, load(buffer, PIXELS + k) + weight * red)
                        store(buffer, 2 * PIXELS + k, load(buffer, 2 * PIXELS + k) + weight * green)
                        store(buffer, 3 * PIXELS + k, load(buffer, 3 * PIXELS + k) + weight * blue)
                        if geometric:
                            change = dx * slope_x + slope_y * dy
                            away = maximum(change + center, near) - middle
                            weighted = weight * away
                            store(buffer, 4 * PIXELS + k, load(buffer, 4 * PIXELS + k) + weighted)
                            store(buffer, 5 * PIXELS + k, load(buffer, 5 * PIXELS + k) + weighted * away)
                            store(buffer, 6 * PIXELS + k, load(buffer, 6 * PIXELS + k) + weight * nx)
                            store(buffer, 7 * PIXELS + k, load(buffer, 7 * PIXELS + k) + weight * ny)
                            store(buffer, 8 * PIXELS + k, load(buffer, 8 * PIXELS + k) + weight * nz)
                            # Light falls below SURFACE_LIGHT once: after it did, the first condition keeps failing.
                            surface = where_at_least(zero - after, -BELOW_SURFACE, maximum(change + front, near))
                            found = where_at_least(through, SURFACE_LIGHT, surface)
                            store(buffer, 9 * PIXELS + k, load(buffer, 9 * PIXELS + k) + found)
                used += 1
                if used % 16 == 0 and opaque(buffer):
                    break
            finished[tile] = used
            put_tile(buffer, row0, column0, width, height, background, image, transmittance, geometry)

    return blend


blend = _make_blend(False)
blend_geometry = _make_blend(True)


def _make_blend_back(absolute, geometric):
    # Four kernels from one text: absolute gradients cost a tenth of the time and only the classic strategy wants them.
    @njit(nogil=True, fastmath=True, cache=True)
    def blend_back(
        first,
        last,
        tiles_x,
        width,
        height,
        tile_start,
        members,
        rows,
        projected,
        planes,
        middle,
        image,
        transmittance,
        finished,
        geometry,
        v_image,
        v_alpha,
        v_geometry,
        error,
        gradients,
    ):
        """Gradient rows of every entry of the tiles' lists, from those of the picture, its alpha and its `geometry` but the surface.

        `v_alpha` may be empty. `error` weighs pixels in the sum that densification is driven by, unless that is of absolute gradients.
        """
        # Transmittance, remainder, gradient of red, green, blue, error, then those of the planes.
        buffer = np.empty((11 if geometric else 6) * PIXELS, np.float32)
        splats, flat = projected.reshape(-1), planes.reshape(-1)
        zero, near = spread(F(0)), spread(NEAR)
        for tile in range(first, last):
            row0, column0 = tile // tiles_x * TILE, tile % tiles_x * TILE
            x0, y0 = F(column0) + F(0.5), F(row0) + F(0.5)
            take_tile(buffer, row0, column0, width, height, image, transmittance, geometry, v_image, v_alpha, v_geometry, error)
            start = tile_start[tile]
            end = start + finished[tile]
            for i in range(end, tile_start[tile + 1]):
                store(gradients, np.int64(rows[i]) * GRADIENT, zero)
                store(gradients, np.int64(rows[i]) * GRADIENT + 8, zero)
            for i in range(start, end):
                n = np.int64(members[i])
                s = n * PROJECTED
                prefetch(splats, np.int64(members[min(i + AHEAD, end - 1)]) * PROJECTED)
                low, high, left, right = reach(splats, s, x0, y0)
                a, b, c, level = splats[s + QUAD_A], splats[s + QUAD_B], splats[s + QUAD_C], splats[s + QUAD_L]
                red, green, blue = splats[s + RED], splats[s + GREEN], splats[s + BLUE]
                if geometric:
                    p = n * PLANE
                    center, slope_x, slope_y = splats[s + DEPTH], flat[p + SLOPE_X], flat[p + SLOPE_Y]
                    nx, ny, nz = flat[p + NORMAL], flat[p + NORMAL + 1], flat[p + NORMAL + 2]
                top = y0 - splats[s + Y]
                sum_r, sum_g, sum_b, signal = zero, zero, zero, zero
                sum_x, sum_y, sum_xx, sum_xy, sum_yy, sum_1 = zero, zero, zero, zero, zero, zero
                sum_zx, sum_zy, sum_z, sum_nx, sum_ny, sum_nz = zero, zero, zero, zero, zero, zero
                for column in range(left, right):
                    dx = iota() + (x0 + F(8) * F(column) - splats[s + X])
                    across = dx * dx * a
                    tilt = dx * b
                    # d power / d x up to the sign, in base 2: 2 a dx + b dy, b dx + 2 c dy
                    slope = dx * (F(2) * a)
                    m0, m1, m2, z0 = zero, zero, zero, zero
                    for row in range(low, high):
                        dy = top + F(row)
                        power = across + tilt * dy + (c * dy * dy + level)
                        k = column * (PIXELS // 2) + row * 8
                        alpha = where_at_least(power, -CUT, exp2(power))
                        through = load(buffer, k)
                        weight = alpha * through
                        store(buffer, k, through - weight)
                        v_r, v_g, v_b = load(buffer, 2 * PIXELS + k), load(buffer, 3 * PIXELS + k), load(buffer, 4 * PIXELS + k)
                        v_weight = v_r * red + v_g * green + v_b * blue
                        if geometric:
                            depth = dx * slope_x + slope_y * dy + center
                            away = maximum(depth, near) - middle
                            v_1, v_2 = load(buffer, 6 * PIXELS + k), load(buffer, 7 * PIXELS + k)
                            v_x, v_y, v_z = load(buffer, 8 * PIXELS + k), load(buffer, 9 * PIXELS + k), load(buffer, 10 * PIXELS + k)
                            v_weight = v_weight + (v_1 + v_2 * away) * away + (v_x * nx + v_y * ny + v_z * nz)
                            v_depth = where_at_least(depth, NEAR, weight * (v_1 + F(2) * v_2 * away))
                            z0 = z0 + v_depth
                            sum_zy = sum_zy + v_depth * dy
                            sum_nx = sum_nx + weight * v_x
                            sum_ny = sum_ny + weight * v_y
                            sum_nz = sum_nz + weight * v_z
                        rest = load(buffer, PIXELS + k) - weight * v_weight
                        store(buffer, PIXELS + k, rest)
                        g = weight * v_weight - alpha * rest / (F(1) - alpha)
                        sum_r = sum_r + weight * v_r
                        sum_g = sum_g + weight * v_g
                        sum_b = sum_b + weight * v_b
                        if absolute:
                            v_cx, v_cy = slope + b * dy, tilt + F(2) * c * dy
                            signal = signal + magnitude(g) * sqrt(v_cx * v_cx + v_cy * v_cy)
                        else:
                            signal = signal + weight * load(buffer, 5 * PIXELS + k)
                        gy = g * dy
                        m0 = m0 + g
                        m1 = m1 + gy
                        m2 = m2 + gy * dy
                    sum_1 = sum_1 + m0
                    sum_x = sum_x + m0 * dx
                    sum_y = sum_y + m1
                    sum_xx = sum_xx + m0 * dx * dx
                    sum_xy = sum_xy + m1 * dx
                    sum_yy = sum_yy + m2
                    if geometric:
                        sum_z = sum_z + z0
                        sum_zx = sum_zx + z0 * dx
                out = np.int64(rows[i]) * GRADIENT
                store(gradients, out, totals(sum_1, sum_x, sum_y, sum_xx, sum_xy, sum_yy, sum_r, sum_g))
                if absolute:
                    signal = signal * LN2
                if geometric:
                    store(gradients, out + 8, totals(sum_b, signal, sum_zx, sum_zy, sum_z, sum_nx, sum_ny, sum_nz))
                else:
                    gradients[out + V_BLUE] = total(sum_b)
                    gradients[out + SIGNAL] = total(signal)

    return blend_back


# By what is asked for: absolute gradients, depth and normals.
blend_back = {(absolute, geometric): _make_blend_back(absolute, geometric) for absolute in (False, True) for geometric in (False, True)}


@njit(nogil=True, fastmath=True, cache=True)
def strongest(first, last, tiles_x, width, height, tile_start, members, rows, finished, projected, known, entries):
    """The largest weight of every entry of the tiles' lists, as `blend` weighs it, where `known` [H,W] is at least 128 or empty."""
    buffer = np.empty(PIXELS, np.float32)  # transmittance; none from the start in pixels that don't count
    splats = projected.reshape(-1)
    for tile in range(first, last):
        row0, column0 = tile // tiles_x * TILE, tile % tiles_x * TILE
        x0, y0 = F(column0) + F(0.5), F(row0) + F(0.5)
        for k in range(0, PIXELS, 8):
            store(buffer, k, spread(F(0)))
        for row in range(min(TILE, height - row0)):
            for x in range(min(TILE, width - column0)):
                if len(known) == 0 or known[row0 + row, column0 + x] >= 128:
                    buffer[(x >> 3) * (PIXELS // 2) + row * 8 + (x & 7)] = F(1)
        for i in range(tile_start[tile], tile_start[tile] + finished[tile]):
            s = np.int64(members[i]) * PROJECTED
            low, high, left, right = reach(splats, s, x0, y0)
            a, b, c, level = splats[s + QUAD_A], splats[s + QUAD_B], splats[s + QUAD_C], splats[s + QUAD_L]
            top = y0 - splats[s + Y]
            most = spread(F(0))
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
                    store(buffer, k, through - weight)
                    most = maximum(most, weight)
            entries[rows[i]] = largest(most)
