"""Functions of space as sparse grids, sampled around their zero level."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..jobs.job import Job
from ..values import Array
from .grid import BLOCK, SparseGrid

HALF_DIAGONAL = 0.5 * BLOCK * 3**0.5  # of a block, voxels
CHUNK = 128  # blocks at once

Field = Callable[[Array], Array]


def lattice(low: Array, high: Array, voxel: float) -> tuple[Array, Array]:
    """Origin [3] and number of blocks [3] of a grid around a box, with a block to spare on either side."""
    count = np.ceil((np.asarray(high) - low) / (BLOCK * voxel)).astype(int) + 2
    origin = (np.asarray(low) + high) / 2 - 0.5 * BLOCK * voxel * count
    return origin, count


def sample(
    field: Field, low: Array, high: Array, voxel: float, steepness: float = 1.2, max_voxels: int = 1 << 62, *, job: Job
) -> SparseGrid:
    """Samples in the box from `low` to `high` [3], world units, in the blocks that the zero level can reach.

    `field` takes points [P,3] to distances [P], negative inside, NaN where unknown, with a Lipschitz constant of at most
    `steepness`. Voxels grow where there would be more than `max_voxels`.
    """
    origin, count = lattice(low, high, voxel)
    blocks = np.argwhere(np.ones(count, bool)).astype(np.int32)
    middles = origin + BLOCK * voxel * (blocks + 0.5)
    job.progress(0.0, "finding the surface")
    nearby = np.concatenate([np.abs(field(part)) for part in np.array_split(middles, max(1, len(middles) // 50_000))])
    blocks = blocks[nearby <= steepness * (HALF_DIAGONAL + 1) * voxel]
    if len(blocks) * BLOCK**3 > max_voxels:
        coarser = voxel * max(1.05, (len(blocks) * BLOCK**3 / max_voxels) ** 0.5)
        return sample(field, low, high, coarser, steepness, max_voxels, job=job)
    offsets = voxel * np.argwhere(np.ones((BLOCK,) * 3, bool))
    values = np.empty((len(blocks), BLOCK**3), np.float32)
    for first in range(0, len(blocks), CHUNK):
        job.progress(first / len(blocks), f"sampling block {first} of {len(blocks)}")
        corner = origin + BLOCK * voxel * blocks[first : first + CHUNK]
        values[first : first + CHUNK] = field((corner[:, None] + offsets).reshape(-1, 3)).reshape(-1, BLOCK**3)
    return grid_of(origin, voxel, count, blocks, values.reshape(-1, BLOCK, BLOCK, BLOCK))


def around(places: Array, reach: float, count: Array) -> Array:
    """Blocks [B,3] int32, of `count` [3], within `reach` voxels (half a block at most) of `places` [P,3] in voxels from the origin."""
    found = np.zeros(tuple(count), bool)
    for corner in np.argwhere(np.ones((2, 2, 2), bool)) * 2.0 - 1.0:
        block = np.floor((places + reach * corner) / BLOCK).astype(int).clip(0, np.asarray(count) - 1)
        found[tuple(block.T)] = True
    return np.argwhere(found).astype(np.int32)


def grid_of(origin: Array, voxel: float, count: Array, blocks: Array, values: Array) -> SparseGrid:
    """A grid of `count` [3] blocks, of which `blocks` [B,3] hold `values` [B,8,8,8]; NaN is unknown."""
    slot = np.full(tuple(count), -1, np.int32)
    slot[tuple(blocks.T)] = np.arange(len(blocks), dtype=np.int32)
    known = np.isfinite(values)
    distance = np.where(known, values, 0).astype(np.float32)
    return SparseGrid(np.asarray(origin, np.float64), float(voxel), float(voxel), blocks, slot, distance, known.astype(np.float32))
