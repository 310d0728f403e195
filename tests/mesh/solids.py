"""Meshes that tests use."""

from __future__ import annotations

import numpy as np
from reify.backend.values import Mesh


def ball(radius: float = 1.0, center: tuple[float, float, float] = (0, 0, 0), n: int = 48) -> Mesh:
    """A sphere of rings, closed, colored by position."""
    polar, around = np.linspace(0, np.pi, n // 2 + 1)[1:-1], np.linspace(0, 2 * np.pi, n, endpoint=False)
    p, a = np.meshgrid(polar, around, indexing="ij")
    ring = np.stack([np.sin(p) * np.cos(a), np.sin(p) * np.sin(a), np.cos(p)], axis=-1).reshape(-1, 3)
    vertices = np.concatenate([ring, [[0, 0, 1], [0, 0, -1]]])
    i, j = np.meshgrid(np.arange(len(polar) - 1), np.arange(n), indexing="ij")
    a0, a1, b0, b1 = (x.ravel() for x in (i * n + j, i * n + (j + 1) % n, (i + 1) * n + j, (i + 1) * n + (j + 1) % n))
    k = np.arange(n)
    top, bottom, last = len(ring), len(ring) + 1, (len(polar) - 1) * n
    faces = [[a0, b0, a1], [a1, b0, b1], [np.full(n, top), k, (k + 1) % n], [last + k, np.full(n, bottom), last + (k + 1) % n]]
    all_faces = np.concatenate([np.stack(f, axis=1) for f in faces])
    return Mesh(
        (radius * vertices + center).astype(np.float32), all_faces.astype(np.int32), vertex_srgb=(0.5 + 0.5 * vertices).astype(np.float32)
    )


def joined(*parts: Mesh) -> Mesh:
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    return Mesh(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=False)]).astype(np.int32),
        vertex_srgb=np.concatenate([part.vertex_srgb for part in parts]),
    )


def grid(n: int, size: float = 1.0) -> Mesh:
    """A plane of n x n squares in two charts: the right half's UVs lie above the left half's."""
    x, y = (axis.ravel() for axis in np.meshgrid(*2 * [np.linspace(0, size, n + 1)], indexing="ij"))
    vertices = np.stack([x, y, np.zeros_like(x)], axis=1).astype(np.float32)
    i, j = (axis.ravel() for axis in np.meshgrid(*2 * [np.arange(n)], indexing="ij"))
    p, q, r, s = (u * (n + 1) + v for u, v in ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)))
    faces = np.concatenate([np.stack([p, q, r], axis=1), np.stack([p, r, s], axis=1)]).astype(np.int32)
    uvs = vertices[faces][..., :2] / size * 0.5
    right = vertices[faces].mean(axis=1)[:, 0] > size / 2
    uvs[right] += [-0.25, 0.5]
    colors = np.stack([x / size, y / size, 0 * x], axis=1).astype(np.float32)
    return Mesh(vertices, faces, uvs.astype(np.float32), colors, {"base_color": np.zeros((4, 4, 3), np.uint8)})


def sheet(n: int, height=lambda x, y: 0 * x) -> Mesh:
    """A square from 0 to 1 in x and y with the given relief."""
    x, y = (a.ravel() for a in np.meshgrid(np.linspace(0, 1, n + 1), np.linspace(0, 1, n + 1), indexing="ij"))
    i, j = (a.ravel() for a in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    p = i * (n + 1) + j
    faces = np.concatenate([np.stack([p, p + n + 1, p + n + 2], axis=1), np.stack([p, p + n + 2, p + 1], axis=1)])
    return Mesh(np.stack([x, y, height(x, y)], axis=1).astype(np.float32), faces.astype(np.int32))
