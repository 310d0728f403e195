"""Numba kernels that traverse a bounding volume hierarchy; imported on first use.

The tree is complete: node n has the children 2n + 1 and 2n + 2, and the last `leaves` nodes hold `LEAF` triangles each, in
the order of `corners` [F,3,3]. All kernels work on a range of their queries, for `device.split`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

LEAF = 4
DEEPEST = 64
DIPOLE_REACH = 2.3  # distance, in a node's radii, beyond which its triangles count as one dipole; Barill et al. use 2


@njit(cache=True, nogil=True, inline="always")
def _box_distance(low, high, node, x, y, z):
    dx = max(low[node, 0] - x, 0.0, x - high[node, 0])
    dy = max(low[node, 1] - y, 0.0, y - high[node, 1])
    dz = max(low[node, 2] - z, 0.0, z - high[node, 2])
    return dx * dx + dy * dy + dz * dz


@njit(cache=True, nogil=True)
def _nearest_on_triangle(t, x, y, z):
    """Weights of corners 1 and 2, and squared distance (Ericson, Real-Time Collision Detection, 5.1.5)."""
    abx, aby, abz = t[1, 0] - t[0, 0], t[1, 1] - t[0, 1], t[1, 2] - t[0, 2]
    acx, acy, acz = t[2, 0] - t[0, 0], t[2, 1] - t[0, 1], t[2, 2] - t[0, 2]
    apx, apy, apz = x - t[0, 0], y - t[0, 1], z - t[0, 2]
    d1, d2 = abx * apx + aby * apy + abz * apz, acx * apx + acy * apy + acz * apz
    v, w = 0.0, 0.0
    if d1 > 0.0 or d2 > 0.0:
        bpx, bpy, bpz = x - t[1, 0], y - t[1, 1], z - t[1, 2]
        d3, d4 = abx * bpx + aby * bpy + abz * bpz, acx * bpx + acy * bpy + acz * bpz
        cpx, cpy, cpz = x - t[2, 0], y - t[2, 1], z - t[2, 2]
        d5, d6 = abx * cpx + aby * cpy + abz * cpz, acx * cpx + acy * cpy + acz * cpz
        va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
        if d3 >= 0.0 and d4 <= d3:
            v = 1.0
        elif vc <= 0.0 and d1 >= 0.0 and d3 <= 0.0:
            v = d1 / (d1 - d3) if d1 != d3 else 0.0
        elif d6 >= 0.0 and d5 <= d6:
            w = 1.0
        elif vb <= 0.0 and d2 >= 0.0 and d6 <= 0.0:
            w = d2 / (d2 - d6) if d2 != d6 else 0.0
        elif va <= 0.0 and d4 - d3 >= 0.0 and d5 - d6 >= 0.0:
            along = (d4 - d3) + (d5 - d6)
            w = (d4 - d3) / along if along > 0.0 else 0.0
            v = 1.0 - w
        else:
            total = va + vb + vc
            if total > 0.0:
                v, w = vb / total, vc / total
    dx, dy, dz = apx - v * abx - w * acx, apy - v * aby - w * acy, apz - v * abz - w * acz
    return v, w, dx * dx + dy * dy + dz * dz


@njit(cache=True, nogil=True)
def nearest(first, last, points, facing, wanted, bound, corners, low, high, normals, group, face, weights, squared):
    """For each point the nearest triangle's number [N] (-1: none), weights of its corners 1 and 2 [N,2], squared distance [N].

    Only triangles within the squared distance `bound` [N] count, only those of group `wanted` [N] unless that is -1, and only
    those whose normal points into the half space of `facing` [N,3], unless that is zero.
    """
    leaves = (low.shape[0] + 1) // 2
    stack = np.empty(DEEPEST, np.int64)
    apart = np.empty(DEEPEST)
    for n in range(first, last):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        fx, fy, fz = facing[n, 0], facing[n, 1], facing[n, 2]
        best, found, v0, w0 = bound[n], -1, 0.0, 0.0
        stack[0], apart[0], size = 0, _box_distance(low, high, 0, x, y, z), 1
        while size > 0:
            size -= 1
            if apart[size] >= best:
                continue
            node = stack[size]
            if node >= leaves - 1:
                start = (node - leaves + 1) * LEAF
                for t in range(start, min(start + LEAF, corners.shape[0])):
                    if wanted[n] >= 0 and group[t] != wanted[n]:
                        continue
                    if normals[t, 0] * fx + normals[t, 1] * fy + normals[t, 2] * fz < 0.0:
                        continue
                    v, w, d = _nearest_on_triangle(corners[t], x, y, z)
                    if d < best:
                        best, found, v0, w0 = d, t, v, w
                continue
            a, b = 2 * node + 1, 2 * node + 2
            da, db = _box_distance(low, high, a, x, y, z), _box_distance(low, high, b, x, y, z)
            if da < db:
                a, b, da, db = b, a, db, da
            if da < best:
                stack[size], apart[size] = a, da
                size += 1
            if db < best:
                stack[size], apart[size] = b, db
                size += 1
        face[n], squared[n], weights[n, 0], weights[n, 1] = found, best, v0, w0


@njit(cache=True, nogil=True)
def _blocked(ox, oy, oz, dx, dy, dz, least, own, corners, low, high, stack):
    """True where the ray meets a triangle other than `own` beyond the distance `least`."""
    leaves = (low.shape[0] + 1) // 2
    ix = 1.0 / dx if dx != 0.0 else 1e300
    iy = 1.0 / dy if dy != 0.0 else 1e300
    iz = 1.0 / dz if dz != 0.0 else 1e300
    stack[0], size = 0, 1
    while size > 0:
        size -= 1
        node = stack[size]
        ax, bx = (low[node, 0] - ox) * ix, (high[node, 0] - ox) * ix
        ay, by = (low[node, 1] - oy) * iy, (high[node, 1] - oy) * iy
        az, bz = (low[node, 2] - oz) * iz, (high[node, 2] - oz) * iz
        enter = max(min(ax, bx), min(ay, by), min(az, bz), 0.0)
        leave = min(max(ax, bx), max(ay, by), max(az, bz))
        if not enter <= leave * (1.0 + 1e-12):
            continue
        if node < leaves - 1:
            stack[size], stack[size + 1] = 2 * node + 1, 2 * node + 2
            size += 2
            continue
        start = (node - leaves + 1) * LEAF
        for t in range(start, min(start + LEAF, corners.shape[0])):
            if t != own and _crossing(corners[t], ox, oy, oz, dx, dy, dz) > least:
                return True
    return False


@njit(cache=True, nogil=True)
def _crossing(t, ox, oy, oz, dx, dy, dz):
    """Where a line meets a triangle, in lengths of its direction; -1 where it doesn't (Moeller and Trumbore, 1997)."""
    e1x, e1y, e1z = t[1, 0] - t[0, 0], t[1, 1] - t[0, 1], t[1, 2] - t[0, 2]
    e2x, e2y, e2z = t[2, 0] - t[0, 0], t[2, 1] - t[0, 1], t[2, 2] - t[0, 2]
    px, py, pz = dy * e2z - dz * e2y, dz * e2x - dx * e2z, dx * e2y - dy * e2x
    det = e1x * px + e1y * py + e1z * pz
    if det == 0.0:
        return -1.0
    sx, sy, sz = ox - t[0, 0], oy - t[0, 1], oz - t[0, 2]
    u = (sx * px + sy * py + sz * pz) / det
    if u < 0.0 or u > 1.0:
        return -1.0
    qx, qy, qz = sy * e1z - sz * e1y, sz * e1x - sx * e1z, sx * e1y - sy * e1x
    v = (dx * qx + dy * qy + dz * qz) / det
    if v < 0.0 or u + v > 1.0:
        return -1.0
    return (e2x * qx + e2y * qy + e2z * qz) / det


