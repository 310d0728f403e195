"""Surfels onto pixels and back, as in `blending`, with depth and normals beside the colors.

At each pixel a surfel weighs by the nearer of two squared distances: in its own plane where the ray meets it, and on the picture from
its projected center, so that nothing falls between pixels (Huang et al. 2024, eq. 11). Where the second is nearer its depth is the
center's. Depths are blended less `middle`, a depth amid the scene, as float32 is finer near zero.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .blending import AHEAD, BELOW_SURFACE, PIXELS, SURFACE_LIGHT, opaque, put_tile, reach, start_tile, take_tile
from .intermediates import BLUE, DEPTH, DISC, GRADIENT, GREEN, INVERSE, NORMAL, PROJECTED, QUAD_L, RED, SHRINK, TILE, X, Y
from .lanes import exp2, iota, largest, load, maximum, minimum, prefetch, spread, sqrt, store, totals, where_at_least
from .projection import LOG2E
from .surfels import LOW_PASS
from .tiles import CUT

F = np.float32
LEAST_SHRINK = F(0.25)  # no pixel that a surfel reaches has less, see `surfels.STEEPEST`
TO_POWER = F(-0.5) * LOG2E


def _make_blend(geometric):
    # Two kernels from one text: half of training is without depth and normals.
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
        discs,
        background,
        middle,
        image,
        transmittance,
        finished,
        geometry,
    ):
        """As `blending.blend`, and fill the planes of `geometry`."""
        buffer = np.empty((10 if geometric else 4) * PIXELS, np.float32)  # transmittance, red, green, blue, then the planes of geometry
        splats, flat = projected.reshape(-1), discs.reshape(-1)
        zero, one, least = spread(F(0)), spread(F(1)), spread(LEAST_SHRINK)
        for tile in range(first, last):
            row0, column0 = tile // tiles_x * TILE, tile % tiles_x * TILE
            x0, y0 = F(column0) + F(0.5), F(row0) + F(0.5)
            start_tile(buffer)
            used = 0
            start, end = tile_start[tile], tile_start[tile + 1]
            for i in range(start, end):
                n = np.int64(members[i])
                s, d = n * PROJECTED, n * DISC
                ahead = np.int64(members[min(i + AHEAD, end - 1)])
                prefetch(splats, ahead * PROJECTED)
                prefetch(flat, ahead * DISC)
                low, high, left, right = reach(splats, s, x0, y0)
                level, center = splats[s + QUAD_L], splats[s + DEPTH]
                red, green, blue = splats[s + RED], splats[s + GREEN], splats[s + BLUE]
                i00, i01, i10, i11 = flat[d + INVERSE], flat[d + INVERSE + 1], flat[d + INVERSE + 2], flat[d + INVERSE + 3]
                sx, sy = flat[d + SHRINK], flat[d + SHRINK + 1]
                nx, ny, nz = flat[d + NORMAL], flat[d + NORMAL + 1], flat[d + NORMAL + 2]
                top = y0 - splats[s + Y]
                for column in range(left, right):
                    dx = iota() + (x0 + F(8) * F(column) - splats[s + X])
                    u0, v0, h0 = dx * i00, dx * i10, one - dx * sx
                    round0 = dx * dx * LOW_PASS
                    for row in range(low, high):
                        dy = top + F(row)
                        u, v = u0 + i01 * dy, v0 + i11 * dy
                        shrink = F(1) / maximum(h0 - sy * dy, least)
                        on_disc = (u * u + v * v) * (shrink * shrink)
                        on_picture = round0 + LOW_PASS * dy * dy
                        power = minimum(on_disc, on_picture) * TO_POWER + level
                        k = column * (PIXELS // 2) + row * 8
                        through = load(buffer, k)
                        weight = where_at_least(power, -CUT, exp2(power)) * through
                        after = through - weight
                        store(buffer, k, after)
                        store(buffer, PIXELS + k, load(buffer, PIXELS + k) + weight * red)
                        store(buffer, 2 * PIXELS + k, load(buffer, 2 * PIXELS + k) + weight * green)
                        store(buffer, 3 * PIXELS + k, load(buffer, 3 * PIXELS + k) + weight * blue)
                        if geometric:
                            depth = center + where_at_least(on_picture - on_disc, F(0), (shrink - one) * center)
                            away = depth - middle
                            weighted = weight * away
                            store(buffer, 4 * PIXELS + k, load(buffer, 4 * PIXELS + k) + weighted)
                            store(buffer, 5 * PIXELS + k, load(buffer, 5 * PIXELS + k) + weighted * away)
                            store(buffer, 6 * PIXELS + k, load(buffer, 6 * PIXELS + k) + weight * nx)
                            store(buffer, 7 * PIXELS + k, load(buffer, 7 * PIXELS + k) + weight * ny)
                            store(buffer, 8 * PIXELS + k, load(buffer, 8 * PIXELS + k) + weight * nz)
                            found = where_at_least(through, SURFACE_LIGHT, where_at_least(zero - after, -BELOW_SURFACE, depth))
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
        discs,
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
        """As `blending.blend_back`."""
        # Transmittance, remainder, gradient of red, green, blue, error, then those of the planes.
        buffer = np.empty((11 if geometric else 6) * PIXELS, np.float32)
        splats, flat = projected.reshape(-1), discs.reshape(-1)
        zero, one, least = spread(F(0)), spread(F(1)), spread(LEAST_SHRINK)
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
                s, d = n * PROJECTED, n * DISC
                ahead = np.int64(members[min(i + AHEAD, end - 1)])
                prefetch(splats, ahead * PROJECTED)
                prefetch(flat, ahead * DISC)
                low, high, left, right = reach(splats, s, x0, y0)
                level, center = splats[s + QUAD_L], splats[s + DEPTH]
                red, green, blue = splats[s + RED], splats[s + GREEN], splats[s + BLUE]
                i00, i01, i10, i11 = flat[d + INVERSE], flat[d + INVERSE + 1], flat[d + INVERSE + 2], flat[d + INVERSE + 3]
                a, b, c = i00 * i00 + i10 * i10, i00 * i01 + i10 * i11, i01 * i01 + i11 * i11  # the symmetric matrix P^-T P^-1
                sx, sy = flat[d + SHRINK], flat[d + SHRINK + 1]
                nx, ny, nz = flat[d + NORMAL], flat[d + NORMAL + 1], flat[d + NORMAL + 2]
                top = y0 - splats[s + Y]
                sum_r, sum_g, sum_b, signal, sum_1 = zero, zero, zero, zero, zero
                sum_x, sum_y, sum_xx, sum_xy, sum_yy = zero, zero, zero, zero, zero
                sum_hx, sum_hy, sum_z, sum_nx, sum_ny, sum_nz = zero, zero, zero, zero, zero, zero
                for column in range(left, right):
                    dx = iota() + (x0 + F(8) * F(column) - splats[s + X])
                    u0, v0, h0 = dx * i00, dx * i10, one - dx * sx
                    round0 = dx * dx * LOW_PASS
                    m0, m1, m2, h, round_sum = zero, zero, zero, zero, zero
                    for row in range(low, high):
                        dy = top + F(row)
                        u, v = u0 + i01 * dy, v0 + i11 * dy
                        shrink = F(1) / maximum(h0 - sy * dy, least)
                        square = shrink * shrink
                        plain = u * u + v * v
                        on_disc = plain * square
                        on_picture = round0 + LOW_PASS * dy * dy
                        nearer = on_picture - on_disc
                        power = minimum(on_disc, on_picture) * TO_POWER + level
                        k = column * (PIXELS // 2) + row * 8
                        alpha = where_at_least(power, -CUT, exp2(power))
                        through = load(buffer, k)
                        weight = alpha * through
                        store(buffer, k, through - weight)
                        v_r, v_g, v_b = load(buffer, 2 * PIXELS + k), load(buffer, 3 * PIXELS + k), load(buffer, 4 * PIXELS + k)
                        v_weight = v_r * red + v_g * green + v_b * blue
                        v_depth = zero
                        if geometric:
                            away = center - middle + where_at_least(nearer, F(0), (shrink - one) * center)
                            v_1, v_2 = load(buffer, 6 * PIXELS + k), load(buffer, 7 * PIXELS + k)
                            v_x, v_y, v_z = load(buffer, 8 * PIXELS + k), load(buffer, 9 * PIXELS + k), load(buffer, 10 * PIXELS + k)
                            v_weight = v_weight + (v_1 + v_2 * away) * away + (v_x * nx + v_y * ny + v_z * nz)
                            v_depth = weight * (v_1 + F(2) * v_2 * away)
                            sum_nx = sum_nx + weight * v_x
                            sum_ny = sum_ny + weight * v_y
                            sum_nz = sum_nz + weight * v_z
                        rest = load(buffer, PIXELS + k) - weight * v_weight
                        store(buffer, PIXELS + k, rest)
                        g = weight * v_weight - alpha * rest / (one - alpha)
                        sum_r = sum_r + weight * v_r
                        sum_g = sum_g + weight * v_g
                        sum_b = sum_b + weight * v_b
                        if not absolute:
                            signal = signal + weight * load(buffer, 5 * PIXELS + k)
                        sum_1 = sum_1 + g
                        g_disc = where_at_least(nearer, F(0), g)
                        g_round = (g - g_disc) * LOW_PASS
                        g_square = g_disc * square
                        # By `shrink`, and by what it is the inverse of
                        v_shrink = zero - g_square * plain * shrink
                        if geometric:
                            depth_disc = where_at_least(nearer, F(0), v_depth)
                            sum_z = sum_z + v_depth + depth_disc * (shrink - one)
                            v_shrink = v_shrink + depth_disc * square * center
                        if absolute:  # by the center, as below for the whole column
                            gu, gv = g_square * dx, g_square * dy
                            v_cx = a * gu + b * gv + g_round * dx - v_shrink * sx
                            v_cy = b * gu + c * gv + g_round * dy - v_shrink * sy
                            signal = signal + sqrt(v_cx * v_cx + v_cy * v_cy)
                        h = h + v_shrink
                        sum_hy = sum_hy + v_shrink * dy
                        gy = g_square * dy
                        m0 = m0 + g_square
                        m1 = m1 + gy
                        m2 = m2 + gy * dy
                        round_sum = round_sum + g_round
                        sum_y = sum_y + g_round * dy
                    sum_hx = sum_hx + h * dx
                    sum_x = sum_x + round_sum * dx
                    sum_xx = sum_xx + m0 * dx * dx
                    sum_xy = sum_xy + m1 * dx
                    sum_yy = sum_yy + m2
                    # By the center: what the disc's moments say, and the shrinking
                    first_x = m0 * dx
                    sum_x = sum_x + (a * first_x + b * m1) - h * sx
                    sum_y = sum_y + (b * first_x + c * m1) - h * sy
                out = np.int64(rows[i]) * GRADIENT
                store(gradients, out, totals(sum_1, sum_x, sum_y, sum_xx, sum_xy, sum_yy, sum_r, sum_g))
                store(gradients, out + 8, totals(sum_b, signal, sum_hx, sum_hy, sum_z, sum_nx, sum_ny, sum_nz))

    return blend_back


# By what is asked for: absolute gradients, depth and normals.
blend_back = {(absolute, geometric): _make_blend_back(absolute, geometric) for absolute in (False, True) for geometric in (False, True)}


@njit(nogil=True, fastmath=True, cache=True)
def strongest(first, last, tiles_x, width, height, tile_start, members, rows, finished, projected, discs, known, entries):
    """As `blending.strongest`."""
    buffer = np.empty(PIXELS, np.float32)
    splats, flat = projected.reshape(-1), discs.reshape(-1)
    one, least = spread(F(1)), spread(LEAST_SHRINK)
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
            n = np.int64(members[i])
            s, d = n * PROJECTED, n * DISC
            low, high, left, right = reach(splats, s, x0, y0)
            level = splats[s + QUAD_L]
            i00, i01, i10, i11 = flat[d + INVERSE], flat[d + INVERSE + 1], flat[d + INVERSE + 2], flat[d + INVERSE + 3]
            sx, sy = flat[d + SHRINK], flat[d + SHRINK + 1]
            top = y0 - splats[s + Y]
            most = spread(F(0))
            for column in range(left, right):
                dx = iota() + (x0 + F(8) * F(column) - splats[s + X])
                u0, v0, h0 = dx * i00, dx * i10, one - dx * sx
                round0 = dx * dx * LOW_PASS
                for row in range(low, high):
                    dy = top + F(row)
                    u, v = u0 + i01 * dy, v0 + i11 * dy
                    shrink = F(1) / maximum(h0 - sy * dy, least)
                    power = minimum((u * u + v * v) * (shrink * shrink), round0 + LOW_PASS * dy * dy) * TO_POWER + level
                    k = column * (PIXELS // 2) + row * 8
                    through = load(buffer, k)
                    weight = where_at_least(power, -CUT, exp2(power)) * through
                    store(buffer, k, through - weight)
                    most = maximum(most, weight)
            entries[rows[i]] = largest(most)
