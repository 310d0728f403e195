"""The cells of a sparse grid that the zero level crosses, as arrays: input of dual contouring and marching tetrahedra.

A corner's key is 512 block + 64 i + 8 j + k, its number in the flat arrays of the grid; an edge's is 3 corner + axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import device
from ..values import Array
from .grid import SparseGrid

LEAST_SHARE, MOST_SHARE = 0.01, 0.99  # where along an edge a crossing may lie; at the ends triangles would degenerate


@dataclass(frozen=True, eq=False)
class Cells:
    """M cells with corners on both sides of the zero level, all eight of them known."""

    pattern: Array  # [M] uint8, bit k is set where corner k (at k & 1, k >> 1 & 1, k >> 2 & 1) is inside
    corners: Array  # [M,8] int64 keys


def crossed_cells(grid: SparseGrid) -> Cells:
    """All cells of a grid that the zero level crosses."""
    device.prepare_numba()
    from . import cell_kernels, marching_kernels

    crossed = np.ones(256, np.int8)
    crossed[[0, 255]] = 0
    made = np.zeros(len(grid.blocks), np.int64)

    def count(first: int, last: int) -> None:
        marching_kernels.count_by_pattern(first, last, grid.blocks, grid.slot, grid.distance, grid.weight, crossed, made)

    device.split(count, len(grid.blocks), parts=8, least=64)
    total = int(made.sum())
    starts = np.cumsum(made) - made
    pattern, corners = np.empty(total, np.uint8), np.empty((total, 8), np.int64)

    def emit(first: int, last: int) -> None:
        cell_kernels.emit_cells(first, last, grid.blocks, grid.slot, grid.distance, grid.weight, starts, pattern, corners)

    device.split(emit, len(grid.blocks), parts=8, least=64)
    return Cells(pattern, corners)


def places(grid: SparseGrid, corners: Array) -> Array:
    """Positions [...,3] float64 of corners in voxels from the grid's origin."""
    local = corners % 512
    return 8.0 * grid.blocks[corners // 512] + np.stack([local // 64, local // 8 % 8, local % 8], axis=-1)


def shares(grid: SparseGrid, start: Array, end: Array) -> Array:
    """Fraction of the way from corners `start` to corners `end` at which the distance is zero, LEAST_SHARE to MOST_SHARE."""
    distance = grid.distance.reshape(-1)
    a, b = distance[start].astype(np.float64), distance[end].astype(np.float64)
    return np.clip(a / np.where(a == b, 1.0, a - b), LEAST_SHARE, MOST_SHARE)
