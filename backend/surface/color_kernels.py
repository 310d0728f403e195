"""Numba kernels that look vertices up in pictures; imported on first use."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def gather(vertices, normals, pose, intrinsics, depth, weight, rgb, tolerance, reach, total, total_weight, against):
    """Add one picture's colors at the vertices [V,3] that it sees from in front, weighted, to `total` [V,3] and `total_weight` [V].

    `against` [V] gets the weight where the picture sees through a vertex, or something up to `reach` before it.
    """
    fx, fy, cx, cy = intrinsics
    height, width = depth.shape
    for n in range(vertices.shape[0]):
        x, y, z = vertices[n]
        px = pose[0, 0] * x + pose[0, 1] * y + pose[0, 2] * z + pose[0, 3]
        py = pose[1, 0] * x + pose[1, 1] * y + pose[1, 2] * z + pose[1, 3]
        pz = pose[2, 0] * x + pose[2, 1] * y + pose[2, 2] * z + pose[2, 3]
        if pz <= 1e-9:
            continue
        i, j = int(np.floor(fx * px / pz + cx)), int(np.floor(fy * py / pz + cy))
        if i < 0 or j < 0 or i >= width or j >= height or weight[j, i] == 0:
            continue
        nx, ny, nz = normals[n]
        facing = 0.0
        for k in range(3):
            facing -= (pose[k, 0] * nx + pose[k, 1] * ny + pose[k, 2] * nz) * (px if k == 0 else (py if k == 1 else pz))
        if facing <= 0.0:
            continue
        w = np.float32(weight[j, i]) * np.float32(weight[j, i])
        behind = pz - depth[j, i]
        if abs(behind) <= tolerance:
            for c in range(3):
                total[n, c] += w * rgb[j, i, c]
            total_weight[n] += w
        elif behind < reach:
            against[n] += w


@njit(cache=True, nogil=True)
def look(vertices, normals, pose, intrinsics, depth, weight, tolerance, reach, front, asked, looked):
    """Add one picture's weight to `asked` [V] where no other vertex hides one of [V,3], and to `looked` [V] unless it sees through it.

    It does where it sees farther than `reach` behind it. `front` [H/s,W/s] is infinite, and gets the depth of the first vertex in
    each square of s pixels.
    """
    fx, fy, cx, cy = intrinsics
    height, width = depth.shape
    coarser = -(-height // front.shape[0])
    for seen in range(2):
        for n in range(vertices.shape[0]):
            x, y, z = vertices[n]
            px = pose[0, 0] * x + pose[0, 1] * y + pose[0, 2] * z + pose[0, 3]
            py = pose[1, 0] * x + pose[1, 1] * y + pose[1, 2] * z + pose[1, 3]
            pz = pose[2, 0] * x + pose[2, 1] * y + pose[2, 2] * z + pose[2, 3]
            if pz <= 1e-9:
                continue
            i, j = int(np.floor(fx * px / pz + cx)), int(np.floor(fy * py / pz + cy))
            if i < 0 or j < 0 or i >= width or j >= height:
                continue
            if seen == 0:
                front[j // coarser, i // coarser] = min(front[j // coarser, i // coarser], pz)
                continue
            if weight[j, i] == 0 or pz > front[j // coarser, i // coarser] + tolerance:
                continue
            nx, ny, nz = normals[n]
            facing = px * (pose[0, 0] * nx + pose[0, 1] * ny + pose[0, 2] * nz)
            facing += py * (pose[1, 0] * nx + pose[1, 1] * ny + pose[1, 2] * nz)
            facing += pz * (pose[2, 0] * nx + pose[2, 1] * ny + pose[2, 2] * nz)
            if facing >= 0.0:
                continue
            asked[n] += weight[j, i]
            if depth[j, i] < pz + reach:
                looked[n] += weight[j, i]
