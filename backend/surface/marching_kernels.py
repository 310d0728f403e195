"""Numba kernels of marching cubes over sparse blocks; imported on first use."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _neighbors(b, blocks, slot, around):
    for n in range(8):
        x, y, z = blocks[b, 0] + (n & 1), blocks[b, 1] + (n >> 1 & 1), blocks[b, 2] + (n >> 2 & 1)
        around[n] = slot[x, y, z] if x < slot.shape[0] and y < slot.shape[1] and z < slot.shape[2] else -1


@njit(cache=True, nogil=True)
def _pattern(i, j, k, around, distance, weight):
    """Bit k is set where corner k of the cell is inside; -1 where a corner is unknown."""
    bits = 0
    for corner in range(8):
        x, y, z = i + (corner & 1), j + (corner >> 1 & 1), k + (corner >> 2 & 1)
        s = around[(x >> 3) | (y >> 3) << 1 | (z >> 3) << 2]
        if s < 0 or weight[s, x & 7, y & 7, z & 7] <= 0:
            return -1
        if distance[s, x & 7, y & 7, z & 7] < 0:
            bits |= 1 << corner
    return bits


@njit(cache=True, nogil=True)
def count_by_pattern(first, last, blocks, slot, distance, weight, counts, made):
    """Sum over the cells of blocks `first` to `last` of `counts` [256], which has a number for each pattern of a cell."""
    around = np.empty(8, np.int64)
    for b in range(first, last):
        _neighbors(b, blocks, slot, around)
        n = 0
        for i in range(8):
            for j in range(8):
                for k in range(8):
                    bits = _pattern(i, j, k, around, distance, weight)
                    if bits > 0:
                        n += counts[bits]
        made[b] = n


@njit(cache=True, nogil=True)
def emit_triangles(first, last, blocks, slot, distance, weight, counts, table, edge_corner, edge_axis, starts, keys):
    """Triangles as keys of the grid edges that their corners lie on: ((block * 512 + voxel) * 3 + axis)."""
    around = np.empty(8, np.int64)
    for b in range(first, last):
        _neighbors(b, blocks, slot, around)
        n = starts[b]
        for i in range(8):
            for j in range(8):
                for k in range(8):
                    bits = _pattern(i, j, k, around, distance, weight)
                    if bits <= 0:
                        continue
                    for t in range(counts[bits]):
                        for c in range(3):
                            e = table[bits, t, c]
                            corner = edge_corner[e]
                            x, y, z = i + (corner & 1), j + (corner >> 1 & 1), k + (corner >> 2 & 1)
                            s = around[(x >> 3) | (y >> 3) << 1 | (z >> 3) << 2]
                            keys[n, c] = (s * 512 + ((x & 7) * 8 + (y & 7)) * 8 + (z & 7)) * 3 + edge_axis[e]
                        n += 1


@njit(cache=True, nogil=True)
def place_vertices(edges, blocks, slot, distance, vertices):
    """Positions [V,3] in voxels of the zero along each edge, kept off the ends, where triangles would degenerate."""
    for v in range(edges.shape[0]):
        axis = edges[v] % 3
        voxel = edges[v] // 3 % 512
        b = edges[v] // 1536
        x, y, z = voxel // 64, voxel // 8 % 8, voxel % 8
        x2, y2, z2 = x + (axis == 0), y + (axis == 1), z + (axis == 2)
        s = slot[blocks[b, 0] + x2 // 8, blocks[b, 1] + y2 // 8, blocks[b, 2] + z2 // 8]
        d0, d1 = distance[b, x, y, z], distance[s, x2 % 8, y2 % 8, z2 % 8]
        t = min(max(d0 / (d0 - d1), 0.01), 0.99)
        vertices[v, 0] = 8 * blocks[b, 0] + x + (t if axis == 0 else 0.0)
        vertices[v, 1] = 8 * blocks[b, 1] + y + (t if axis == 1 else 0.0)
        vertices[v, 2] = 8 * blocks[b, 2] + z + (t if axis == 2 else 0.0)
