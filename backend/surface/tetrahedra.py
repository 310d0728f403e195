"""Marching tetrahedra: cells are split into six tetrahedra around a diagonal, none of them ambiguous (Doi and Koide, 1991)."""

from __future__ import annotations

import functools
import itertools

import numpy as np

from ..values import Array, Mesh
from .cells import crossed_cells, places, shares
from .grid import SparseGrid

CHUNK = 200_000  # cells at once


def tetrahedra_surface(grid: SparseGrid) -> Mesh:
    """Triangles facing the positive side, closed and manifold wherever the grid is known; some three times those of cubes."""
    cells = crossed_cells(grid)
    table = _table()
    keys = [np.zeros((0, 3, 2), np.int64)]
    for first in range(0, len(cells.pattern), CHUNK):
        pattern, corners = cells.pattern[first : first + CHUNK], cells.corners[first : first + CHUNK]
        for ends in table.transpose(1, 0, 2, 3):
            triangles = ends[pattern]
            cell = np.flatnonzero(triangles[:, 0, 0] >= 0)
            keys.append(corners[cell[:, None, None], triangles[cell]])
    ends = np.concatenate(keys).reshape(-1, 2)
    size = max(grid.distance.size, 1)
    pairs, faces = np.unique(ends[:, 0] * size + ends[:, 1], return_inverse=True)
    start, end = pairs // size, pairs % size
    a, b = places(grid, start), places(grid, end)
    vertices = a + shares(grid, start, end)[:, None] * (b - a)
    return Mesh((grid.origin + grid.voxel * vertices).astype(np.float32), faces.reshape(-1, 3).astype(np.int32))


@functools.cache
def _table() -> Array:
    """For each pattern of inside corners up to 12 triangles, [256,12,3,2]: the two ends of the edge that each vertex lies on."""
    table = np.full((256, 12, 3, 2), -1, np.int8)
    for pattern in range(256):
        slot = 0
        for order in itertools.permutations((1, 2, 4)):
            tetrahedron = (0, order[0], order[0] | order[1], 7)
            for triangle in _triangles(tetrahedron, pattern):
                table[pattern, slot] = triangle
                slot += 1
    return table


def _triangles(tetrahedron: tuple[int, ...], pattern: int) -> list[list[tuple[int, int]]]:
    inside = [corner for corner in tetrahedron if pattern >> corner & 1]
    outside = [corner for corner in tetrahedron if not pattern >> corner & 1]
    if not inside or not outside:
        return []
    ring = [(i, o) for i in inside for o in outside]
    if len(ring) == 4:  # a quad: in order around it
        ring = [ring[0], ring[1], ring[3], ring[2]]
    middle = [np.mean([_place(i), _place(o)], axis=0) for i, o in ring]
    outward = np.mean([_place(o) for o in outside], axis=0) - np.mean([_place(i) for i in inside], axis=0)
    if np.dot(np.cross(middle[1] - middle[0], middle[2] - middle[0]), outward) < 0:
        ring = ring[::-1]
    ordered = [(min(ends), max(ends)) for ends in ring]
    return [[ordered[0], ordered[k], ordered[k + 1]] for k in range(1, len(ordered) - 1)]


def _place(corner: int) -> Array:
    return np.array([corner & 1, corner >> 1 & 1, corner >> 2 & 1], float)