@njit(cache=True, nogil=True, inline="always")
def _random(state):
    """The next state and a number from 0 to 1 (xorshift64*)."""
    state ^= state >> np.uint64(12)
    state ^= state << np.uint64(25)
    state ^= state >> np.uint64(27)
    return state, float((state * np.uint64(2685821657736338717)) >> np.uint64(11)) / 9007199254740992.0


@njit(cache=True, nogil=True)
def sees_outside(first, last, rays, least, corners, low, high, normals, visible):
    """Marks [F] with 1 each triangle of which one of `rays` rays from either side escapes, with 2 one without a normal.

    Only those that have 0 are asked.
    """
    stack = np.empty(DEEPEST, np.int64)
    for t in range(first, last):
        if visible[t] != 0:
            continue
        nx, ny, nz = normals[t, 0], normals[t, 1], normals[t, 2]
        if nx == 0.0 and ny == 0.0 and nz == 0.0:
            visible[t] = 2
            continue
        state = np.uint64(t * 2654435761 + 88172645463325252)
        for _ in range(4):
            state, _unused = _random(state)
        for k in range(rays):
            state, a = _random(state)
            state, b = _random(state)
            if a + b > 1.0:
                a, b = 1.0 - a, 1.0 - b
            c = 1.0 - a - b
            ox = c * corners[t, 0, 0] + a * corners[t, 1, 0] + b * corners[t, 2, 0]
            oy = c * corners[t, 0, 1] + a * corners[t, 1, 1] + b * corners[t, 2, 1]
            oz = c * corners[t, 0, 2] + a * corners[t, 1, 2] + b * corners[t, 2, 2]
            # The normal plus a point of the unit sphere: cosine-weighted directions.
            state, a = _random(state)
            state, b = _random(state)
            up = 2.0 * a - 1.0
            across = np.sqrt(1.0 - up * up)
            angle = 2.0 * np.pi * b
            side = 1.0 if k % 2 == 0 else -1.0
            dx, dy, dz = side * nx + across * np.cos(angle), side * ny + across * np.sin(angle), side * nz + up
            length = np.sqrt(dx * dx + dy * dy + dz * dz)
            if length < 1e-6:
                continue
            if not _blocked(ox, oy, oz, dx / length, dy / length, dz / length, least, t, corners, low, high, stack):
                visible[t] = 1
                break


