"""Numba kernels of the Poisson solver on sparse blocks; imported on first use. Values are flat, [512 B]."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def key_at(x, y, z, slot):
    """Index of the sample at lattice position (x, y, z), -1 where there is none."""
    if x < 0 or y < 0 or z < 0 or x >= 8 * slot.shape[0] or y >= 8 * slot.shape[1] or z >= 8 * slot.shape[2]:
        return np.int64(-1)
    s = slot[x >> 3, y >> 3, z >> 3]
    return np.int64(-1) if s < 0 else np.int64(s) * 512 + ((x & 7) * 8 + (y & 7)) * 8 + (z & 7)


@njit(cache=True, nogil=True)
def weights_at(places, slot, keys, weights):
    """Indices [P,8] of the samples around each position [P,3] in voxels, and their trilinear weights; 0 where one is missing."""
    for p in range(places.shape[0]):
        x, y, z = int(np.floor(places[p, 0])), int(np.floor(places[p, 1])), int(np.floor(places[p, 2]))
        a, b, c = places[p, 0] - x, places[p, 1] - y, places[p, 2] - z
        for n in range(8):
            i, j, k = n & 1, n >> 1 & 1, n >> 2 & 1
            key = key_at(x + i, y + j, z + k, slot)
            weights[p, n] = 0.0 if key < 0 else (a if i else 1 - a) * (b if j else 1 - b) * (c if k else 1 - c)
            keys[p, n] = max(key, 0)


@njit(cache=True, nogil=True)
def splat_divergence(places, normals, areas, reach, slot, out):
    """Subtract the divergence of the normals' field; each normal is splatted with a tent of half width `reach` [P] voxels."""
    for p in range(places.shape[0]):
        r = reach[p]
        for axis in range(3):
            # The component along an axis lies on the lattice's edges, half a voxel further on.
            u = places[p, 0] - (0.5 if axis == 0 else 0.0)
            v = places[p, 1] - (0.5 if axis == 1 else 0.0)
            w = places[p, 2] - (0.5 if axis == 2 else 0.0)
            total = 0.0
            for sweep in range(2):  # sum the weights, then write
                for x in range(int(np.ceil(u - r)), int(np.floor(u + r)) + 1):
                    wx = r - abs(x - u)
                    for y in range(int(np.ceil(v - r)), int(np.floor(v + r)) + 1):
                        wy = r - abs(y - v)
                        for z in range(int(np.ceil(w - r)), int(np.floor(w + r)) + 1):
                            weight = wx * wy * (r - abs(z - w))
                            if sweep == 0:
                                total += weight
                                continue
                            share = normals[p, axis] * areas[p] * weight / total
                            here = key_at(x, y, z, slot)
                            there = key_at(x + (axis == 0), y + (axis == 1), z + (axis == 2), slot)
                            if here >= 0:
                                out[here] -= share
                            if there >= 0:
                                out[there] += share


@njit(cache=True, nogil=True)
def neighbors(blocks, slot, out):
    """Numbers [B,6] of the blocks beside each block, low then high along x, y, z; -1 for none."""
    for b in range(blocks.shape[0]):
        for side in range(6):
            x, y, z = blocks[b, 0], blocks[b, 1], blocks[b, 2]
            step = 2 * (side & 1) - 1
            x, y, z = x + (step if side < 2 else 0), y + (step if 2 <= side < 4 else 0), z + (step if side >= 4 else 0)
            inside = 0 <= x < slot.shape[0] and 0 <= y < slot.shape[1] and 0 <= z < slot.shape[2]
            out[b, side] = slot[x, y, z] if inside else -1


@njit(cache=True, nogil=True)
def laplace(first, last, around, values, out):
    """Write 6 times the value less the six beside it, for blocks `first` to `last`; 0 where one is missing."""
    for b in range(first, last):
        for i in range(8):
            for j in range(8):
                for k in range(8):
                    n = b * 512 + i * 64 + j * 8 + k
                    total, whole = np.float32(0), True
                    for side in range(6):
                        axis, step = side >> 1, 2 * (side & 1) - 1
                        at = i if axis == 0 else (j if axis == 1 else k)
                        stride = 64 if axis == 0 else (8 if axis == 1 else 1)
                        if 0 <= at + step < 8:
                            total += values[n + step * stride]
                        elif around[b, side] >= 0:
                            total += values[around[b, side] * 512 + (n - b * 512) - 7 * step * stride]
                        else:
                            whole = False
                    out[n] = np.float32(6) * values[n] - total if whole else np.float32(0)


@njit(cache=True, nogil=True)
def screen(keys, weights, strength, values, out):
    """Add strength [P] times the value at each point, spread back to the places around it."""
    for p in range(keys.shape[0]):
        value = np.float32(0)
        for n in range(8):
            value += weights[p, n] * values[keys[p, n]]
        value *= strength[p]
        for n in range(8):
            out[keys[p, n]] += weights[p, n] * value


@njit(cache=True, nogil=True)
def prolong(first, last, blocks, coarse, coarse_slot, base, ratio, out):
    """Values between those of the next coarser level, or of the dense `base` [X,Y,Z], `ratio` times coarser, where that has none."""
    for b in range(first, last):
        for i in range(8):
            for j in range(8):
                for k in range(8):
                    x, y, z = 8 * blocks[b, 0] + i, 8 * blocks[b, 1] + j, 8 * blocks[b, 2] + k
                    total, whole = np.float32(0), True
                    for n in range(8):
                        key = key_at((x + (n & 1)) >> 1, (y + (n >> 1 & 1)) >> 1, (z + (n >> 2 & 1)) >> 1, coarse_slot)
                        if key < 0:
                            whole = False
                            break
                        total += coarse[key]
                    if whole:
                        out[b * 512 + i * 64 + j * 8 + k] = total / np.float32(8)
                        continue
                    u, v, w = x / ratio, y / ratio, z / ratio
                    xi, yi, zi = min(int(u), base.shape[0] - 2), min(int(v), base.shape[1] - 2), min(int(w), base.shape[2] - 2)
                    a, c, d = min(u - xi, 1.0), min(v - yi, 1.0), min(w - zi, 1.0)
                    value = 0.0
                    for n in range(8):
                        p, q, r = n & 1, n >> 1 & 1, n >> 2 & 1
                        value += (a if p else 1 - a) * (c if q else 1 - c) * (d if r else 1 - d) * base[xi + p, yi + q, zi + r]
                    out[b * 512 + i * 64 + j * 8 + k] = value
