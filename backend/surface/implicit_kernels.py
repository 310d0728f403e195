"""Numba kernels that evaluate implicit functions of points and splats; imported on first use."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, fastmath=True)
def hermite_values(points, centers, alpha, beta, plane, out):
    """Sum of alpha r^3 - beta . 3 r d over all centers, plus the plane [4], at points [P,3]."""
    for p in range(points.shape[0]):
        x, y, z = points[p]
        total = plane[0] + plane[1] * x + plane[2] * y + plane[3] * z
        for c in range(centers.shape[0]):
            dx, dy, dz = x - centers[c, 0], y - centers[c, 1], z - centers[c, 2]
            square = dx * dx + dy * dy + dz * dz
            r = np.sqrt(square)
            total += r * (alpha[c] * square - 3.0 * (beta[c, 0] * dx + beta[c, 1] * dy + beta[c, 2] * dz))
        out[p] = total


@njit(cache=True, nogil=True)
def count_pairs(low, high, counts):
    """Add 1 to `counts` [X,Y,Z] in every block from `low` [N,3] to `high` [N,3], both included."""
    for n in range(low.shape[0]):
        for x in range(low[n, 0], high[n, 0] + 1):
            for y in range(low[n, 1], high[n, 1] + 1):
                for z in range(low[n, 2], high[n, 2] + 1):
                    counts[x, y, z] += 1


@njit(cache=True, nogil=True)
def list_pairs(low, high, slot, ends, owners):
    """Write the boxes' numbers block by block: those of block b end at `ends[b]`, which moves to where they begin."""
    for n in range(low.shape[0]):
        for x in range(low[n, 0], high[n, 0] + 1):
            for y in range(low[n, 1], high[n, 1] + 1):
                for z in range(low[n, 2], high[n, 2] + 1):
                    b = slot[x, y, z]
                    ends[b] -= 1
                    owners[ends[b]] = n


@njit(cache=True, nogil=True, fastmath=True)
def add_gaussians(first, last, blocks, starts, owners, means, precision, opacity, out):
    """Sum of opacity exp(-d P d / 2) over each block's splats; means in voxels, precision [N,6] xx xy xz yy yz zz."""
    for b in range(first, last):
        for n in range(starts[b], starts[b + 1]):
            s = owners[n]
            xx, xy, xz, yy, yz, zz = precision[s]
            for i in range(8):
                dx = np.float32(8 * blocks[b, 0] + i - means[s, 0])
                for j in range(8):
                    dy = np.float32(8 * blocks[b, 1] + j - means[s, 1])
                    rest = xx * dx * dx + 2 * xy * dx * dy + yy * dy * dy
                    cross = 2 * (xz * dx + yz * dy)
                    for k in range(8):
                        dz = np.float32(8 * blocks[b, 2] + k - means[s, 2])
                        power = rest + dz * (cross + zz * dz)
                        if power < 12.0:
                            out[b, i, j, k] += opacity[s] * np.exp(np.float32(-0.5) * power)


@njit(cache=True, nogil=True)
def carve(points, pose, intrinsics, outside_px, whole, out):
    """Sort the signed distance from one silhouette's cone into the largest ones of each point, `out` [P,K] in descending order.

    World units, positive outside the cone; beyond the picture only where the silhouette is `whole`.
    """
    fx, fy, cx, cy = intrinsics
    height, width = outside_px.shape
    for p in range(points.shape[0]):
        x, y, z = points[p]
        depth = pose[2, 0] * x + pose[2, 1] * y + pose[2, 2] * z + pose[2, 3]
        if depth <= 1e-9:
            continue
        u = fx * (pose[0, 0] * x + pose[0, 1] * y + pose[0, 2] * z + pose[0, 3]) / depth + cx - 0.5
        v = fy * (pose[1, 0] * x + pose[1, 1] * y + pose[1, 2] * z + pose[1, 3]) / depth + cy - 0.5
        x, y = min(max(u, 0.0), width - 1.0), min(max(v, 0.0), height - 1.0)
        beside = abs(u - x) + abs(v - y)
        if beside > 0 and not whole:
            continue
        i, j = min(int(x), width - 2), min(int(y), height - 2)
        a, b = x - i, y - j
        above = (1 - a) * outside_px[j, i] + a * outside_px[j, i + 1]
        below = (1 - a) * outside_px[j + 1, i] + a * outside_px[j + 1, i + 1]
        distance = ((1 - b) * above + b * below + beside) * 2.0 * depth / (fx + fy)
        for k in range(out.shape[1]):
            if distance > out[p, k]:
                out[p, k], distance = distance, out[p, k]


@njit(cache=True, nogil=True)
def farthest_plane(points, planes, out):
    """Raise `out` [P] to the largest signed distance of points [P,3] from planes [N,4], as unit normal and offset."""
    for p in range(points.shape[0]):
        x, y, z = points[p]
        for n in range(planes.shape[0]):
            distance = planes[n, 0] * x + planes[n, 1] * y + planes[n, 2] * z + planes[n, 3]
            if distance > out[p]:
                out[p] = distance
