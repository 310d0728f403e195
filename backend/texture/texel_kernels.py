"""Numba kernels of texturing; imported on first use."""

from __future__ import annotations

import numpy as np
from numba import njit

# Least weight that anything is divided by; what weighs less counts as 0. The reciprocal of a float32 below 3e-39 overflows.
LEAST_WEIGHT = np.float32(1e-30)


@njit(cache=True, nogil=True)
def draw_uvs(uvs, face, barycentric):
    """Face [S,S] and barycentric coordinates [S,S,2] of every texel whose center lies in a face's UVs [F,3,2]."""
    size = face.shape[0]
    for f in range(uvs.shape[0]):
        ax, ay = uvs[f, 0, 0] * size, (1.0 - uvs[f, 0, 1]) * size
        bx, by = uvs[f, 1, 0] * size, (1.0 - uvs[f, 1, 1]) * size
        cx, cy = uvs[f, 2, 0] * size, (1.0 - uvs[f, 2, 1]) * size
        doubled = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if doubled == 0.0 or not np.isfinite(doubled):
            continue
        x0, x1 = max(0, int(np.ceil(min(ax, bx, cx) - 0.5))), min(size - 1, int(np.floor(max(ax, bx, cx) - 0.5)))
        y0, y1 = max(0, int(np.ceil(min(ay, by, cy) - 0.5))), min(size - 1, int(np.floor(max(ay, by, cy) - 0.5)))
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                u, v = x + 0.5, y + 0.5
                w1 = ((cx - u) * (ay - v) - (cy - v) * (ax - u)) / doubled
                w2 = ((ax - u) * (by - v) - (ay - v) * (bx - u)) / doubled
                if w1 >= 0.0 and w2 >= 0.0 and w1 + w2 <= 1.0:
                    face[y, x] = f
                    barycentric[y, x, 0], barycentric[y, x, 1] = w1, w2


@njit(cache=True, nogil=True, fastmath=True)
def collect(
    face, barycentric, vertices, faces, normals, pose, intrinsics, rgb, coarse, depth, weights, sharpness, least_cosine, index,
    quality, color, low, view,
):  # fmt: skip
    """Insert one photo into the slots [T,S] of the texels that it sees; slots stay sorted by falling quality.

    `coarse` [H,W,3] is the photo without detail, for `low`.
    The quality is the photo's pixels per unit of surface area, times the pixel's weight and the photo's sharpness.
    """
    fx, fy, cx, cy = intrinsics
    height, width = depth.shape
    slots = quality.shape[1]
    eye_x = -(pose[0, 0] * pose[0, 3] + pose[1, 0] * pose[1, 3] + pose[2, 0] * pose[2, 3])
    eye_y = -(pose[0, 1] * pose[0, 3] + pose[1, 1] * pose[1, 3] + pose[2, 1] * pose[2, 3])
    eye_z = -(pose[0, 2] * pose[0, 3] + pose[1, 2] * pose[1, 3] + pose[2, 2] * pose[2, 3])
    for t in range(face.shape[0]):
        i0, i1, i2 = faces[face[t], 0], faces[face[t], 1], faces[face[t], 2]
        b1, b2 = barycentric[t, 0], barycentric[t, 1]
        b0 = np.float32(1) - b1 - b2
        nx = b0 * normals[i0, 0] + b1 * normals[i1, 0] + b2 * normals[i2, 0]
        ny = b0 * normals[i0, 1] + b1 * normals[i1, 1] + b2 * normals[i2, 1]
        nz = b0 * normals[i0, 2] + b1 * normals[i1, 2] + b2 * normals[i2, 2]
        px = b0 * vertices[i0, 0] + b1 * vertices[i1, 0] + b2 * vertices[i2, 0]
        py = b0 * vertices[i0, 1] + b1 * vertices[i1, 1] + b2 * vertices[i2, 1]
        pz = b0 * vertices[i0, 2] + b1 * vertices[i1, 2] + b2 * vertices[i2, 2]
        dx, dy, dz = eye_x - px, eye_y - py, eye_z - pz
        towards = nx * dx + ny * dy + nz * dz
        if towards <= 0.0:
            continue
        cosine = towards / np.sqrt((nx * nx + ny * ny + nz * nz) * (dx * dx + dy * dy + dz * dz))
        if cosine < least_cosine:
            continue
        z = pose[2, 0] * px + pose[2, 1] * py + pose[2, 2] * pz + pose[2, 3]
        if z <= 1e-9:
            continue
        u = fx * (pose[0, 0] * px + pose[0, 1] * py + pose[0, 2] * pz + pose[0, 3]) / z + cx - 0.5
        v = fy * (pose[1, 0] * px + pose[1, 1] * py + pose[1, 2] * pz + pose[1, 3]) / z + cy - 0.5
        if u < 0 or v < 0 or u >= width - 1 or v >= height - 1:
            continue
        x, y = int(u), int(v)
        tolerance = z * (0.002 + 2.0 / (fx * cosine))
        hidden = False
        least = np.float32(1)
        for j in range(2):
            for i in range(2):
                d = depth[y + j, x + i]
                if d == 0.0 or d < z - tolerance:
                    hidden = True
                least = min(least, weights[y + j, x + i])
        if hidden or least <= 0.0:
            continue
        q = np.float32(least * sharpness * cosine * cosine * fx * fy / (z * z))
        if not q > max(quality[t, slots - 1], LEAST_WEIGHT):
            continue
        s = slots - 1
        while s > 0 and quality[t, s - 1] < q:
            quality[t, s], view[t, s] = quality[t, s - 1], view[t, s - 1]
            for c in range(3):
                color[t, s, c], low[t, s, c] = color[t, s - 1, c], low[t, s - 1, c]
            s -= 1
        quality[t, s], view[t, s] = q, index
        a, b = np.float32(u - x), np.float32(v - y)
        for c in range(3):
            color[t, s, c], low[t, s, c] = _between(rgb, y, x, a, b, c), _between(coarse, y, x, a, b, c)


