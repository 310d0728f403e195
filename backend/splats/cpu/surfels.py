"""Surfels to ellipses on the picture, and gradients back to parameters, one surfel at a time.

A surfel is a Gaussian on a disc: Huang et al., "2D Gaussian Splatting for Geometrically Accurate Radiance Fields" (2024). Where the ray
of a pixel meets the disc's plane follows from how that plane looks around the disc's center. With d the pixel less the projected
center, P the 2x2 derivative of the picture by the disc's own coordinates (u, v), and (a, b) the depth that one step along u and v adds,
as a share of the center's depth z:

    (u, v) = P^-1 d / (1 - s.d),    depth = z / (1 - s.d),    s = P^-T (a, b).

It is exact: the inverse of depth is linear over the picture of a plane. The first two axes of the rotation span the disc; the third
scale isn't used.

A disc smaller than the least footprint shows as that. Anti-aliased, its opacity falls by as much as its area is too small, so that it
covers no more of the picture than it is large.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ..columns import FOCAL, LOG_SCALE, MEAN, OPACITY, PRINCIPAL, QUATERNION, SH, STAT_SEEN, STAT_SIGNAL, TRANSLATION
from . import harmonics
from .descent import NOISE, adam, regularize, shake
from .intermediates import (
    ALPHA,
    BLUE,
    DEPTH,
    DISC,
    EXTENT_X,
    EXTENT_Y,
    G_XX,
    G_XY,
    G_YY,
    GRADIENT,
    GREEN,
    INVERSE,
    NORMAL,
    PROJECTED,
    QUAD_A,
    QUAD_B,
    QUAD_C,
    QUAD_L,
    RED,
    SHRINK,
    SIGNAL,
    V_BLUE,
    V_CENTER,
    V_DEPTH,
    V_GREEN,
    V_NORMAL,
    V_RED,
    V_SHRINK,
    G,
    X,
    Y,
)
from .lanes import load, spread, store
from .projection import LEAST_ALPHA, LOG2E, MOST_ALPHA, NEAR, RANGE, finite
from .rotation import rotation, rotation_back
from .tiles import CUT, tile_box, tile_count

F = np.float32
FLATTEST = F(1e-5)  # sine of the angle between ray and disc, below which there is nothing to see
STEEPEST = F(0.9)  # of the way to the camera's plane, that the disc's rim may reach
# Inverse variance of the least footprint: a fifth of a square pixel. Half of one blurs more than pixels do: on spot (400x400, 2000 steps,
# neighbors compared) this takes held-out PSNR from 38.9 to 39.9 dB and the mesh's error from 0.150 to 0.121 % of the diagonal. A tenth
# gives 40.3 dB and 0.116 %, but dots that show three times as much in a pixel's middle as between four; these differ by a sixth.
LOW_PASS = F(5)


@njit(nogil=True, fastmath=True, inline="never")
def _disc(p, o, camera):
    """Everything between a surfel's parameters and its picture.

    Returns position (3), axes (9) in camera space, scales (2), P (4), and the depth that u and v add, by depth (2).
    """
    r = camera
    mx, my, mz = p[o + MEAN], p[o + MEAN + 1], p[o + MEAN + 2]
    tx = r[0] * mx + r[1] * my + r[2] * mz + r[TRANSLATION]
    ty = r[3] * mx + r[4] * my + r[5] * mz + r[TRANSLATION + 1]
    tz = r[6] * mx + r[7] * my + r[8] * mz + r[TRANSLATION + 2]
    r00, r01, r02, r10, r11, r12, r20, r21, r22 = rotation(p, o)
    ux, uy, uz = r[0] * r00 + r[1] * r10 + r[2] * r20, r[3] * r00 + r[4] * r10 + r[5] * r20, r[6] * r00 + r[7] * r10 + r[8] * r20
    vx, vy, vz = r[0] * r01 + r[1] * r11 + r[2] * r21, r[3] * r01 + r[4] * r11 + r[5] * r21, r[6] * r01 + r[7] * r11 + r[8] * r21
    nx, ny, nz = r[0] * r02 + r[1] * r12 + r[2] * r22, r[3] * r02 + r[4] * r12 + r[5] * r22, r[6] * r02 + r[7] * r12 + r[8] * r22
    s0, s1 = math.exp(min(p[o + LOG_SCALE], F(40))), math.exp(min(p[o + LOG_SCALE + 1], F(40)))
    iz = F(1) / tz
    a, b = r[FOCAL] * iz, r[FOCAL + 1] * iz
    p00, p01 = s0 * a * (ux - tx * iz * uz), s1 * a * (vx - tx * iz * vz)
    p10, p11 = s0 * b * (uy - ty * iz * uz), s1 * b * (vy - ty * iz * vz)
    return tx, ty, tz, ux, uy, uz, vx, vy, vz, nx, ny, nz, s0, s1, p00, p01, p10, p11, s0 * uz * iz, s1 * vz * iz


@njit(nogil=True, fastmath=True, cache=True)
def project(first, last, parameters, bases, camera, tiles_x, tiles_y, antialiased, projected, discs, boxes, counts, depths):
    """As `projection.project`; `discs` [N,DISC] gets what the ray's way through the plane needs.

    The ellipse in `projected` holds all that is to be seen of a surfel: it only serves to find the tiles and pixels.
    """
    shape = np.zeros(16, np.float32)
    width = parameters.shape[1]
    p = parameters.reshape(-1)
    out, disc = projected.reshape(-1), discs.reshape(-1)
    bits = out.view(np.uint32)
    for n in range(first, last):
        counts[n] = 0
        o, s, d = n * width, n * PROJECTED, n * DISC
        tz = camera[6] * p[o + MEAN] + camera[7] * p[o + MEAN + 1] + camera[8] * p[o + MEAN + 2] + camera[TRANSLATION + 2]
        if not tz > NEAR:
            continue
        tx, ty, tz, _ux, _uy, _uz, _vx, _vy, _vz, nx, ny, nz, _s0, _s1, p00, p01, p10, p11, add_u, add_v = _disc(p, o, camera)
        xx, xy, yy = p00 * p00 + p01 * p01, p00 * p10 + p01 * p11, p10 * p10 + p11 * p11
        determinant = p00 * p11 - p01 * p10
        alpha = F(1) / (F(1) + math.exp(-max(min(p[o + OPACITY], F(40)), F(-40))))
        if antialiased:
            alpha *= min(LOW_PASS * abs(determinant), F(1))
        alpha = min(alpha, MOST_ALPHA)
        if not alpha > LEAST_ALPHA or not abs(determinant) > FLATTEST * (xx + yy):
            continue
        level = math.log2(alpha)
        reach = (level + CUT) * (F(2) / LOG2E)
        # Seen by perspective the near half of a disc is larger: a circle around the whole, in (u, v) as if depth didn't change.
        steepness = math.sqrt(reach * (add_u * add_u + add_v * add_v))
        if not steepness < STEEPEST:
            continue
        grown = F(1) / ((F(1) - steepness) * (F(1) - steepness))
        # The sum of two ellipses' covariances holds both: the disc's and that of the least footprint.
        xx, xy, yy = grown * xx + F(1) / LOW_PASS, grown * xy, grown * yy + F(1) / LOW_PASS
        x = camera[FOCAL] * tx / tz + camera[PRINCIPAL]
        y = camera[FOCAL + 1] * ty / tz + camera[PRINCIPAL + 1]
        out[s + X], out[s + Y], out[s + DEPTH], out[s + ALPHA], out[s + QUAD_L] = x, y, tz, alpha, level
        out[s + EXTENT_X], out[s + EXTENT_Y] = math.sqrt(reach * xx), math.sqrt(reach * yy)
        k = F(-0.5) * LOG2E / (xx * yy - xy * xy)
        out[s + QUAD_A], out[s + QUAD_B], out[s + QUAD_C] = k * yy, F(-2) * k * xy, k * xx
        # A broken surfel must not spoil the picture, as in `projection.project`.
        whole = finite(bits[s + X]) and finite(bits[s + Y]) and finite(bits[s + QUAD_L]) and finite(bits[s + EXTENT_X])
        if not (
            whole and finite(bits[s + EXTENT_Y]) and finite(bits[s + QUAD_A]) and finite(bits[s + QUAD_B]) and finite(bits[s + QUAD_C])
        ):
            continue
        if not tile_box(out, s, tiles_x, tiles_y, boxes, n):
            continue
        counts[n] = tile_count(out, s, boxes, n)
        depths[n] = tz
        k = F(1) / determinant
        i00, i01, i10, i11 = k * p11, -k * p01, -k * p10, k * p00
        disc[d + INVERSE], disc[d + INVERSE + 1], disc[d + INVERSE + 2], disc[d + INVERSE + 3] = i00, i01, i10, i11
        disc[d + SHRINK], disc[d + SHRINK + 1] = i00 * add_u + i10 * add_v, i01 * add_u + i11 * add_v
        towards = F(-1) if nx * tx + ny * ty + nz * tz > F(0) else F(1)
        disc[d + NORMAL], disc[d + NORMAL + 1], disc[d + NORMAL + 2] = towards * nx, towards * ny, towards * nz
        harmonics.color(p, o, width, bases, camera, shape, out, s + RED)
        for c in range(3):
            if not finite(bits[s + RED + c]):
                counts[n] = 0
            out[s + RED + c] = max(out[s + RED + c], F(0))


@njit(nogil=True, fastmath=True, cache=True)
def pull_back(
    first,
    last,
    parameters,
    moments,
    bases,
    camera,
    antialiased,
    projected,
    discs,
    counts,
    offsets,
    rows,
    learning,
    control,
    step,
    gradients,
    stats,
    v_camera,
):
    """As `projection.pull_back`, from the gradient rows of `surfel_blending.blend_back`."""
    width = parameters.shape[1]
    p = parameters.reshape(-1)
    m = moments.reshape(-1)
    seen, disc = projected.reshape(-1), discs.reshape(-1)
    sums = np.empty(GRADIENT, np.float32)
    shape = np.zeros(16, np.float32)
    slope = np.zeros(16, np.float32)
    g = np.zeros(width, np.float32)
    updated = width if bases > 1 else SH
    training = len(gradients) == 0
    r = camera
    for n in range(first, last):
        if counts[n] == 0:
            continue
        sums_low, sums_high = spread(F(0)), spread(F(0))
        for i in range(offsets[n], offsets[n] + counts[n]):
            sums_low = sums_low + load(rows, i * GRADIENT)
            sums_high = sums_high + load(rows, i * GRADIENT + 8)
        store(sums, 0, sums_low)
        store(sums, 8, sums_high)
        if training and sums[G] == F(0) and sums[V_RED] == F(0) and sums[V_GREEN] == F(0) and sums[V_BLUE] == F(0):
            continue
        o, s, d = n * width, n * PROJECTED, n * DISC
        tx, ty, tz, ux, uy, uz, vx, vy, vz, nx, ny, nz, s0, s1, p00, p01, p10, p11, add_u, add_v = _disc(p, o, camera)
        i00, i01, i10, i11 = disc[d + INVERSE], disc[d + INVERSE + 1], disc[d + INVERSE + 2], disc[d + INVERSE + 3]
        # By the inverse of P: the exponent's part is -P^-1 M with M the moments; the shrinking's is s = P^-T (a, b).
        hx, hy = sums[V_SHRINK], sums[V_SHRINK + 1]
        w00, w01 = add_u * hx - i00 * sums[G_XX] - i01 * sums[G_XY], add_u * hy - i00 * sums[G_XY] - i01 * sums[G_YY]
        w10, w11 = add_v * hx - i10 * sums[G_XX] - i11 * sums[G_XY], add_v * hy - i10 * sums[G_XY] - i11 * sums[G_YY]
        v_add_u, v_add_v = i00 * hx + i01 * hy, i10 * hx + i11 * hy
        # By P itself: -P^-T W P^-T
        k00, k01, k10, k11 = i00 * w00 + i10 * w10, i00 * w01 + i10 * w11, i01 * w00 + i11 * w10, i01 * w01 + i11 * w11
        v00, v01 = -(k00 * i00 + k01 * i01), -(k00 * i10 + k01 * i11)
        v10, v11 = -(k10 * i00 + k11 * i01), -(k10 * i10 + k11 * i11)
        shown = seen[s + ALPHA] < MOST_ALPHA
        if antialiased and shown and LOW_PASS * abs(p00 * p11 - p01 * p10) < F(1):
            v00, v01, v10, v11 = v00 + sums[G] * i00, v01 + sums[G] * i10, v10 + sums[G] * i01, v11 + sums[G] * i11
        g[LOG_SCALE] = v00 * p00 + v10 * p10 + v_add_u * add_u
        g[LOG_SCALE + 1] = v01 * p01 + v11 * p11 + v_add_v * add_v
        g[LOG_SCALE + 2] = F(0)
        iz = F(1) / tz
        a, b, x, y = r[FOCAL] * iz, r[FOCAL + 1] * iz, tx * iz, ty * iz
        # By the axes in camera space
        aux, auy = s0 * a * v00, s0 * b * v10
        auz = s0 * iz * v_add_u - x * aux - y * auy
        avx, avy = s1 * a * v01, s1 * b * v11
        avz = s1 * iz * v_add_v - x * avx - y * avy
        towards = F(-1) if nx * tx + ny * ty + nz * tz > F(0) else F(1)
        anx, any_, anz = towards * sums[V_NORMAL], towards * sums[V_NORMAL + 1], towards * sums[V_NORMAL + 2]
        # By the position: of the center, of P, of the depth, and of what a step adds to it
        vtx = a * sums[V_CENTER] - iz * (aux * uz + avx * vz)
        vty = b * sums[V_CENTER + 1] - iz * (auy * uz + avy * vz)
        shrinking = v00 * p00 + v01 * p01 + v10 * p10 + v11 * p11 + v_add_u * add_u + v_add_v * add_v
        vtz = sums[V_DEPTH] - x * vtx - y * vty - iz * shrinking
        m00, m10, m20 = r[0] * aux + r[3] * auy + r[6] * auz, r[1] * aux + r[4] * auy + r[7] * auz, r[2] * aux + r[5] * auy + r[8] * auz
        m01, m11, m21 = r[0] * avx + r[3] * avy + r[6] * avz, r[1] * avx + r[4] * avy + r[7] * avz, r[2] * avx + r[5] * avy + r[8] * avz
        m02, m12, m22 = r[0] * anx + r[3] * any_ + r[6] * anz, r[1] * anx + r[4] * any_ + r[7] * anz, r[2] * anx + r[5] * any_ + r[8] * anz
        g[QUATERNION], g[QUATERNION + 1], g[QUATERNION + 2], g[QUATERNION + 3] = rotation_back(
            p, o, m00, m01, m02, m10, m11, m12, m20, m21, m22
        )
        sigma = F(1) / (F(1) + math.exp(-max(min(p[o + OPACITY], F(40)), F(-40))))
        g[OPACITY] = sums[G] * (F(1) - sigma) if shown else F(0)
        red = sums[V_RED] if seen[s + RED] > F(0) else F(0)
        green = sums[V_GREEN] if seen[s + GREEN] > F(0) else F(0)
        blue = sums[V_BLUE] if seen[s + BLUE] > F(0) else F(0)
        ex, ey, ez = harmonics.color_back(p, o, width, bases, camera, red, green, blue, shape, slope, g)
        vm0 = r[0] * vtx + r[3] * vty + r[6] * vtz + ex
        vm1 = r[1] * vtx + r[4] * vty + r[7] * vtz + ey
        vm2 = r[2] * vtx + r[5] * vty + r[8] * vtz + ez
        g[MEAN], g[MEAN + 1], g[MEAN + 2] = vm0, vm1, vm2
        if len(v_camera):
            c = n // RANGE
            v_camera[c, 0] += ty * vtz - tz * vty + uy * auz - uz * auy + vy * avz - vz * avy + ny * anz - nz * any_
            v_camera[c, 1] += tz * vtx - tx * vtz + uz * aux - ux * auz + vz * avx - vx * avz + nz * anx - nx * anz
            v_camera[c, 2] += tx * vty - ty * vtx + ux * auy - uy * aux + vx * avy - vy * avx + nx * any_ - ny * anx
            v_camera[c, 3] += r[0] * vm0 + r[1] * vm1 + r[2] * vm2
            v_camera[c, 4] += r[3] * vm0 + r[4] * vm1 + r[5] * vm2
            v_camera[c, 5] += r[6] * vm0 + r[7] * vm1 + r[8] * vm2
        stats[n, STAT_SIGNAL] += sums[SIGNAL]
        stats[n, STAT_SEEN] += F(1)
        if not training:
            for j in range(width):
                gradients[n, j] = g[j]
            continue
        regularize(p, o, sigma, s0, s1, F(0), control, g)
        adam(p, o, m, updated, g, learning, control)
        noise = control[NOISE] / (F(1) + math.exp(F(-100) * (F(0.005) - sigma)))
        if noise > control[NOISE] * F(1e-3):
            shake(p, o, n, step, noise * learning[MEAN], s0, s1, F(0), *rotation(p, o))
