"""Numba kernel that triangulates a closed loop in space; imported on first use."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def least_area(rim):
    """Triangles [N-2,3] over the vertices of a loop [N,3] with the least sum of areas, wound as the loop is."""
    n = rim.shape[0]
    best = np.zeros((n, n))
    split = np.zeros((n, n), np.int32)
    for span in range(2, n):
        for i in range(n - span):
            k = i + span
            ax, ay, az = rim[k, 0] - rim[i, 0], rim[k, 1] - rim[i, 1], rim[k, 2] - rim[i, 2]
            least, at = np.inf, i + 1
            for m in range(i + 1, k):
                bx, by, bz = rim[m, 0] - rim[i, 0], rim[m, 1] - rim[i, 1], rim[m, 2] - rim[i, 2]
                x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
                cost = best[i, m] + best[m, k] + 0.5 * np.sqrt(x * x + y * y + z * z)
                if cost < least:
                    least, at = cost, m
            best[i, k], split[i, k] = least, at
    triangles = np.empty((n - 2, 3), np.int64)
    stack = [(0, n - 1)]
    count = 0
    while len(stack) > 0:
        i, k = stack.pop()
        if k - i < 2:
            continue
        m = split[i, k]
        triangles[count, 0], triangles[count, 1], triangles[count, 2] = i, m, k
        count += 1
        stack.append((i, m))
        stack.append((m, k))
    return triangles