@njit(inline="always")
def _between(picture, y, x, a, b, c):
    top = (1 - a) * picture[y, x, c] + a * picture[y, x + 1, c]
    bottom = (1 - a) * picture[y + 1, x, c] + a * picture[y + 1, x + 1, c]
    return np.uint8((1 - b) * top + b * bottom + np.float32(0.5))


@njit(cache=True, nogil=True, fastmath=True)
def agree(quality, low, view, gains, spread, out):
    """How far each slot's leveled coarse color agrees with the others' [T,S]: 1 at their median, one half `spread` away.

    The median counts a slot by the fourth root of its quality: the best photo alone doesn't outvote the others.
    """
    slots = quality.shape[1]
    vote = np.empty(slots, np.float32)
    leveled = np.empty((slots, 3), np.float32)
    median = np.empty(3, np.float32)
    for t in range(quality.shape[0]):
        count, total = 0, np.float32(0)
        while count < slots and quality[t, count] > 0.0:
            for c in range(3):
                leveled[count, c] = min(np.float32(255), low[t, count, c] * gains[view[t, count], c])
            vote[count] = np.sqrt(np.sqrt(quality[t, count] / quality[t, 0]))
            total += vote[count]
            count += 1
        for c in range(3):
            for s in range(count):
                below, same = np.float32(0), np.float32(0)
                for o in range(count):
                    if leveled[o, c] < leveled[s, c]:
                        below += vote[o]
                    elif leveled[o, c] == leveled[s, c]:
                        same += vote[o]
                if below <= np.float32(0.5) * total < below + same or s == 0:
                    median[c] = leveled[s, c]
        for s in range(slots):
            away = np.float32(0)
            if s < count:
                for c in range(3):
                    away += (leveled[s, c] - median[c]) ** 2
            out[t, s] = np.float32(1) / (np.float32(1) + away / (3 * spread * spread)) if s < count else np.float32(0)


@njit(cache=True, nogil=True)
def add_by_patch(quality, view, agreement, patch, total, count):
    """Sum agreements by patch and photo into `total` and `count` [G,C]."""
    for t in range(quality.shape[0]):
        for s in range(quality.shape[1]):
            if quality[t, s] > 0.0:
                total[patch[t], view[t, s]] += agreement[t, s]
                count[patch[t], view[t, s]] += 1


@njit(cache=True, nogil=True)
def weigh(quality, view, agreement, patch, mean):
    """Multiply qualities by the agreement at the texel, and by that of the photo on the patch [G,C]."""
    for t in range(quality.shape[0]):
        for s in range(quality.shape[1]):
            quality[t, s] *= agreement[t, s] * mean[patch[t], view[t, s]]
            if quality[t, s] < LEAST_WEIGHT:
                quality[t, s] = np.float32(0)


@njit(cache=True, nogil=True)
def sort_slots(quality, color, low, view):
    """Bring the slots of each texel into the order of falling quality."""
    for t in range(quality.shape[0]):
        for end in range(1, quality.shape[1]):
            s = end
            while s > 0 and quality[t, s - 1] < quality[t, s]:
                quality[t, s - 1], quality[t, s] = quality[t, s], quality[t, s - 1]
                view[t, s - 1], view[t, s] = view[t, s], view[t, s - 1]
                for c in range(3):
                    color[t, s - 1, c], color[t, s, c] = color[t, s, c], color[t, s - 1, c]
                    low[t, s - 1, c], low[t, s, c] = low[t, s, c], low[t, s - 1, c]
                s -= 1


