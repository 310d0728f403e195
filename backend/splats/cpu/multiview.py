"""Losses between neighboring views (Chen et al., "PGSR", 2024, section 3.3), with gradients to depth and normals as they are blended.

The mean depth D and the blended normal M of a pixel with ray r are a plane; of any ray q of the same camera it gives the inverse depth
tau(q) = M.q / (D M.r), and so, by the motion (R, t) between the cameras, the place y(q) = R q + tau(q) t in the neighbor. With D' what
the neighbor saw as depth at y(r), p' where the point at that depth is seen from here, and p the pixel:

    geometric = w |p' - p|,   photometric = w (1 - NCC of the gray patch around p with the neighbor's at y(q)),   w = exp(-|p' - p|)

The weight w is a constant for gradients, and zero from `MOST_AWAY` pixels on: there something else hides the place.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from ..columns import FOCAL, PRINCIPAL, ROTATION, TRANSLATION
from .geometry import LEAST_ALPHA, LEAST_FACING
from .intermediates import DEPTHS, MARGIN, NORMALS

Array = Any
F = np.float32
HALF = 3  # of a patch of 7x7 pixels, without its middle
PATCH = (2 * HALF + 1) ** 2
MOST_AWAY = F(1.5)  # pixels
NOISE = F(PATCH * (2 / 255) ** 2)  # added to the variances, so that patches without contrast have no say
UNKNOWN = F(-1)
PIXELS = 32768  # compared in a step, at most about


def relative_motion(camera: Array, other: Array) -> Array:
    """Rotation by rows and translation [12] float32 from the axes of a camera, see layout.py, to those of another."""
    (own_turn, own_move), (turn, move) = (
        (row[ROTATION:TRANSLATION].reshape(3, 3).astype(np.float64), row[TRANSLATION : TRANSLATION + 3].astype(np.float64))
        for row in (camera, other)
    )
    between = turn @ own_turn.T
    return np.concatenate([between.ravel(), move - between @ own_move]).astype(np.float32)


@njit(nogil=True, fastmath=True, cache=True)
def to_gray(first, last, rgb, alpha, weight, gray):
    """Luma [H,W] in 0..1 of a photo [H,W,3] uint8; UNKNOWN where `alpha` or `weight` (each [H,W] uint8 or empty) is below 128."""
    for row in range(first, last):
        for x in range(gray.shape[1]):
            known = (len(alpha) == 0 or alpha[row, x] >= 128) and (len(weight) == 0 or weight[row, x] >= 128)
            luma = F(0.299 / 255) * F(rgb[row, x, 0]) + F(0.587 / 255) * F(rgb[row, x, 1]) + F(0.114 / 255) * F(rgb[row, x, 2])
            gray[row, x] = luma if known else UNKNOWN


@njit(nogil=True, fastmath=True, cache=True)
def compare(
    first,
    last,
    spacing,
    offset_x,
    offset_y,
    geometry,
    transmittance,
    middle,
    camera,
    gray,
    relative,
    other_camera,
    other_gray,
    other_depth,
    photo_weight,
    depth_weight,
    v_geometry,
    v_alpha,
    sums,
):
    """Add to the gradients those of both losses at every `spacing`-th pixel of every `spacing`-th row, of these rows first to last.

    `relative` [12] is the motion (R by rows, t) from this camera's axes to the neighbor's, `other_depth` [H',W'] is 0 where nothing is.
    `sums` [2, rows] gets the weighted losses, photometric and geometric.
    """
    height, width = gray.shape
    stride = width + 2 * MARGIN
    fx, fy, cx, cy = camera[FOCAL], camera[FOCAL + 1], camera[PRINCIPAL], camera[PRINCIPAL + 1]
    gx, gy, ox, oy = other_camera[FOCAL], other_camera[FOCAL + 1], other_camera[PRINCIPAL], other_camera[PRINCIPAL + 1]
    r00, r01, r02, r10, r11, r12 = relative[0], relative[1], relative[2], relative[3], relative[4], relative[5]
    r20, r21, r22, tx, ty, tz = relative[6], relative[7], relative[8], relative[9], relative[10], relative[11]
    # The neighbor's center in this camera's axes.
    ex, ey, ez = -(r00 * tx + r10 * ty + r20 * tz), -(r01 * tx + r11 * ty + r21 * tz), -(r02 * tx + r12 * ty + r22 * tz)
    here, there, slopes = np.empty(PATCH, np.float32), np.empty(PATCH, np.float32), np.empty(PATCH, np.float32)
    for line in range(first, last):
        row = line * spacing + offset_y
        photometric, geometric = 0.0, 0.0
        y = (F(row) + F(0.5) - cy) / fy
        for column in range(HALF + offset_x, width - HALF, spacing):
            if row < HALF or row >= height - HALF:
                break
            at = (row + MARGIN) * stride + column + MARGIN
            alpha = F(1) - transmittance[at]
            if not alpha > LEAST_ALPHA:
                continue
            x = (F(column) + F(0.5) - cx) / fx
            depth = middle + geometry[DEPTHS, row, column] / alpha
            mx, my, mz = geometry[NORMALS, row, column], geometry[NORMALS + 1, row, column], geometry[NORMALS + 2, row, column]
            facing = mx * x + my * y + mz
            # Both cameras must see the plane from its front.
            wx, wy, wz = depth * x - ex, depth * y - ey, depth - ez
            limit = -LEAST_FACING * math.sqrt(mx * mx + my * my + mz * mz)
            if not (facing < limit * math.sqrt(x * x + y * y + F(1)) and depth > F(0)):
                continue
            if not mx * wx + my * wy + mz * wz < limit * math.sqrt(wx * wx + wy * wy + wz * wz):
                continue

            # Where the neighbor sees the point, and what there is at its depth.
            bx, by, bz = r00 * x + r01 * y + r02, r10 * x + r11 * y + r12, r20 * x + r21 * y + r22
            px, py, pz = bx * depth + tx, by * depth + ty, bz * depth + tz
            if not pz > F(1e-6):
                continue
            u, v = px / pz, py / pz
            far, far_x, far_y = bilinear(other_depth, gx * u + ox, gy * v + oy, F(1e-6))
            # Where depth jumps there is no surface.
            if not (far > F(0) and max(abs(far_x) * gx, abs(far_y) * gy) * LEAST_FACING < far):
                continue
            kx, ky = (bx - u * bz) / pz, (by - v * bz) / pz  # how (u, v) moves with depth
            slope = far_x * gx * kx + far_y * gy * ky
            qx, qy, qz = far * u - tx, far * v - ty, far - tz
            sx, sy = slope * u + far * kx, slope * v + far * ky
            backx, backy, backz = r00 * qx + r10 * qy + r20 * qz, r01 * qx + r11 * qy + r21 * qz, r02 * qx + r12 * qy + r22 * qz
            if not backz > F(1e-6):
                continue
            dbx, dby, dbz = r00 * sx + r10 * sy + r20 * slope, r01 * sx + r11 * sy + r21 * slope, r02 * sx + r12 * sy + r22 * slope
            awayx, awayy = fx * (backx / backz - x), fy * (backy / backz - y)
            away = math.sqrt(awayx * awayx + awayy * awayy)
            if not away < MOST_AWAY:
                continue
            share = math.exp(-away)
            geometric += share * away
            moving = awayx * fx * (dbx - dbz * backx / backz) + awayy * fy * (dby - dbz * backy / backz)
            v_depth = depth_weight * share * moving / (backz * max(away, F(1e-6)))

            # The patch around the pixel, and what the neighbor shows at its places on the plane.
            base, scale = gray[row, column], F(1) / (depth * facing)
            mean_here, mean_there = F(0), F(0)
            k, known = 0, True
            for dy in range(-HALF, HALF + 1):
                for dx in range(-HALF, HALF + 1):
                    own = gray[row + dy, column + dx]
                    jx, jy = F(dx) / fx, F(dy) / fy
                    tau = (facing + mx * jx + my * jy) * scale
                    ax, ay = bx + r00 * jx + r01 * jy + tau * tx, by + r10 * jx + r11 * jy + tau * ty
                    az = bz + r20 * jx + r21 * jy + tau * tz
                    if own < F(0) or not az > F(1e-6):
                        known = False
                        break
                    u, v = ax / az, ay / az
                    value, value_x, value_y = bilinear(other_gray, gx * u + ox, gy * v + oy, F(0))
                    if value < F(0):
                        known = False
                        break
                    here[k], there[k] = own - base, value - base
                    slopes[k] = (value_x * gx * (tx - u * tz) + value_y * gy * (ty - v * tz)) / az
                    mean_here += here[k]
                    mean_there += there[k]
                    k += 1
                if not known:
                    break
            vx, vy, vz = F(0), F(0), F(0)
            if known:
                mean_here /= F(PATCH)
                mean_there /= F(PATCH)
                own_square, other_square, product = NOISE, NOISE, F(0)
                for k in range(PATCH):
                    a, b = here[k] - mean_here, there[k] - mean_there
                    own_square += a * a
                    other_square += b * b
                    product += a * b
                inverse = F(1) / math.sqrt(own_square * other_square)
                alike = product * inverse
                photometric += share * (F(1) - alike)
                total, along, along_x, along_y = F(0), F(0), F(0), F(0)  # sums of the gradient by tau, times tau, times the ray less r
                k = 0
                for dy in range(-HALF, HALF + 1):
                    for dx in range(-HALF, HALF + 1):
                        a, b = here[k] - mean_here, there[k] - mean_there
                        g = (alike * b / other_square - a * inverse) * slopes[k]
                        jx, jy = F(dx) / fx, F(dy) / fy
                        along += g * (facing + mx * jx + my * jy) * scale
                        along_x += g * jx
                        along_y += g * jy
                        total += g
                        k += 1
                strength = photo_weight * share
                v_depth -= strength * along / depth
                vx = strength * scale * (along_x + (total - along * depth) * x)
                vy = strength * scale * (along_y + (total - along * depth) * y)
                vz = strength * scale * (total - along * depth)
            v_depths = v_depth / alpha
            v_geometry[DEPTHS, row, column] += v_depths
            v_alpha[at] -= v_depths * geometry[DEPTHS, row, column] / alpha
            v_geometry[NORMALS, row, column] += vx
            v_geometry[NORMALS + 1, row, column] += vy
            v_geometry[NORMALS + 2, row, column] += vz
        sums[0, line], sums[1, line] = photo_weight * photometric, depth_weight * geometric


@njit(nogil=True, fastmath=True, inline="always")
def bilinear(plane, x, y, least):
    """Value and slopes of `plane` [H,W] at a place in pixels; the value is -1 outside, or where one of the four pixels is below `least`."""
    x, y = x - F(0.5), y - F(0.5)
    if not (x >= F(0) and y >= F(0) and x < F(plane.shape[1] - 1) and y < F(plane.shape[0] - 1)):
        return UNKNOWN, F(0), F(0)
    column, row = int(x), int(y)
    x, y = x - F(column), y - F(row)
    a, b, c, d = plane[row, column], plane[row, column + 1], plane[row + 1, column], plane[row + 1, column + 1]
    if min(min(a, b), min(c, d)) < least:
        return UNKNOWN, F(0), F(0)
    top, bottom = a + x * (b - a), c + x * (d - c)
    return top + y * (bottom - top), (b - a) + y * ((d - c) - (b - a)), bottom - top
