"""Losses on depth and normals as they are blended: distortion and normal consistency (Huang et al. 2024, section 4.2), with gradients.

With weights w, depths z and normals n of the splats at a pixel, A the sum of the weights, and N the normal of the surface that the mean
depths of neighboring pixels describe:

    distortion = sum over pairs of w_i w_j (z_i - z_j)^2 = A sum(w z^2) - (sum(w z))^2
    normal consistency = sum of w_i (1 - n_i.N) = A - N.sum(w n)

Both are linear in sums that blending gathers, but for N, whose gradient goes to the mean depths of four neighbors.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ..columns import FOCAL, PRINCIPAL
from .intermediates import DEPTHS, MARGIN, NORMALS, SQUARES

F = np.float32
LEAST_ALPHA = F(0.5)  # below it, a mean depth is as good as none
LEAST_FACING = F(0.1)  # cosine between surface and ray: where depth jumps there is no surface


@njit(nogil=True, fastmath=True, cache=True)
def compare(
    first,
    last,
    width,
    height,
    geometry,
    transmittance,
    known,
    camera,
    middle,
    distortion_weight,
    normal_weight,
    v_geometry,
    v_alpha,
    bends,
    sums,
):
    """Gradients of both losses but that by N, of rows first to last; into `bends` [6,H,W] those by the differences that N is made of.

    `known` [H,W] is 128 or more where pixels count, or empty. `v_alpha` (a plane with margins) is added to. `sums` [2,H] gets the
    weighted losses of each row.
    """
    stride = width + 2 * MARGIN
    fx, fy, cx, cy = camera[FOCAL], camera[FOCAL + 1], camera[PRINCIPAL], camera[PRINCIPAL + 1]
    for row in range(first, last):
        distortion, consistency = 0.0, 0.0
        y = (F(row) + F(0.5) - cy) / fy
        for column in range(width):
            at = (row + MARGIN) * stride + column + MARGIN
            for c in range(6):
                bends[c, row, column] = F(0)
            for c in range(5):
                v_geometry[c, row, column] = F(0)
            if len(known) and known[row, column] < 128:
                continue
            alpha = F(1) - transmittance[at]
            depths, squares = geometry[DEPTHS, row, column], geometry[SQUARES, row, column]
            distortion += alpha * squares - depths * depths
            v_geometry[DEPTHS, row, column] = F(-2) * distortion_weight * depths
            v_geometry[SQUARES, row, column] = distortion_weight * alpha
            v_alpha[at] += distortion_weight * squares
            if row == 0 or row == height - 1 or column == 0 or column == width - 1:
                continue
            right, left = F(1) - transmittance[at + 1], F(1) - transmittance[at - 1]
            below, above = F(1) - transmittance[at + stride], F(1) - transmittance[at - stride]
            if not min(min(alpha, min(right, left)), min(below, above)) > LEAST_ALPHA:
                continue
            right, left = middle + geometry[DEPTHS, row, column + 1] / right, middle + geometry[DEPTHS, row, column - 1] / left
            below, above = middle + geometry[DEPTHS, row + 1, column] / below, middle + geometry[DEPTHS, row - 1, column] / above
            x = (F(column) + F(0.5) - cx) / fx
            ax, ay, az = x * (right - left) + (right + left) / fx, y * (right - left), right - left
            bx, by, bz = x * (below - above), y * (below - above) + (below + above) / fy, below - above
            nx, ny, nz = az * by - ay * bz, ax * bz - az * bx, ay * bx - ax * by  # towards the camera
            k = F(1) / math.sqrt(nx * nx + ny * ny + nz * nz + F(1e-30))
            nx, ny, nz = k * nx, k * ny, k * nz
            if -(nx * x + ny * y + nz) < LEAST_FACING * math.sqrt(x * x + y * y + F(1)):
                continue
            sx, sy, sz = geometry[NORMALS, row, column], geometry[NORMALS + 1, row, column], geometry[NORMALS + 2, row, column]
            agreement = nx * sx + ny * sy + nz * sz
            consistency += alpha - agreement
            v_alpha[at] += normal_weight
            v_geometry[NORMALS, row, column] = -normal_weight * nx
            v_geometry[NORMALS + 1, row, column] = -normal_weight * ny
            v_geometry[NORMALS + 2, row, column] = -normal_weight * nz
            k *= normal_weight
            vx, vy, vz = k * (sx - nx * agreement), k * (sy - ny * agreement), k * (sz - nz * agreement)
            bends[0, row, column], bends[1, row, column], bends[2, row, column] = by * vz - bz * vy, bz * vx - bx * vz, bx * vy - by * vx
            bends[3, row, column], bends[4, row, column], bends[5, row, column] = vy * az - vz * ay, vz * ax - vx * az, vx * ay - vy * ax
        sums[0, row], sums[1, row] = distortion_weight * distortion, normal_weight * consistency


@njit(nogil=True, fastmath=True, cache=True)
def compare_back(first, last, width, height, geometry, transmittance, camera, bends, v_geometry, v_alpha):
    """Add to the gradients what comes by N from the differences in `bends`."""
    stride = width + 2 * MARGIN
    fx, fy, cx, cy = camera[FOCAL], camera[FOCAL + 1], camera[PRINCIPAL], camera[PRINCIPAL + 1]
    for row in range(first, last):
        y = (F(row) + F(0.5) - cy) / fy
        for column in range(width):
            at = (row + MARGIN) * stride + column + MARGIN
            alpha = F(1) - transmittance[at]
            if not alpha > LEAST_ALPHA:
                continue
            vx, vy, vz = F(0), F(0), F(0)
            if column > 0:
                vx, vy, vz = vx + bends[0, row, column - 1], vy + bends[1, row, column - 1], vz + bends[2, row, column - 1]
            if column < width - 1:
                vx, vy, vz = vx - bends[0, row, column + 1], vy - bends[1, row, column + 1], vz - bends[2, row, column + 1]
            if row > 0:
                vx, vy, vz = vx + bends[3, row - 1, column], vy + bends[4, row - 1, column], vz + bends[5, row - 1, column]
            if row < height - 1:
                vx, vy, vz = vx - bends[3, row + 1, column], vy - bends[4, row + 1, column], vz - bends[5, row + 1, column]
            x = (F(column) + F(0.5) - cx) / fx
            v_depths = (x * vx + y * vy + vz) / alpha
            v_geometry[DEPTHS, row, column] += v_depths
            v_alpha[at] -= v_depths * geometry[DEPTHS, row, column] / alpha
