"""Numba kernels that triangulate and refine a closed loop in space; imported on first use."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def least_area(rim, joined):
    """Triangles [N-2,3] over the vertices of a loop [N,3] with the least sum of areas, wound as the loop is.

    An edge within between two vertices that are `joined` [N,N] already is taken only where there is no other.
    """
    n = rim.shape[0]
    around = 0.0
    for i in range(n):
        around += np.sqrt(np.sum((rim[i] - rim[i - 1]) ** 2))
    penalty = n * around * around  # more than the sum of N triangles over the loop
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
            if joined[i, k] and span < n - 1:
                least += penalty
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


@njit(cache=True, nogil=True)
def refine(rim, triangles, density, most):
    """Points [N+M,3] and triangles with up to `most` new vertices within, spaced like `density` [N], which the rim's points want.

    Triangles are split at their middles, and edges turned towards Delaunay's, until all are about as large as those around them.
    """
    n = rim.shape[0]
    points, wanted = np.empty((n + most, 3)), np.empty(n + most)
    points[:n], wanted[:n] = rim, density
    faces, beside = np.empty((triangles.shape[0] + 2 * most, 3), np.int64), np.empty((triangles.shape[0] + 2 * most, 3), np.int64)
    count, used = triangles.shape[0], n
    faces[:count] = triangles
    _join(faces, beside, count, n)
    for _ in range(60):
        before, here = used, count
        for f in range(here):
            if used - n >= most:
                break
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            size = (wanted[a] + wanted[b] + wanted[c]) / 3.0
            middle = (points[a] + points[b] + points[c]) / 3.0
            fits = True
            for k in range(3):
                corner = faces[f, k]
                away = 1.4142 * np.sqrt(np.sum((middle - points[corner]) ** 2))
                fits = fits and away > size and away > wanted[corner]
            if fits:
                points[used], wanted[used] = middle, size
                _split(faces, beside, f, count, used)
                used += 1
                count += 2
        for _ in range(20):
            turned = 0
            for f in range(count):
                for k in range(3):
                    turned += _flip(faces, beside, points, f, k, n)
            if turned == 0:
                break
        if used == before:
            break
    return points[:used].copy(), faces[:count].copy()


@njit(cache=True, nogil=True)
def _join(faces, beside, count, n):
    """Neighbors across the edge from corner k to the next; -1 at the rim."""
    keys = np.empty(3 * count, np.int64)
    for f in range(count):
        for k in range(3):
            a, b = faces[f, k], faces[f, (k + 1) % 3]
            keys[3 * f + k] = min(a, b) * n + max(a, b)
            beside[f, k] = -1
    order = np.argsort(keys)
    for i in range(3 * count - 1):
        p, q = order[i], order[i + 1]
        if keys[p] == keys[q]:
            beside[p // 3, p % 3], beside[q // 3, q % 3] = q // 3, p // 3


@njit(cache=True, nogil=True)
def _tell(beside, face, old, new):
    """The neighbor `face` has `new` where it had `old`."""
    if face >= 0:
        for k in range(3):
            if beside[face, k] == old:
                beside[face, k] = new
                return


@njit(cache=True, nogil=True)
def _split(faces, beside, f, count, vertex):
    """Split face f into three around a new vertex: f, count and count + 1."""
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    ab, bc, ca = beside[f, 0], beside[f, 1], beside[f, 2]
    g, h = count, count + 1
    faces[f, 0], faces[f, 1], faces[f, 2] = a, b, vertex
    faces[g, 0], faces[g, 1], faces[g, 2] = b, c, vertex
    faces[h, 0], faces[h, 1], faces[h, 2] = c, a, vertex
    beside[f, 0], beside[f, 1], beside[f, 2] = ab, g, h
    beside[g, 0], beside[g, 1], beside[g, 2] = bc, h, f
    beside[h, 0], beside[h, 1], beside[h, 2] = ca, f, g
    _tell(beside, bc, f, g)
    _tell(beside, ca, f, h)


@njit(cache=True, nogil=True)
def _flip(faces, beside, points, f, k, n):
    """Flip the edge from corner k of f where its opposite angles sum to more than 180 degrees (Delaunay); 1 where it was flipped."""
    g = beside[f, k]
    if g < 0:
        return 0
    a, b, c = faces[f, k], faces[f, (k + 1) % 3], faces[f, (k + 2) % 3]
    j = 0
    while faces[g, j] != b and j < 2:
        j += 1
    if faces[g, j] != b or faces[g, (j + 1) % 3] != a:
        return 0
    d = faces[g, (j + 2) % 3]
    # An edge between two rim vertices might run along one of the mesh.
    if c == d or (c < n and d < n) or _cosine(points, c, a, b) + _cosine(points, d, b, a) > -1e-9:
        return 0
    first, second = _normal(points, a, d, c), _normal(points, d, b, c)
    old = _normal(points, a, b, c) + _normal(points, b, a, d)
    if np.sum(first * old) <= 0.0 or np.sum(second * old) <= 0.0 or _linked(faces, beside, f, c, d):
        return 0
    bc, ca = beside[f, (k + 1) % 3], beside[f, (k + 2) % 3]
    ad, db = beside[g, (j + 1) % 3], beside[g, (j + 2) % 3]
    faces[f, 0], faces[f, 1], faces[f, 2] = a, d, c
    faces[g, 0], faces[g, 1], faces[g, 2] = d, b, c
    beside[f, 0], beside[f, 1], beside[f, 2] = ad, g, ca
    beside[g, 0], beside[g, 1], beside[g, 2] = db, bc, f
    _tell(beside, ad, g, f)
    _tell(beside, bc, f, g)
    return 1


@njit(cache=True, nogil=True)
def _linked(faces, beside, f, c, d):
    """True where an edge joins c, a corner of f, and d already; looks all around c."""
    for way in range(2):
        face = f
        for _ in range(100):
            k = 0
            while faces[face, k] != c and k < 2:
                k += 1
            if faces[face, (k + 1) % 3] == d or faces[face, (k + 2) % 3] == d:
                return True
            face = beside[face, k] if way == 0 else beside[face, (k + 2) % 3]
            if face < 0 or face == f:
                break
    return False


@njit(cache=True, nogil=True)
def _cosine(points, at, p, q):
    """Cosine of the angle at a corner."""
    u, v = points[p] - points[at], points[q] - points[at]
    length = np.sqrt(np.sum(u * u) * np.sum(v * v))
    return np.sum(u * v) / length if length > 0.0 else 1.0


@njit(cache=True, nogil=True)
def _normal(points, a, b, c):
    u, v = points[b] - points[a], points[c] - points[a]
    return np.array([u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]])