@njit(cache=True, nogil=True, fastmath=True)
def blend(quality, color, low, view, gains, sharpness, out):
    """Colors [T,3] in two frequency bands (Burt and Adelson 1983): the coarse colors' mean by quality, and detail of the best slots.

    Detail is weighted by quality to the power `sharpness`, and twice reweighted by its slot's distance from the mean (IRLS).
    """
    slots = quality.shape[1]
    weight = np.empty(slots, np.float32)
    leveled, coarse = np.empty((slots, 3), np.float32), np.empty((slots, 3), np.float32)
    mean, detail = np.empty(3, np.float32), np.empty(3, np.float32)
    for t in range(quality.shape[0]):
        best = quality[t, 0]
        if best <= 0.0:
            continue
        count, whole = 0, np.float32(0)
        mean[:] = np.float32(0)
        while count < slots and quality[t, count] > 0.0:
            share = quality[t, count] / best
            weight[count] = share**sharpness
            whole += share
            for c in range(3):
                gain = gains[view[t, count], c]
                leveled[count, c] = min(np.float32(255), color[t, count, c] * gain)
                coarse[count, c] = min(np.float32(255), low[t, count, c] * gain)
                mean[c] += share * coarse[count, c]
            count += 1
        mean /= whole
        for step in range(3):
            total = np.float32(0)
            detail[:] = np.float32(0)
            for s in range(count):
                w = weight[s]
                if step > 0:
                    w *= agreement(leveled[s, 0], leveled[s, 1], leveled[s, 2], out[t])
                total += w
                for c in range(3):
                    detail[c] += w * (leveled[s, c] - coarse[s, c])
            for c in range(3):
                out[t, c] = min(max(mean[c] + detail[c] / total, np.float32(0)), np.float32(255))


@njit(inline="always")
def agreement(r, g, b, mean):
    """Weight of a photo's color by its distance from the mean (Cauchy): one half at 25 gray levels."""
    away = (r - mean[0]) ** 2 + (g - mean[1]) ** 2 + (b - mean[2]) ** 2
    return np.float32(1) / (np.float32(1) + away / np.float32(3 * 25 * 25))


@njit(cache=True, nogil=True)
def gather(face, barycentric, faces, difference, seen, total, weight):
    """Add the seen texels' values [T,3] to the vertices of their faces with barycentric weights."""
    for t in range(face.shape[0]):
        if seen[t]:
            b1, b2 = barycentric[t, 0], barycentric[t, 1]
            for k in range(3):
                b = b1 if k == 1 else (b2 if k == 2 else 1 - b1 - b2)
                n = faces[face[t], k]
                weight[n] += b
                for c in range(3):
                    total[n, c] += b * difference[t, c]


@njit(cache=True, nogil=True)
def interpolate(face, barycentric, faces, values, out):
    """Values [T,3] at texels from those of the vertices [V,3]."""
    for t in range(face.shape[0]):
        b1, b2 = barycentric[t, 0], barycentric[t, 1]
        i0, i1, i2 = faces[face[t], 0], faces[face[t], 1], faces[face[t], 2]
        for c in range(3):
            out[t, c] = (1 - b1 - b2) * values[i0, c] + b1 * values[i1, c] + b2 * values[i2, c]


@njit(cache=True, nogil=True)
def dilate(picture, filled, steps):
    """Dilate the filled texels (1, others 0) by one in each step: a new one takes the mean of its neighbors of the step before."""
    height, width = filled.shape
    waiting = 255
    front = np.empty(height * width, np.int32)
    last = 0
    for y in range(height):
        for x in range(width):
            if filled[y, x] == 1:
                last = _queue_around(y, x, filled, waiting, front, last)
    first = 0
    for step in range(1, steps + 1):
        end = last
        for k in range(first, end):
            y, x = front[k] // width, front[k] % width
            count, r, g, b = 0, 0, 0, 0
            for j in range(max(0, y - 1), min(height, y + 2)):
                for i in range(max(0, x - 1), min(width, x + 2)):
                    if 0 < filled[j, i] <= step:
                        count += 1
                        r += picture[j, i, 0]
                        g += picture[j, i, 1]
                        b += picture[j, i, 2]
            picture[y, x, 0], picture[y, x, 1], picture[y, x, 2] = r // count, g // count, b // count
        for k in range(first, end):
            filled[front[k] // width, front[k] % width] = step + 1
        for k in range(first, end):
            last = _queue_around(front[k] // width, front[k] % width, filled, waiting, front, last)
        first = end
    for k in range(first, last):
        filled[front[k] // width, front[k] % width] = 0


@njit(inline="always")
def _queue_around(y, x, filled, waiting, front, last):
    height, width = filled.shape
    for j in range(max(0, y - 1), min(height, y + 2)):
        for i in range(max(0, x - 1), min(width, x + 2)):
            if filled[j, i] == 0:
                filled[j, i] = waiting
                front[last] = j * width + i
                last += 1
    return last
