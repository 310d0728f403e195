"""Numba kernel that bakes normals; imported on first use."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def bake(face, barycentric, vertices, faces, normals, tangents, side, points, facing, starts, low, cell, reach, out):
    """Tangent-space normals [T,3] uint8 of texels from the normals of `points` [V,3], sorted by cell, within `reach`."""
    n, t, b, p, sums = np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3)
    first, last = np.empty(3, np.int64), np.empty(3, np.int64)
    for k in range(face.shape[0]):
        f = face[k]
        b1, b2 = barycentric[k, 0], barycentric[k, 1]
        b0 = 1.0 - b1 - b2
        for c in range(3):
            p[c] = b0 * vertices[faces[f, 0], c] + b1 * vertices[faces[f, 1], c] + b2 * vertices[faces[f, 2], c]
            n[c] = b0 * normals[faces[f, 0], c] + b1 * normals[faces[f, 1], c] + b2 * normals[faces[f, 2], c]
            t[c] = b0 * tangents[f, 0, c] + b1 * tangents[f, 1, c] + b2 * tangents[f, 2, c]
            first[c] = max(0, int(np.floor((p[c] - reach - low[c]) / cell)))
            last[c] = min(starts.shape[c] - 1, int(np.floor((p[c] + reach - low[c]) / cell)))
        b[0], b[1], b[2] = n[1] * t[2] - n[2] * t[1], n[2] * t[0] - n[0] * t[2], n[0] * t[1] - n[1] * t[0]
        sums[:] = 0.0
        for x in range(first[0], last[0] + 1):
            for y in range(first[1], last[1] + 1):
                for z in range(first[2], last[2] + 1):
                    for v in range(starts[x, y, z, 0], starts[x, y, z, 1]):
                        away = ((points[v, 0] - p[0]) ** 2 + (points[v, 1] - p[1]) ** 2 + (points[v, 2] - p[2]) ** 2) / (reach * reach)
                        same = facing[v, 0] * n[0] + facing[v, 1] * n[1] + facing[v, 2] * n[2]
                        if away < 1.0 and same > 0.0:
                            w = same * (1.0 - away) * (1.0 - away)
                            for c in range(3):
                                sums[c] += w * facing[v, c]
        # Up to a factor, the inverse of the interpolated frame (tangent, bitangent, normal), which isn't quite orthogonal.
        x = (b[1] * n[2] - b[2] * n[1]) * sums[0] + (b[2] * n[0] - b[0] * n[2]) * sums[1] + (b[0] * n[1] - b[1] * n[0]) * sums[2]
        y = side[f] * (b[0] * sums[0] + b[1] * sums[1] + b[2] * sums[2])
        z = (t[1] * b[2] - t[2] * b[1]) * sums[0] + (t[2] * b[0] - t[0] * b[2]) * sums[1] + (t[0] * b[1] - t[1] * b[0]) * sums[2]
        length = np.sqrt(x * x + y * y + z * z)
        if length > 0.0:
            x, y, z = x / length, y / length, z / length
        else:
            x, y, z = 0.0, 0.0, 1.0
        out[k, 0], out[k, 1], out[k, 2] = int(127.5 * x + 128.0), int(127.5 * y + 128.0), int(127.5 * z + 128.0)
