"""Numba kernel that looks vertices up in pictures; imported on first use."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def gather(vertices, pose, intrinsics, depth, weight, rgb, tolerance, total, total_weight):
    """Add one picture's colours at the vertices [V,3] that it sees, weighted, to `total` [V,3] and `total_weight` [V]."""
    fx, fy, cx, cy = intrinsics
    height, width = depth.shape
    for n in range(vertices.shape[0]):
        x, y, z = vertices[n]
        pz = pose[2, 0] * x + pose[2, 1] * y + pose[2, 2] * z + pose[2, 3]
        if pz <= 1e-9:
            continue
        u = fx * (pose[0, 0] * x + pose[0, 1] * y + pose[0, 2] * z + pose[0, 3]) / pz + cx
        v = fy * (pose[1, 0] * x + pose[1, 1] * y + pose[1, 2] * z + pose[1, 3]) / pz + cy
        i, j = int(np.floor(u)), int(np.floor(v))
        if i < 0 or j < 0 or i >= width or j >= height or weight[j, i] == 0 or abs(depth[j, i] - pz) > tolerance:
            continue
        w = np.float32(weight[j, i]) * np.float32(weight[j, i])
        for c in range(3):
            total[n, c] += w * rgb[j, i, c]
        total_weight[n] += w