@njit(cache=True, nogil=True)
def open_shares(first, last, points, normals, own, rays, least, corners, low, high, flat, out):
    """The cosine-weighted shares [N] of the hemispheres about `normals` [N,3] at `points` [N,3] on faces `own` [N] that no face blocks.

    Of directions below a point's own face, which a smooth normal has as well, nothing is counted.
    """
    stack = np.empty(DEEPEST, np.int64)
    for n in range(first, last):
        nx, ny, nz = normals[n, 0], normals[n, 1], normals[n, 2]
        fx, fy, fz = flat[own[n], 0], flat[own[n], 1], flat[own[n], 2]
        state = np.uint64(n * 2654435761 + 88172645463325252)
        for _ in range(4):
            state, _unused = _random(state)
        state, turn = _random(state)
        state, lift = _random(state)
        seen, cast = 0, 0
        for k in range(rays):
            # Evenly spread by the golden ratio, turned at random from point to point.
            a = (lift + (k + 0.5) / rays) % 1.0
            angle = 2.0 * np.pi * ((turn + k * 0.6180339887498949) % 1.0)
            up = 2.0 * a - 1.0
            across = np.sqrt(max(0.0, 1.0 - up * up))
            dx, dy, dz = nx + across * np.cos(angle), ny + across * np.sin(angle), nz + up
            length = np.sqrt(dx * dx + dy * dy + dz * dz)
            if length < 1e-6 or dx * fx + dy * fy + dz * fz <= 1e-3 * length:
                continue
            cast += 1
            if not _blocked(
                points[n, 0], points[n, 1], points[n, 2], dx / length, dy / length, dz / length, least, own[n], corners, low, high, stack
            ):
                seen += 1
        out[n] = seen / cast if cast > 0 else 1.0


@njit(cache=True, nogil=True)
def _pierces(a, b, t):
    """True where the inside of the segment from `a` to `b` passes through the inside of a triangle."""
    dx, dy, dz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    e1x, e1y, e1z = t[1, 0] - t[0, 0], t[1, 1] - t[0, 1], t[1, 2] - t[0, 2]
    e2x, e2y, e2z = t[2, 0] - t[0, 0], t[2, 1] - t[0, 1], t[2, 2] - t[0, 2]
    px, py, pz = dy * e2z - dz * e2y, dz * e2x - dx * e2z, dx * e2y - dy * e2x
    det = e1x * px + e1y * py + e1z * pz
    scale = (abs(dx) + abs(dy) + abs(dz)) * (abs(e1x) + abs(e1y) + abs(e1z)) * (abs(e2x) + abs(e2y) + abs(e2z))
    if abs(det) <= 1e-10 * scale:  # in the plane, or nearly
        return False
    little = 1e-7
    sx, sy, sz = a[0] - t[0, 0], a[1] - t[0, 1], a[2] - t[0, 2]
    u = (sx * px + sy * py + sz * pz) / det
    if u <= little or u >= 1.0 - little:
        return False
    qx, qy, qz = sy * e1z - sz * e1y, sz * e1x - sx * e1z, sx * e1y - sy * e1x
    v = (dx * qx + dy * qy + dz * qz) / det
    if v <= little or u + v >= 1.0 - little:
        return False
    along = (e2x * qx + e2y * qy + e2z * qz) / det
    return little < along < 1.0 - little


