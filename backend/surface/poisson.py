"""Screened Poisson reconstruction: the closed surface whose normals and places fit a cloud of oriented points.

After Kazhdan and Hoppe, "Screened Poisson surface reconstruction" (2013), on regular grids instead of an octree: the equation is
solved on a coarse grid over the whole box, by conjugate gradients preconditioned with a fast sine transform, and then cascadically at
twice the resolution, in blocks around the points and the surface so far, with the coarser level as Dirichlet boundary. The unknown is
an indicator function: -1/2 inside, +1/2 outside and on the border of the box.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .. import device
from ..jobs.job import Job
from ..values import Array
from .cells import crossed_cells, places
from .cloud import Cloud, thinned
from .grid import BLOCK, SparseGrid
from .sampling import around

BASE_BLOCKS = (8, 15)  # along the coarse grid's edge, fewest and most
MARGIN = 1.25  # edge of the box by that of the cloud's bounding cube
REACH = 4.0  # voxels around points and surface that a level holds
BASE_STEPS, STEPS = 60, 30  # of conjugate gradients at most, on the coarse grid and on finer levels
TOLERANCE = 1e-3  # relative residual, in the preconditioner's norm, at which they stop


@dataclass(frozen=True, eq=False)
class _Level:
    blocks: Array  # [B,3]
    slot: Array  # [X,Y,Z]
    voxel: float
    values: Array  # [512 B] float32


def screened_poisson(cloud: Cloud, voxel: float, max_voxels: int, fit: float = 4.0, *, job: Job) -> SparseGrid:
    """A grid of `voxel` world units whose zero level is closed; voxels are larger where there would be more than `max_voxels`.

    `fit` is the screening weight, of the points' positions against their normals: 4 is the paper's, 0 is unscreened.
    """
    device.prepare_numba()
    low, high = cloud.xyz.min(axis=0), cloud.xyz.max(axis=0)
    edge = MARGIN * max(float((high - low).max()), BLOCK * voxel)
    depth = max(0, int(np.ceil(np.log2(edge / (voxel * BLOCK * BASE_BLOCKS[1])))))
    count = max(BASE_BLOCKS[0], int(np.ceil((edge / (voxel * 2**depth) + 1) / BLOCK)))
    coarse = voxel * 2**depth
    origin = (low + high) / 2 - 0.5 * coarse * (BLOCK * count - 1)
    job.progress(0.0, "Poisson: coarse grid")
    level = base = _solve_base(cloud, origin, coarse, count, fit)
    dense = _dense(base.values, count)
    for number in range(1, depth + 1):
        # Each level has four times the voxels of the one before.
        job.progress(0.1 + 0.9 * 4.0 ** (number - 1 - depth), f"Poisson: level {number} of {depth}")
        finer = _refined(level, cloud, origin, count * 2**number)
        if len(finer[0]) * BLOCK**3 > max_voxels:
            job.record_choice("poisson.voxel_size", f"{level.voxel:.3g}, as fine as {max_voxels / 1e6:.0f} million voxels allow")
            break
        level = _solve(level, finer, cloud, origin, dense, 2.0**number, fit)
    else:
        job.record_choice("poisson.voxel_size", f"{level.voxel:.3g}")
    return _grid(level, origin)


def _solve_base(cloud: Cloud, origin: Array, voxel: float, count: int, fit: float) -> _Level:
    from scipy.fft import dstn, idstn

    blocks = np.argwhere(np.ones((count,) * 3, bool)).astype(np.int32)
    slot = np.arange(len(blocks), dtype=np.int32).reshape((count,) * 3)
    inner = BLOCK * count - 2
    wave = 2.0 - 2.0 * np.cos(np.pi * np.arange(1, inner + 1) / (inner + 1))
    spectrum = (wave[:, None, None] + wave[:, None] + wave).astype(np.float32)

    def poisson(residual: Array) -> Array:
        solved = np.zeros((BLOCK * count,) * 3, np.float32)
        inside = _dense(residual, count)[1:-1, 1:-1, 1:-1]
        solved[1:-1, 1:-1, 1:-1] = idstn(dstn(inside, type=1, workers=-1) / spectrum, type=1, workers=-1)
        return _blocked(solved, count)

    start = _Level(blocks, slot, voxel, np.full(512 * len(blocks), 0.5, np.float32))
    return _relaxed(start, cloud, origin, fit, poisson, BASE_STEPS)


def _refined(level: _Level, cloud: Cloud, origin: Array, count: int) -> tuple[Array, Array]:
    """Blocks [B,3] and slots of the next level, around the points and the surface so far."""
    grid = _grid(level, origin)
    cells = crossed_cells(grid)
    found = np.concatenate([(cloud.xyz - origin) / level.voxel, places(grid, cells.corners[:, 0]) + 0.5])
    blocks = around(2.0 * found, REACH, np.full(3, count))
    slot = np.full((count,) * 3, -1, np.int32)
    slot[tuple(blocks.T)] = np.arange(len(blocks), dtype=np.int32)
    return blocks, slot


def _solve(coarse: _Level, finer: tuple[Array, Array], cloud: Cloud, origin: Array, base: Array, ratio: float, fit: float) -> _Level:
    from . import poisson_kernels as kernels

    blocks, slot = finer
    values = np.empty(512 * len(blocks), np.float32)
    device.split(lambda a, b: kernels.prolong(a, b, blocks, coarse.values, coarse.slot, base, ratio, values), len(blocks), least=64)
    start = _Level(blocks, slot, coarse.voxel / 2, values)
    return _relaxed(start, cloud, origin, fit, None, STEPS)


def _relaxed(
    level: _Level,
    cloud: Cloud,
    origin: Array,
    fit: float,
    precondition: Callable[[Array], Array] | None,
    steps: int,
) -> _Level:
    """The level after conjugate gradients; samples at the border of the blocks stay (Dirichlet)."""
    from . import poisson_kernels as kernels

    points = thinned(cloud, 0.5 * level.voxel)
    place = (points.xyz - origin) / level.voxel
    area = points.area / level.voxel**2
    beside = np.empty((len(level.blocks), 6), np.int32)
    kernels.neighbors(level.blocks, level.slot, beside)
    keys, weights = np.empty((len(points), 8), np.int64), np.empty((len(points), 8), np.float32)
    kernels.weights_at(place, level.slot, keys, weights)
    strength = (fit * area).astype(np.float32)

    def apply(values: Array) -> Array:
        out = np.empty_like(values)
        device.split(lambda a, b: kernels.laplace(a, b, beside, values, out), len(level.blocks), least=64)
        kernels.screen(keys, weights, strength, values, out)
        out[fixed] = 0
        return out

    fixed = _border(beside)
    right = np.zeros_like(level.values)
    reach = np.clip(np.sqrt(area), 1.0, REACH - 0.5)
    kernels.splat_divergence(place, points.normals, area, reach, level.slot, right)
    right[fixed] = 0
    if precondition is None:
        diagonal = np.full_like(level.values, 6.0)
        np.add.at(diagonal, keys.ravel(), (strength[:, None] * weights**2).ravel())
        precondition = lambda residual: residual / diagonal  # noqa: E731
    return _Level(level.blocks, level.slot, level.voxel, _conjugate_gradients(apply, right, level.values, precondition, steps))


def _conjugate_gradients(
    apply: Callable[[Array], Array],
    right: Array,
    start: Array,
    precondition: Callable[[Array], Array],
    steps: int,
) -> Array:
    values = start.copy()
    residual = right - apply(values)
    along = better = precondition(residual)
    product = float(np.vdot(residual, better))
    enough = TOLERANCE**2 * product
    for _ in range(steps):
        pushed = apply(along)
        step = product / max(float(np.vdot(along, pushed)), 1e-30)
        values += np.float32(step) * along
        residual -= np.float32(step) * pushed
        better = precondition(residual)
        product, before = float(np.vdot(residual, better)), product
        if product <= enough:
            break
        along = better + np.float32(product / before) * along
    return values


def _border(beside: Array) -> Array:
    """Places [512 B] with a missing neighbor."""
    border = np.zeros((len(beside), BLOCK, BLOCK, BLOCK), bool)
    for side in range(6):
        missing = beside[:, side] < 0
        face = [slice(None)] * 3
        face[side // 2] = -1 if side % 2 else 0  # type: ignore[call-overload]
        border[(missing, *face)] = True
    return border.reshape(-1)


def _dense(values: Array, count: int) -> Array:
    size = BLOCK * count
    return values.reshape((count,) * 3 + (BLOCK,) * 3).transpose(0, 3, 1, 4, 2, 5).reshape((size,) * 3)


def _blocked(values: Array, count: int) -> Array:
    return np.ascontiguousarray(values.reshape(count, BLOCK, count, BLOCK, count, BLOCK).transpose(0, 2, 4, 1, 3, 5)).reshape(-1)


def _grid(level: _Level, origin: Array) -> SparseGrid:
    distance = level.values.reshape(-1, BLOCK, BLOCK, BLOCK)
    return SparseGrid(origin, level.voxel, level.voxel, level.blocks, level.slot, distance, np.ones_like(distance))
