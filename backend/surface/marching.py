"""Marching cubes over a sparse grid, with a table that is consistent across ambiguous faces.

With the table of Lorensen and Cline (1987) neighboring cells can disagree about a face with two diagonally opposite inside corners.
Here these are always separated, from both sides alike, so that the mesh is closed and manifold wherever the grid is known.
"""

from __future__ import annotations

import functools
import itertools

import numpy as np

from .. import device
from ..values import Array
from .grid import SparseGrid

# Corner k of a cell stands at (k & 1, k >> 1 & 1, k >> 2 & 1); edge (corner, axis) leads from a corner to its neighbor.
EDGES = tuple((corner, axis) for corner in range(8) for axis in range(3) if not corner >> axis & 1)
# The corners of the six faces, counter-clockwise seen from outside.
FACES = ((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5))
MOST_TRIANGLES = 5


def marching_cubes(grid: SparseGrid) -> tuple[Array, Array]:
    """Vertices [V,3] float32 in the world and faces [F,3] int32, counter-clockwise from the positive side.

    Cells with a corner of no weight are left out: the surface ends there.
    """
    device.prepare_numba()
    from . import marching_kernels as kernels

    table, counts = triangle_table()
    edge_corner, edge_axis = np.array([corner for corner, _ in EDGES]), np.array([axis for _, axis in EDGES])
    made = np.zeros(len(grid.blocks), np.int64)

    def count(first: int, last: int) -> None:
        kernels.count_by_pattern(first, last, grid.blocks, grid.slot, grid.distance, grid.weight, counts, made)

    device.split(count, len(grid.blocks), parts=8, least=64)
    ends = np.cumsum(made)
    keys = np.empty((int(ends[-1]) if len(ends) else 0, 3), np.int64)

    def emit(first: int, last: int) -> None:
        kernels.emit_triangles(
            first, last, grid.blocks, grid.slot, grid.distance, grid.weight, counts, table, edge_corner, edge_axis, ends - made, keys
        )

    device.split(emit, len(grid.blocks), parts=8, least=64)
    edges, faces = np.unique(keys, return_inverse=True)
    vertices = np.empty((len(edges), 3))
    kernels.place_vertices(edges, grid.blocks, grid.slot, grid.distance, vertices)
    return (grid.origin + grid.voxel * vertices).astype(np.float32), faces.reshape(-1, 3).astype(np.int32)


@functools.cache
def triangle_table() -> tuple[Array, Array]:
    """For each of the 256 patterns of inside corners: triangles [256,5,3] int8 of indices into EDGES, and how many there are."""
    table, counts = np.full((256, MOST_TRIANGLES, 3), -1, np.int8), np.zeros(256, np.int8)
    for pattern in range(256):
        triangles = [t for loop in loops(pattern) for t in _triangulated(loop)]
        counts[pattern] = len(triangles)
        table[pattern, : len(triangles)] = np.array(triangles, np.int8).reshape(-1, 3)
    return table, counts


def loops(pattern: int, flipped: int = 0) -> list[list[int]]:
    """Closed loops of crossed edges in a cell, linked across its faces.

    On ambiguous faces, with two diagonally opposite corners inside, the inside corners are separated, or the outside ones where the
    face's bit in `flipped` is set.
    """
    follows = {}
    for number, face in enumerate(FACES):
        inside = [pattern >> corner & 1 for corner in face]
        joined = flipped >> number & 1 and inside in ([0, 1, 0, 1], [1, 0, 1, 0])
        for i in range(4):
            if inside[i] and not inside[i - 1]:
                j = i
                while inside[(j + 1) % 4]:
                    j += 1
                left = edge_number(face[i - 2], face[i - 1]) if joined else edge_number(face[j % 4], face[(j + 1) % 4])
                follows[edge_number(face[i - 1], face[i])] = left
    found = []
    while follows:
        first, following = follows.popitem()
        loop = [first]
        while following != first:
            loop.append(following)
            following = follows.pop(following)
        found.append(loop)
    return found


def edge_number(a: int, b: int) -> int:
    """The number in EDGES of the edge between two neighboring corners."""
    return EDGES.index((min(a, b), (a ^ b).bit_length() - 1))


def _triangulated(loop: list[int]) -> list[tuple[int, int, int]]:
    """The triangulation of a loop with the fewest diagonals in a face of the cell, where the neighbor could have the same one."""
    return min(_triangulations(tuple(loop)), key=lambda triangles: sum(_lies_in_a_face(*d) for d in _diagonals(triangles, loop)))


def _triangulations(loop: tuple[int, ...]) -> list[list[tuple[int, int, int]]]:
    if len(loop) < 3:
        return [[]]
    first, last = loop[0], loop[-1]
    return [
        [*before, (first, loop[k], last), *after]
        for k in range(1, len(loop) - 1)
        for before, after in itertools.product(_triangulations(loop[: k + 1]), _triangulations(loop[k:]))
    ]


def _diagonals(triangles: list[tuple[int, int, int]], loop: list[int]) -> set[tuple[int, int]]:
    sides = {tuple(sorted(pair)) for pair in zip(loop, loop[1:] + loop[:1], strict=True)}
    pairs = {tuple(sorted(pair)) for t in triangles for pair in itertools.combinations(t, 2)}
    return {(a, b) for a, b in pairs - sides}


def _lies_in_a_face(a: int, b: int) -> bool:
    corners = {EDGES[e][0] for e in (a, b)} | {EDGES[e][0] | 1 << EDGES[e][1] for e in (a, b)}
    return any(corners <= set(face) for face in FACES)
