"""Numba kernels that list the crossed cells of a sparse grid, and its gradients; imported on first use."""

from __future__ import annotations

import numpy as np
from numba import njit

from .marching_kernels import _neighbors, _pattern


@njit(cache=True, nogil=True)
def emit_cells(first, last, blocks, slot, distance, weight, starts, pattern, corners):
    """Write the patterns [M] of crossed cells and the keys [M,8] of their corners."""
    around = np.empty(8, np.int64)
    for b in range(first, last):
        _neighbors(b, blocks, slot, around)
        n = starts[b]
        for i in range(8):
            for j in range(8):
                for k in range(8):
                    bits = _pattern(i, j, k, around, distance, weight)
                    if bits <= 0 or bits == 255:
                        continue
                    pattern[n] = bits
                    for corner in range(8):
                        x, y, z = i + (corner & 1), j + (corner >> 1 & 1), k + (corner >> 2 & 1)
                        s = around[(x >> 3) | (y >> 3) << 1 | (z >> 3) << 2]
                        corners[n, corner] = s * 512 + ((x & 7) * 8 + (y & 7)) * 8 + (z & 7)
                    n += 1


@njit(cache=True, nogil=True)
def slopes(keys, blocks, slot, distance, weight, out):
    """Gradients [N,3] at corners, in units of the distance per voxel: central differences, one-sided where one neighbor is unknown."""
    for n in range(keys.shape[0]):
        b, local = keys[n] // 512, keys[n] % 512
        here = distance[b, local // 64, local // 8 % 8, local % 8]
        for axis in range(3):
            difference, span = np.float32(0), 0
            for step in (-1, 1):
                x = 8 * blocks[b, 0] + local // 64 + (step if axis == 0 else 0)
                y = 8 * blocks[b, 1] + local // 8 % 8 + (step if axis == 1 else 0)
                z = 8 * blocks[b, 2] + local % 8 + (step if axis == 2 else 0)
                if x < 0 or y < 0 or z < 0 or x >= 8 * slot.shape[0] or y >= 8 * slot.shape[1] or z >= 8 * slot.shape[2]:
                    continue
                s = slot[x // 8, y // 8, z // 8]
                if s >= 0 and weight[s, x % 8, y % 8, z % 8] > 0:
                    difference += step * (distance[s, x % 8, y % 8, z % 8] - here)
                    span += 1
            out[n, axis] = difference / span if span else 0.0
