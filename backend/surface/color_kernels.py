"""Numba kernels that project vertices into renderings; imported on first use."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def gather(vertices, normals, pose, intrinsics, depth, weight, rgb, tolerance, reach, total, total_weight, against):
    """Add one rendering's weighted colors of the vertices [V,3] that it sees to `total` [V,3], its weight to `total_weight` [V].

    `against` [V] gets the weight where the depth is behind a vertex, or up to `reach` before it.
    """
    fx, fy, cx, cy = intrinsics
    height, width = depth.shape
    for n in range(vertices.shape[0]):
        px, py, pz = _in_camera(pose, vertices[n])
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
def support(vertices, normals, pose, intrinsics, depth, weight, tolerance, reach, front, free, confirmed):
    """Add one rendering's weight to `free` [V] where no other vertex occludes a vertex [V,3], and to `confirmed` [V] where its depth does.

    A depth more than `reach` behind a vertex doesn't confirm it. `front` [H/s,W/s], infinite at first, is the z-buffer of the
    vertices in squares of s pixels.
    """
    fx, fy, cx, cy = intrinsics
    height, width = depth.shape
    coarser = -(-height // front.shape[0])
    for occlusion in range(2):  # fill the z-buffer, then compare with it
        for n in range(vertices.shape[0]):
            px, py, pz = _in_camera(pose, vertices[n])
            if pz <= 1e-9:
                continue
            i, j = int(np.floor(fx * px / pz + cx)), int(np.floor(fy * py / pz + cy))
            if i < 0 or j < 0 or i >= width or j >= height:
                continue
            if occlusion == 0:
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
            free[n] += weight[j, i]
            if depth[j, i] < pz + reach:
                confirmed[n] += weight[j, i]


@njit(cache=True, nogil=True)
def _in_camera(pose, point):
    """A point of the world in a camera's axes."""
    x, y, z = point
    return (
        pose[0, 0] * x + pose[0, 1] * y + pose[0, 2] * z + pose[0, 3],
        pose[1, 0] * x + pose[1, 1] * y + pose[1, 2] * z + pose[1, 3],
        pose[2, 0] * x + pose[2, 1] * y + pose[2, 2] * z + pose[2, 3],
    )
