"""Numba kernels of the triangle rasterizer; imported on first use."""

from __future__ import annotations

import numpy as np
from numba import njit

BAND_ROWS = 16  # rows of pixels of one task


@njit(cache=True, nogil=True)
def set_up(vertices_cam, faces, K, width, height, near, edges, boxes):
    """Edge functions over (x, y) pixels and what their sum is times the depth, [F,10], and pixel boxes [F,4] (x0, x1, y0, y1).

    Edge functions of homogeneous coordinates (Olano and Greer, 1997) need no clipping: a point of the
    picture is inside where all three are positive, also where corners lie behind the camera. Two faces at
    an edge have exactly opposite functions there, to the last bit, so that no pixel falls between them.
    """
    fx, fy, cx, cy, skew = K[0, 0], K[1, 1], K[0, 2], K[1, 2], K[0, 1]
    for f in range(faces.shape[0]):
        a, b, c = vertices_cam[faces[f, 0]], vertices_cam[faces[f, 1]], vertices_cam[faces[f, 2]]
        boxes[f, 0], boxes[f, 1] = 0, 0
        if not (a[2] > near or b[2] > near or c[2] > near):
            continue
        x0, x1, y0, y1 = 0.0, float(width), 0.0, float(height)
        if a[2] > near and b[2] > near and c[2] > near:
            ua, ub, uc = (fx * a[0] + skew * a[1]) / a[2], (fx * b[0] + skew * b[1]) / b[2], (fx * c[0] + skew * c[1]) / c[2]
            va, vb, vc = fy * a[1] / a[2], fy * b[1] / b[2], fy * c[1] / c[2]
            # The first pixel center at or after the left edge is at ceil(x - 0.5) + 0.5.
            x0, x1 = max(x0, np.ceil(min(ua, ub, uc) + cx - 0.5)), min(x1, np.floor(max(ua, ub, uc) + cx - 0.5) + 1.0)
            y0, y1 = max(y0, np.ceil(min(va, vb, vc) + cy - 0.5)), min(y1, np.floor(max(va, vb, vc) + cy - 0.5) + 1.0)
        if not (x0 < x1 and y0 < y1):
            continue
        volume = a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) + a[2] * (b[0] * c[1] - b[1] * c[0])
        if volume == 0.0:
            continue
        side = 1.0 if volume > 0 else -1.0
        edges[f, 9] = side * volume
        for i in range(3):
            p, q = (b, c) if i == 0 else ((c, a) if i == 1 else (a, b))
            nx, ny, nz = p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]
            # From rays (x, y, 1) of the camera to pixels.
            ex = nx / fx
            ey = (ny - nx * skew / fx) / fy
            edges[f, 3 * i] = side * ex
            edges[f, 3 * i + 1] = side * ey
            edges[f, 3 * i + 2] = side * (nz - ex * cx - ey * cy)
        boxes[f, 0], boxes[f, 1], boxes[f, 2], boxes[f, 3] = int(x0), int(x1), int(y0), int(y1)


@njit(cache=True, nogil=True)
def bin_faces(boxes, bands):
    """Faces sorted by band of rows: offsets [bands + 1] and face numbers."""
    offsets = np.zeros(bands + 1, np.int64)
    for f in range(boxes.shape[0]):
        if boxes[f, 1] > boxes[f, 0]:
            for band in range(boxes[f, 2] // BAND_ROWS, (boxes[f, 3] - 1) // BAND_ROWS + 1):
                offsets[band + 1] += 1
    for band in range(bands):
        offsets[band + 1] += offsets[band]
    fill = offsets.copy()
    binned = np.empty(offsets[bands], np.int32)
    for f in range(boxes.shape[0]):
        if boxes[f, 1] > boxes[f, 0]:
            for band in range(boxes[f, 2] // BAND_ROWS, (boxes[f, 3] - 1) // BAND_ROWS + 1):
                binned[fill[band]] = f
                fill[band] += 1
    return offsets, binned


@njit(cache=True, nogil=True)
def draw_bands(first_band, last_band, offsets, binned, edges, boxes, near, face, barycentric, depth):
    """Nearest face [H,W], its perspective-correct barycentric coordinates [H,W,2] of corners 1 and 2, and depth [H,W]."""
    height = face.shape[0]
    for band in range(first_band, last_band):
        low, high = band * BAND_ROWS, min((band + 1) * BAND_ROWS, height)
        for k in range(offsets[band], offsets[band + 1]):
            f = binned[k]
            e = edges[f]
            x0, x1 = boxes[f, 0], boxes[f, 1]
            for y in range(max(low, boxes[f, 2]), min(high, boxes[f, 3])):
                v = y + 0.5
                r0, r1, r2 = e[1] * v + e[2], e[4] * v + e[5], e[7] * v + e[8]
                for x in range(x0, x1):
                    u = x + 0.5
                    b0, b1, b2 = e[0] * u + r0, e[3] * u + r1, e[6] * u + r2
                    if b0 >= 0.0 and b1 >= 0.0 and b2 >= 0.0:
                        total = b0 + b1 + b2
                        if total * near >= e[9] or total <= 0.0:
                            continue
                        z = e[9] / total
                        if depth[y, x] == 0.0 or z < depth[y, x]:
                            depth[y, x] = z
                            face[y, x] = f
                            barycentric[y, x, 0] = b1 / total
                            barycentric[y, x, 1] = b2 / total


@njit(cache=True, nogil=True)
def interpolate(face, barycentric, corners, out):
    """Values [H,W,D] from those of the faces' corners [F,3,D]; pixels without a face stay as they are."""
    for y in range(face.shape[0]):
        for x in range(face.shape[1]):
            f = face[y, x]
            if f >= 0:
                b1, b2 = barycentric[y, x, 0], barycentric[y, x, 1]
                for d in range(out.shape[2]):
                    out[y, x, d] = (1 - b1 - b2) * corners[f, 0, d] + b1 * corners[f, 1, d] + b2 * corners[f, 2, d]


@njit(cache=True, nogil=True)
def sample_texture(face, uv, texture, out):
    """Texture colors [H,W,3] (0 to 255) by bilinear interpolation at `uv` [H,W,2]; coordinates repeat outside [0,1]."""
    rows, columns = texture.shape[0], texture.shape[1]
    for y in range(face.shape[0]):
        for x in range(face.shape[1]):
            if face[y, x] < 0:
                continue
            u = (uv[y, x, 0] - np.floor(uv[y, x, 0])) * columns - 0.5
            v = (1.0 - (uv[y, x, 1] - np.floor(uv[y, x, 1]))) * rows - 0.5
            i, j = int(np.floor(u)), int(np.floor(v))
            a, b = np.float32(u - i), np.float32(v - j)
            i0, i1, j0, j1 = i % columns, (i + 1) % columns, j % rows, (j + 1) % rows
            for c in range(3):
                top = (1 - a) * texture[j0, i0, c] + a * texture[j0, i1, c]
                bottom = (1 - a) * texture[j1, i0, c] + a * texture[j1, i1, c]
                out[y, x, c] = (1 - b) * top + b * bottom