@njit(cache=True, nogil=True)
def _cross_each_other(p, q, at_p, at_q):
    """True where two triangles pass through each other, but for the corners that they share."""
    shared, i, j = 0, 0, 0
    for a in range(3):
        for b in range(3):
            if at_p[a] == at_q[b]:
                shared, i, j = shared + 1, a, b
    if shared >= 2:
        return False
    if shared == 1:
        return _pierces(p[(i + 1) % 3], p[(i + 2) % 3], q) or _pierces(q[(j + 1) % 3], q[(j + 2) % 3], p)
    found = False
    for a in range(3):
        found = found or _pierces(p[a], p[(a + 1) % 3], q) or _pierces(q[a], q[(a + 1) % 3], p)
    return found


@njit(cache=True, nogil=True)
def crosses(first, last, corners, faces, low, high, crossed):
    """Marks [F] with 1 each triangle that intersects another one; `faces` [F,3] are welded vertex indices in the tree's order."""
    leaves = (low.shape[0] + 1) // 2
    stack = np.empty(DEEPEST, np.int64)
    for n in range(first, last):
        p = corners[n]
        x0, x1 = min(p[0, 0], p[1, 0], p[2, 0]), max(p[0, 0], p[1, 0], p[2, 0])
        y0, y1 = min(p[0, 1], p[1, 1], p[2, 1]), max(p[0, 1], p[1, 1], p[2, 1])
        z0, z1 = min(p[0, 2], p[1, 2], p[2, 2]), max(p[0, 2], p[1, 2], p[2, 2])
        stack[0], size = 0, 1
        while size > 0:
            size -= 1
            node = stack[size]
            if low[node, 0] > x1 or high[node, 0] < x0 or low[node, 1] > y1 or high[node, 1] < y0:
                continue
            if low[node, 2] > z1 or high[node, 2] < z0:
                continue
            if node < leaves - 1:
                stack[size], stack[size + 1] = 2 * node + 1, 2 * node + 2
                size += 2
                continue
            start = (node - leaves + 1) * LEAF
            for t in range(max(start, n + 1), min(start + LEAF, corners.shape[0])):
                if (crossed[n] == 0 or crossed[t] == 0) and _cross_each_other(p, corners[t], faces[n], faces[t]):
                    crossed[n] = crossed[t] = 1


@njit(cache=True, nogil=True)
def _solid_angle(t, x, y, z):
    """Signed solid angle of a triangle (Van Oosterom and Strackee, 1983)."""
    ax, ay, az = t[0, 0] - x, t[0, 1] - y, t[0, 2] - z
    bx, by, bz = t[1, 0] - x, t[1, 1] - y, t[1, 2] - z
    cx, cy, cz = t[2, 0] - x, t[2, 1] - y, t[2, 2] - z
    a, b, c = np.sqrt(ax * ax + ay * ay + az * az), np.sqrt(bx * bx + by * by + bz * bz), np.sqrt(cx * cx + cy * cy + cz * cz)
    det = ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)
    ab, bc, ca = ax * bx + ay * by + az * bz, bx * cx + by * cy + bz * cz, cx * ax + cy * ay + cz * az
    return 2.0 * np.arctan2(det, a * b * c + ab * c + bc * a + ca * b)


@njit(cache=True, nogil=True)
def winding(first, last, points, corners, low, high, middles, dipoles, radii, out):
    """Generalized winding numbers [N] of points [N,3]: 1 inside, 0 outside, between where the surface is open.

    Far nodes count as one dipole each (Barill et al., Fast winding numbers for soups and clouds, 2018).
    """
    leaves = (low.shape[0] + 1) // 2
    stack = np.empty(DEEPEST, np.int64)
    for n in range(first, last):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        total = 0.0
        stack[0], size = 0, 1
        while size > 0:
            size -= 1
            node = stack[size]
            dx, dy, dz = middles[node, 0] - x, middles[node, 1] - y, middles[node, 2] - z
            squared = dx * dx + dy * dy + dz * dz
            reach = DIPOLE_REACH * radii[node]
            if squared > reach * reach:
                if squared > 0.0:
                    total += (dx * dipoles[node, 0] + dy * dipoles[node, 1] + dz * dipoles[node, 2]) / (squared * np.sqrt(squared))
            elif node < leaves - 1:
                stack[size], stack[size + 1] = 2 * node + 1, 2 * node + 2
                size += 2
            else:
                start = (node - leaves + 1) * LEAF
                for t in range(start, min(start + LEAF, corners.shape[0])):
                    total += _solid_angle(corners[t], x, y, z)
        out[n] = total / (4.0 * np.pi)
