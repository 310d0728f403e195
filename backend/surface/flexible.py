"""Surfaces of cubes that a network has shaped: dual marching cubes with weights and moved corners.

Shen et al., "Flexible Isosurface Extraction for Gradient-Based Mesh Optimization" (FlexiCubes), SIGGRAPH 2023, section 4, written after
the paper. Corners of cubes are moved; each cube weighs its corners where its edges are crossed, and the crossings where its vertex is.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ..values import Array, Mesh
from .cells import crossed_cells, places
from .dual import EDGE_AXIS, EDGE_CORNER, passings, rings
from .grid import BLOCK, SparseGrid
from .sampling import grid_of

EMPTY = 1.0  # distance at corners that no cube has, as decoders were trained: far, in edges of the whole lattice


@dataclass(frozen=True, eq=False)
class Cubes:
    """M cubes of a lattice; corner k stands at (k & 1, k >> 1 & 1, k >> 2 & 1), edges are those of `marching.EDGES`."""

    places: Array  # [M,3] int, of corner 0, from 0
    distances: (
        Array  # [M,8] at corners, negative inside, by the edge of the whole lattice; where cubes share one, their mean counts, and so on
    )
    moves: Array  # [M,8,3] of corners, in cubes, each less than half of one
    corner_weights: Array  # [M,8], positive: more draws crossings away from the corner
    edge_weights: Array  # [M,12], positive: more draws the cube's vertex to the edge's crossing
    fold_weights: Array  # [M], positive: quads fold along the diagonal between larger ones
    colors: Array  # [M,8,3] sRGB at corners, 0 to 1


def flexible_surface(cubes: Cubes) -> Mesh:
    """The surface in cubes from the lattice's origin, colored, closed and manifold; cubes that aren't there are empty space.

    The mesh has no vertices where nothing is inside.
    """
    grid, corner = _grid(cubes)
    cells = crossed_cells(grid)
    if len(cells.pattern) == 0:
        return Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32), vertex_srgb=np.zeros((0, 3), np.float32))
    total = grid.distance.size
    stands = places(grid, cells.corners) - BLOCK + _spread(cubes.moves, corner, total)[cells.corners]
    colors = _spread(cubes.colors, corner, total)[cells.corners]
    cube = np.full(total, -1, np.int64)
    cube[corner[:, 0]] = np.arange(len(corner))
    cube = cube[cells.corners[:, 0]]
    passing = passings(cells)
    cell, number = passing.cell, passing.number
    start = EDGE_CORNER[number]
    end = start | 1 << EDGE_AXIS[number]
    distance = grid.distance.reshape(-1)[cells.corners] * _of_cube(cubes.corner_weights, cube)
    low, high = distance[cell, start], distance[cell, end]
    share = (low / (low - high))[:, None]
    weight = _of_cube(cubes.edge_weights, cube)[cell, number]
    vertices = _means((1 - share) * stands[cell, start] + share * stands[cell, end], weight, passing.vertex)
    colored = np.zeros(total, bool)  # empty space has no color that could mix with the surface's
    colored[corner] = True
    colored = colored[cells.corners]
    start_share, end_share = (1 - share) * colored[cell, start, None], share * colored[cell, end, None]
    mixed = (start_share * colors[cell, start] + end_share * colors[cell, end]) / (start_share + end_share)
    srgb = _means(mixed, weight, passing.vertex)
    fold = _of_cube(cubes.fold_weights[:, None], cube)[passing.owner, 0]
    ring = rings(grid, passing)
    product = fold[ring]
    ring = np.where((product[:, 0] * product[:, 2] > product[:, 1] * product[:, 3])[:, None], ring, np.roll(ring, -1, axis=1))
    faces = ring[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3).astype(np.int32)
    return Mesh(vertices.astype(np.float32), faces, vertex_srgb=srgb.astype(np.float32))


def _grid(cubes: Cubes) -> tuple[SparseGrid, Array]:
    """A grid with a block of margin before the lattice's origin, and the keys [M,8] of the cubes' corners in it."""
    offsets = np.array([[k & 1, k >> 1 & 1, k >> 2 & 1] for k in range(8)])
    stands = cubes.places.astype(np.int64)[:, None] + offsets + BLOCK
    count = stands.max(axis=(0, 1)) // BLOCK + 2
    held = np.zeros(tuple(count), bool)
    for step in itertools.product((-1, 1), repeat=3):  # cells with one corner in a cube reach a voxel further
        held[tuple(np.moveaxis((stands + step) // BLOCK, -1, 0))] = True
    blocks = np.argwhere(held).astype(np.int32)
    slot = np.cumsum(held.reshape(-1)).reshape(held.shape) - 1
    block, local = stands // BLOCK, stands % BLOCK
    corner = slot[tuple(np.moveaxis(block, -1, 0))] * BLOCK**3 + (local[..., 0] * BLOCK + local[..., 1]) * BLOCK + local[..., 2]
    total = len(blocks) * BLOCK**3
    known = np.zeros(total, bool)
    known[corner] = True
    values = np.where(known, _spread(cubes.distances, corner, total), EMPTY)
    return grid_of(np.zeros(3), 1.0, count, blocks, values.reshape(-1, BLOCK, BLOCK, BLOCK)), corner


def _spread(values: Array, corner: Array, total: int) -> Array:
    """Means [total,...] of what cubes say [M,8,...] at corners; 0 at those of none."""
    flat, keys = values.reshape(corner.size, -1), corner.reshape(-1)
    count = np.maximum(np.bincount(keys, minlength=total), 1)
    means = np.stack([np.bincount(keys, column, minlength=total) / count for column in flat.T], axis=1).astype(np.float32)
    return means.reshape(total, *values.shape[2:])


def _of_cube(values: Array, cube: Array) -> Array:
    """What cubes [K] say [M,...]; 1 for those that aren't there."""
    there = (cube >= 0).reshape(-1, *[1] * (values.ndim - 1))
    return np.where(there, values[cube], np.float32(1.0))


def _means(values: Array, weight: Array, owner: Array) -> Array:
    """Weighted means [V,3] of values [P,3] by owner."""
    total = np.bincount(owner, weight)
    return np.stack([np.bincount(owner, weight * column) / total for column in values.T], axis=1)
