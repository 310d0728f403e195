"""Splats to ellipses on the picture, and gradients of ellipses back to parameters, one splat at a time.

The local affine approximation of EWA splatting (Zwicker et al. 2001, eq. 27 to 31) as 3DGS uses it (Kerbl et al. 2023):
0.3 square pixels of blur, and the offset from the axis clamped to 1.3 times the field of view in the Jacobian only.
The backward kernel sums a splat's gradient rows, runs the chain rule and, in training, Adam, so that no gradient array
of the size of the parameters is ever written.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ..columns import FOCAL, LOG_SCALE, MEAN, OPACITY, PRINCIPAL, QUATERNION, SH, SIZE, STAT_SEEN, STAT_SIGNAL, TRANSLATION
from . import harmonics
from .descent import NOISE, adam, regularize, shake
from .intermediates import (
    ALPHA,
    BLUE,
    DEPTH,
    EXTENT_X,
    EXTENT_Y,
    G_X,
    G_XX,
    G_XY,
    G_Y,
    G_YY,
    GRADIENT,
    GREEN,
    PROJECTED,
    QUAD_A,
    QUAD_B,
    QUAD_C,
    QUAD_L,
    RED,
    SIGNAL,
    V_BLUE,
    V_DEPTH,
    V_GREEN,
    V_RED,
    G,
    X,
    Y,
)
from .lanes import exp2, load, maximum, minimum, spread, store
from .planes import SLOPE_X, SLOPE_Y, plane_back
from .rotation import rotation, rotation_back
from .tiles import CUT, tile_box, tile_count

F = np.float32
BLUR = F(0.3)  # square pixels, added to the diagonal of every ellipse's covariance
NEAR = F(0.01)
LOG2E = F(math.log2(math.e))
LEAST_ALPHA = F(1 / 255)
MOST_ALPHA = F(0.999)

RANGE = 512  # splats that one thread takes at a time, or several times as many


@njit(nogil=True, fastmath=True, inline="never")
def _affine(p, o, camera, powers):
    """Everything between a splat's parameters and its 2D covariance.

    Returns camera-space position (3), 2x3 matrix U = J R_camera R_splat (6), scales (3), covariance without blur (3).
    Leaves e^opacity_logit in powers[0].
    """
    r = camera
    mx, my, mz = p[o + MEAN], p[o + MEAN + 1], p[o + MEAN + 2]
    tx = r[0] * mx + r[1] * my + r[2] * mz + r[TRANSLATION]
    ty = r[3] * mx + r[4] * my + r[5] * mz + r[TRANSLATION + 1]
    tz = r[6] * mx + r[7] * my + r[8] * mz + r[TRANSLATION + 2]
    fx, fy = r[FOCAL], r[FOCAL + 1]
    inverse_z = F(1) / tz
    ux, uy, _, _ = _clamped(tx * inverse_z, ty * inverse_z, r)
    # Rows of J R_camera: d pixel / d world.
    a, b = fx * inverse_z, fy * inverse_z
    j00, j01, j02 = a * (r[0] - ux * r[6]), a * (r[1] - ux * r[7]), a * (r[2] - ux * r[8])
    j10, j11, j12 = b * (r[3] - uy * r[6]), b * (r[4] - uy * r[7]), b * (r[5] - uy * r[8])
    r00, r01, r02, r10, r11, r12, r20, r21, r22 = rotation(p, o)
    u00 = j00 * r00 + j01 * r10 + j02 * r20
    u01 = j00 * r01 + j01 * r11 + j02 * r21
    u02 = j00 * r02 + j01 * r12 + j02 * r22
    u10 = j10 * r00 + j11 * r10 + j12 * r20
    u11 = j10 * r01 + j11 * r11 + j12 * r21
    u12 = j10 * r02 + j11 * r12 + j12 * r22
    # One vector holds the opacity's logit, the quaternion (not needed here) and the log scales.
    store(powers, 0, exp2(maximum(minimum(load(p, o + OPACITY) * LOG2E, spread(F(60))), spread(F(-60)))))
    s0, s1, s2 = powers[LOG_SCALE - OPACITY], powers[LOG_SCALE - OPACITY + 1], powers[LOG_SCALE - OPACITY + 2]
    q0, q1, q2 = s0 * s0, s1 * s1, s2 * s2
    xx = u00 * u00 * q0 + u01 * u01 * q1 + u02 * u02 * q2
    xy = u00 * u10 * q0 + u01 * u11 * q1 + u02 * u12 * q2
    yy = u10 * u10 * q0 + u11 * u11 * q1 + u12 * u12 * q2
    return tx, ty, tz, u00, u01, u02, u10, u11, u12, s0, s1, s2, xx, xy, yy


@njit(nogil=True, fastmath=True, inline="always")
def _clamped(ux, uy, camera):
    """Image-plane position at focal length 1 clamped to 1.3 fields of view, and whether each is free (1) or held (0)."""
    fx, fy, cx, cy = camera[FOCAL], camera[FOCAL + 1], camera[PRINCIPAL], camera[PRINCIPAL + 1]
    width, height = camera[SIZE], camera[SIZE + 1]
    extra_x, extra_y = F(0.15) * width / fx, F(0.15) * height / fy
    held_x = min(max(ux, -cx / fx - extra_x), (width - cx) / fx + extra_x)
    held_y = min(max(uy, -cy / fy - extra_y), (height - cy) / fy + extra_y)
    return held_x, held_y, held_x == ux, held_y == uy


@njit(nogil=True, inline="never")
def finite(bits):
    """Whether a float32 is finite, from its bits: with fastmath the compiler may take for granted that nothing is NaN."""
    return (bits & np.uint32(0x7F800000)) != np.uint32(0x7F800000)


@njit(nogil=True, fastmath=True, cache=True)
def project(first, last, parameters, bases, camera, tiles_x, tiles_y, antialiased, projected, boxes, counts, depths):
    """Fill the rows of `projected`, `boxes` and `depths` that are visible, colors from `bases` SH bases.

    Also fills `counts` with the number of tiles each splat touches (0: unseen).
    """
    shape = np.zeros(16, np.float32)
    powers = np.empty(8, np.float32)
    width = parameters.shape[1]
    p = parameters.reshape(-1)
    out = projected.reshape(-1)
    bits = out.view(np.uint32)
    for n in range(first, last):
        counts[n] = 0
        o = n * width
        s = n * PROJECTED
        tz = camera[6] * p[o + MEAN] + camera[7] * p[o + MEAN + 1] + camera[8] * p[o + MEAN + 2] + camera[TRANSLATION + 2]
        if not tz > NEAR:
            continue
        tx, ty, tz, _u00, _u01, _u02, _u10, _u11, _u12, _s0, _s1, _s2, xx, xy, yy = _affine(p, o, camera, powers)
        sharp = xx * yy - xy * xy
        xx += BLUR
        yy += BLUR
        determinant = xx * yy - xy * xy
        alpha = powers[0] / (F(1) + powers[0])
        if antialiased:
            alpha *= math.sqrt(max(sharp / determinant, F(1e-12)))
        alpha = min(alpha, MOST_ALPHA)
        if not alpha > LEAST_ALPHA or not determinant > F(0):
            continue
        x = camera[FOCAL] * tx / tz + camera[PRINCIPAL]
        y = camera[FOCAL + 1] * ty / tz + camera[PRINCIPAL + 1]
        level = math.log2(alpha)
        reach = (level + CUT) * (F(2) / LOG2E)
        out[s + X], out[s + Y], out[s + DEPTH], out[s + ALPHA], out[s + QUAD_L] = x, y, tz, alpha, level
        out[s + EXTENT_X], out[s + EXTENT_Y] = math.sqrt(reach * xx), math.sqrt(reach * yy)
        k = F(-0.5) * LOG2E / determinant
        out[s + QUAD_A], out[s + QUAD_B], out[s + QUAD_C] = k * yy, F(-2) * k * xy, k * xx
        # A broken splat must not spoil the picture, and with it all others; the training loop finds and removes it.
        if not (finite(bits[s + X]) and finite(bits[s + Y]) and finite(bits[s + QUAD_L]) and finite(bits[s + QUAD_A])):
            continue
        if not (finite(bits[s + QUAD_B]) and finite(bits[s + QUAD_C]) and finite(bits[s + EXTENT_X]) and finite(bits[s + EXTENT_Y])):
            continue
        if not tile_box(out, s, tiles_x, tiles_y, boxes, n):
            continue
        counts[n] = tile_count(out, s, boxes, n)
        depths[n] = tz
        harmonics.color(p, o, width, bases, camera, shape, out, s + RED)
        for c in range(3):
            if not finite(bits[s + RED + c]):
                counts[n] = 0
            out[s + RED + c] = max(out[s + RED + c], F(0))


def _make_pull_back(geometric):
    # Two kernels from one text: most training is without depth and normals.
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
        planes,
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
        """Gradients of the parameters from the tiles' gradient rows, for the splats that were seen; `planes` are of `planes.depth_planes`.

        With a `gradients` array of the parameters' shape they are written there. With an empty one they feed Adam at once:
        `learning` holds a learning rate for each column, `control` the numbers that descent.py names, `step` seeds the noise.
        To the rows [6] of `v_camera`, if it has any, one for each RANGE of splats, the gradient by a small motion of the world in the
        camera's axes is added: rotation about the camera in radians, then translation.
        """
        width = parameters.shape[1]
        p = parameters.reshape(-1)
        m = moments.reshape(-1)
        seen = projected.reshape(-1)
        sums = np.empty(GRADIENT, np.float32)
        powers = np.empty(8, np.float32)
        shape = np.zeros(16, np.float32)
        slope = np.zeros(16, np.float32)
        g = np.zeros(width, np.float32)
        updated = width if bases > 1 else SH
        training = len(gradients) == 0
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
            o = n * width
            s = n * PROJECTED
            tx, ty, tz, u00, u01, u02, u10, u11, u12, s0, s1, s2, xx, xy, yy = _affine(p, o, camera, powers)
            sharp = xx * yy - xy * xy
            xx += BLUR
            yy += BLUR
            inverse = F(1) / (xx * yy - xy * xy)
            ca, cb, cc = yy * inverse, -xy * inverse, xx * inverse
            vx = ca * sums[G_X] + cb * sums[G_Y]
            vy = cb * sums[G_X] + cc * sums[G_Y]
            qa, qb, qc = F(-0.5) * sums[G_XX], F(-0.5) * sums[G_XY], F(-0.5) * sums[G_YY]
            k00, k01, k10, k11 = ca * qa + cb * qb, ca * qb + cb * qc, cb * qa + cc * qb, cb * qb + cc * qc
            v00, v01, v11 = -(k00 * ca + k01 * cb), -(k00 * cb + k01 * cc), -(k10 * cb + k11 * cc)
            sigma = powers[0] / (F(1) + powers[0])
            r = camera
            fx, fy = r[FOCAL], r[FOCAL + 1]
            iz = F(1) / tz
            ux, uy, free_x, free_y = _clamped(tx * iz, ty * iz, r)
            r00, r01, r02, r10, r11, r12, r20, r21, r22 = rotation(p, o)
            q0, q1, q2 = s0 * s0, s1 * s1, s2 * s2
            if geometric:
                slope_x, slope_y = planes[n, SLOPE_X], planes[n, SLOPE_Y]
                v_ux, v_uy, v_depth, v_zx, v_zy = plane_back(slope_x, slope_y, tz, ux, uy, fx, fy, ca, cb, cc, sums)
                vx -= slope_x * sums[V_DEPTH]
                vy -= slope_y * sums[V_DEPTH]
                v00 -= v_zx * slope_x
                v01 -= F(0.5) * (v_zx * slope_y + v_zy * slope_x)
                v11 -= v_zy * slope_y
                # Covariance of pixel and depth = (U s) (z s)^T, with the depths z of the splat's axes
                z0, z1, z2 = (
                    r[6] * r00 + r[7] * r10 + r[8] * r20,
                    r[6] * r01 + r[7] * r11 + r[8] * r21,
                    r[6] * r02 + r[7] * r12 + r[8] * r22,
                )
                v_z0, v_z1, v_z2 = q0 * (v_zx * u00 + v_zy * u10), q1 * (v_zx * u01 + v_zy * u11), q2 * (v_zx * u02 + v_zy * u12)
            v_opacity = F(0)
            if seen[s + ALPHA] < MOST_ALPHA:
                v_opacity = sums[G] * (F(1) - sigma)
                if antialiased and sharp * inverse > F(1e-12):
                    half = F(0.5) * sums[G]
                    k = half / sharp
                    v00 += k * (yy - BLUR) - half * ca
                    v01 += -k * xy - half * cb
                    v11 += k * (xx - BLUR) - half * cc
            # 2D covariance = (U s) (U s)^T
            a0, a1, a2 = F(2) * (v00 * u00 + v01 * u10), F(2) * (v00 * u01 + v01 * u11), F(2) * (v00 * u02 + v01 * u12)
            b0, b1, b2 = F(2) * (v01 * u00 + v11 * u10), F(2) * (v01 * u01 + v11 * u11), F(2) * (v01 * u02 + v11 * u12)
            g[LOG_SCALE] = q0 * (a0 * u00 + b0 * u10)
            g[LOG_SCALE + 1] = q1 * (a1 * u01 + b1 * u11)
            g[LOG_SCALE + 2] = q2 * (a2 * u02 + b2 * u12)
            if geometric:
                g[LOG_SCALE] += F(2) * z0 * v_z0
                g[LOG_SCALE + 1] += F(2) * z1 * v_z1
                g[LOG_SCALE + 2] += F(2) * z2 * v_z2
                a0, a1, a2 = a0 + v_zx * z0, a1 + v_zx * z1, a2 + v_zx * z2
                b0, b1, b2 = b0 + v_zy * z0, b1 + v_zy * z1, b2 + v_zy * z2
            a0, a1, a2, b0, b1, b2 = a0 * q0, a1 * q1, a2 * q2, b0 * q0, b1 * q1, b2 * q2
            ax, ay = fx * iz, fy * iz
            j00, j01, j02 = ax * (r[0] - ux * r[6]), ax * (r[1] - ux * r[7]), ax * (r[2] - ux * r[8])
            j10, j11, j12 = ay * (r[3] - uy * r[6]), ay * (r[4] - uy * r[7]), ay * (r[5] - uy * r[8])
            m00, m01, m02 = j00 * a0 + j10 * b0, j00 * a1 + j10 * b1, j00 * a2 + j10 * b2
            m10, m11, m12 = j01 * a0 + j11 * b0, j01 * a1 + j11 * b1, j01 * a2 + j11 * b2
            m20, m21, m22 = j02 * a0 + j12 * b0, j02 * a1 + j12 * b1, j02 * a2 + j12 * b2
            if geometric:
                m00, m01, m02 = m00 + r[6] * v_z0, m01 + r[6] * v_z1, m02 + r[6] * v_z2
                m10, m11, m12 = m10 + r[7] * v_z0, m11 + r[7] * v_z1, m12 + r[7] * v_z2
                m20, m21, m22 = m20 + r[8] * v_z0, m21 + r[8] * v_z1, m22 + r[8] * v_z2
            g[QUATERNION], g[QUATERNION + 1], g[QUATERNION + 2], g[QUATERNION + 3] = rotation_back(
                p, o, m00, m01, m02, m10, m11, m12, m20, m21, m22
            )
            # v_J R_camera = v_U R_splat^T
            c0, c1, c2 = a0 * r00 + a1 * r01 + a2 * r02, a0 * r10 + a1 * r11 + a2 * r12, a0 * r20 + a1 * r21 + a2 * r22
            d0, d1, d2 = b0 * r00 + b1 * r01 + b2 * r02, b0 * r10 + b1 * r11 + b2 * r12, b0 * r20 + b1 * r21 + b2 * r22
            vj00 = c0 * r[0] + c1 * r[1] + c2 * r[2]
            vj02 = c0 * r[6] + c1 * r[7] + c2 * r[8]
            vj11 = d0 * r[3] + d1 * r[4] + d2 * r[5]
            vj12 = d0 * r[6] + d1 * r[7] + d2 * r[8]
            vux, vuy = -ax * vj02, -ay * vj12
            vtz = -iz * (ax * (vj00 - ux * vj02) + ay * (vj11 - uy * vj12))
            if geometric:
                vux += v_ux
                vuy += v_uy
                vtz += v_depth
            vtx, vty = vx * ax, vy * ay
            if free_x:
                vtx += vux * iz
            if free_y:
                vty += vuy * iz
            vtz -= iz * (vtx * tx + vty * ty)
            vm0 = r[0] * vtx + r[3] * vty + r[6] * vtz
            vm1 = r[1] * vtx + r[4] * vty + r[7] * vtz
            vm2 = r[2] * vtx + r[5] * vty + r[8] * vtz
            if len(v_camera):
                # The rotation acts on the position, and on the ellipse through J R_camera: tr(W^T [turn]x) with W = J^T v_J.
                vj01 = c0 * r[3] + c1 * r[4] + c2 * r[5]
                vj10 = d0 * r[0] + d1 * r[1] + d2 * r[2]
                w20, w21 = -ax * ux * vj00 - ay * uy * vj10, -ax * ux * vj01 - ay * uy * vj11
                v_camera[n // RANGE, 0] += ty * vtz - tz * vty + w21 - ay * vj12
                v_camera[n // RANGE, 1] += tz * vtx - tx * vtz + ax * vj02 - w20
                v_camera[n // RANGE, 2] += tx * vty - ty * vtx + ay * vj10 - ax * vj01
                if geometric:  # it turns the axes' depths, too
                    t0, t1, t2 = (
                        r00 * v_z0 + r01 * v_z1 + r02 * v_z2,
                        r10 * v_z0 + r11 * v_z1 + r12 * v_z2,
                        r20 * v_z0 + r21 * v_z1 + r22 * v_z2,
                    )
                    v_camera[n // RANGE, 0] += r[3] * t0 + r[4] * t1 + r[5] * t2
                    v_camera[n // RANGE, 1] -= r[0] * t0 + r[1] * t1 + r[2] * t2
            red = sums[V_RED] if seen[s + RED] > F(0) else F(0)
            green = sums[V_GREEN] if seen[s + GREEN] > F(0) else F(0)
            blue = sums[V_BLUE] if seen[s + BLUE] > F(0) else F(0)
            ex, ey, ez = harmonics.color_back(p, o, width, bases, camera, red, green, blue, shape, slope, g)
            vm0, vm1, vm2 = vm0 + ex, vm1 + ey, vm2 + ez
            g[MEAN], g[MEAN + 1], g[MEAN + 2] = vm0, vm1, vm2
            if len(v_camera):  # it moves as all splats would the other way
                v_camera[n // RANGE, 3] += r[0] * vm0 + r[1] * vm1 + r[2] * vm2
                v_camera[n // RANGE, 4] += r[3] * vm0 + r[4] * vm1 + r[5] * vm2
                v_camera[n // RANGE, 5] += r[6] * vm0 + r[7] * vm1 + r[8] * vm2
            g[OPACITY] = v_opacity
            stats[n, STAT_SIGNAL] += sums[SIGNAL]
            stats[n, STAT_SEEN] += F(1)
            if not training:
                for j in range(width):
                    gradients[n, j] = g[j]
                continue
            regularize(p, o, sigma, s0, s1, s2, control, g)
            adam(p, o, m, updated, g, learning, control)
            noise = control[NOISE] / (F(1) + math.exp(F(-100) * (F(0.005) - sigma)))
            if noise > control[NOISE] * F(1e-3):
                shake(p, o, n, step, noise * learning[MEAN], s0, s1, s2, r00, r01, r02, r10, r11, r12, r20, r21, r22)

    return pull_back


pull_back = _make_pull_back(False)
pull_back_geometry = _make_pull_back(True)
