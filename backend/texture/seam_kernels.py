"""Numba kernels of seam leveling; imported on first use."""

from __future__ import annotations

import numpy as np
from numba import njit

from .texel_kernels import LEAST_WEIGHT, agreement


@njit(cache=True, nogil=True)
def link_beside(first_row, last_row, index, face, barycentric, vertices, faces, footprint, links):
    """Link [T,4] the texels of these rows with those left, right, above and below that are also neighbors on the surface."""
    size = index.shape[0]
    p, q = np.empty(3), np.empty(3)
    for y in range(first_row, last_row):
        for x in range(size):
            t = index[y, x]
            if t < 0:
                continue
            _place(t, face, barycentric, vertices, faces, p)
            for k in range(4):
                i = x - 1 if k == 0 else (x + 1 if k == 1 else x)
                j = y - 1 if k == 2 else (y + 1 if k == 3 else y)
                n = index[j, i] if 0 <= i < size and 0 <= j < size else -1
                if n >= 0:
                    _place(n, face, barycentric, vertices, faces, q)
                    # Charts of other programs may touch: four texels' widths are more than stretching explains.
                    reach = 4.0 * max(footprint[face[t]], footprint[face[n]])
                    if (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2 + (p[2] - q[2]) ** 2 > reach * reach:
                        n = -1
                links[t, k] = n


@njit(cache=True, nogil=True)
def link_across(uvs_first, uvs_second, inward_first, inward_second, index, rows, columns, links):
    """Link texels on both sides of UV seams, edges [E,2,2] in texels, where each side has room for one more.

    `inward` [E,2] are unit vectors into the faces. Only texels of different color, as on a chessboard, are linked.
    """
    size = index.shape[0]
    for e in range(uvs_first.shape[0]):
        a, b = uvs_first[e], uvs_second[e]
        length = max(np.hypot(a[1, 0] - a[0, 0], a[1, 1] - a[0, 1]), np.hypot(b[1, 0] - b[0, 0], b[1, 1] - b[0, 1]))
        if not length < 4.0 * size:
            continue
        count = int(length) + 1
        for i in range(count):
            s = (i + 0.5) / count
            t = _first_texel((1 - s) * a[0, 0] + s * a[1, 0], (1 - s) * a[0, 1] + s * a[1, 1], inward_first[e], index)
            n = _first_texel((1 - s) * b[0, 0] + s * b[1, 0], (1 - s) * b[0, 1] + s * b[1, 1], inward_second[e], index)
            if t < 0 or n < 0 or (rows[t] + columns[t] + rows[n] + columns[n]) % 2 == 0:
                continue
            room_t, room_n = -1, -1
            for k in range(4):
                if links[t, k] < 0:
                    room_t = k
                if links[n, k] < 0:
                    room_n = k
                if links[t, k] == n:
                    room_t = -1
                    break
            if room_t >= 0 and room_n >= 0:
                links[t, room_t], links[n, room_n] = n, t


@njit(cache=True, nogil=True, fastmath=True)
def excess(first, last, links, quality, color, view, gains, sharpness, blended, out):
    """Divergence of the error [T,3]: the sum over links of the difference in `blended` [T,3] less that in the photos that show both."""
    slots = quality.shape[1]
    for t in range(first, last):
        out[t, 0], out[t, 1], out[t, 2] = np.float32(0), np.float32(0), np.float32(0)
        for k in range(4):
            n = links[t, k]
            if n < 0:
                continue
            total, r, g, b = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
            for s in range(slots):
                for o in range(slots):
                    if view[t, s] == view[n, o] and quality[t, s] > 0 and quality[n, o] > 0:
                        v = view[t, s]
                        w = (quality[t, s] / quality[t, 0] * quality[n, o] / quality[n, 0]) ** sharpness
                        r_here, r_there = gains[v, 0] * color[t, s, 0], gains[v, 0] * color[n, o, 0]
                        g_here, g_there = gains[v, 1] * color[t, s, 1], gains[v, 1] * color[n, o, 1]
                        b_here, b_there = gains[v, 2] * color[t, s, 2], gains[v, 2] * color[n, o, 2]
                        w *= agreement(r_here, g_here, b_here, blended[t]) * agreement(r_there, g_there, b_there, blended[n])
                        total += w
                        r += w * (r_here - r_there)
                        g += w * (g_here - g_there)
                        b += w * (b_here - b_there)
            if total > LEAST_WEIGHT:  # else no photo shows both, and the difference should be 0
                r, g, b = r / total, g / total, b / total
            out[t, 0] += r - (blended[t, 0] - blended[n, 0])
            out[t, 1] += g - (blended[t, 1] - blended[n, 1])
            out[t, 2] += b - (blended[t, 2] - blended[n, 2])


@njit(cache=True, nogil=True, fastmath=True)
def relax(first, last, black, links, rows, columns, excess, pull, omega, level):
    """One sweep of successive over-relaxation of `level` [T,3] over the red or black texels."""
    for t in range(first, last):
        if (rows[t] + columns[t]) % 2 != black:
            continue
        degree, r, g, b = pull, excess[t, 0], excess[t, 1], excess[t, 2]
        for k in range(4):
            n = links[t, k]
            if n >= 0:
                degree += np.float32(1)
                r += level[n, 0]
                g += level[n, 1]
                b += level[n, 2]
        level[t, 0] += omega * (r / degree - level[t, 0])
        level[t, 1] += omega * (g / degree - level[t, 1])
        level[t, 2] += omega * (b / degree - level[t, 2])


@njit(inline="always")
def _place(t, face, barycentric, vertices, faces, out):
    f = face[t]
    b1, b2 = barycentric[t, 0], barycentric[t, 1]
    for c in range(3):
        out[c] = (1 - b1 - b2) * vertices[faces[f, 0], c] + b1 * vertices[faces[f, 1], c] + b2 * vertices[faces[f, 2], c]


@njit(inline="always")
def _first_texel(x, y, inward, index):
    for step in range(4):
        i, j = int(np.floor(x + 0.4 * step * inward[0])), int(np.floor(y + 0.4 * step * inward[1]))
        if 0 <= i < index.shape[1] and 0 <= j < index.shape[0] and index[j, i] >= 0:
            return index[j, i]
    return -1
