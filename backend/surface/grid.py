"""Truncated signed distances (TSDF) in blocks of voxels around the surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import device
from ..errors import ReifyError
from ..jobs.job import Job
from ..values import Array
from . import region
from .depth import DepthMaps
from .region import Ball

BLOCK = 8  # voxels along a block's edge
LARGEST = 256  # blocks along the edge of the whole grid
PIXELS = 1.5  # pixels that a voxel covers; rendered depth holds no finer detail
STRIDE_PX = 2  # between the pixels along whose rays blocks are allocated
REACH = 3.0  # truncations behind a surface that count as hidden by it; another surface is rarely as close
CROWD = 3.0  # ratio of the weight that sees a voxel as hidden to that which sees it as empty, above which it becomes solid
TRUNCATION = 4.0, 10.0  # voxels, least and most
NOISE = 8.0  # truncation by the median disagreement of depth maps
FILL = 8  # voxels around rims into which distances are diffused: half the width of holes that close
SWEEPS = 60  # of Gauss-Seidel with overrelaxation
FAINT = 1e-3  # weight of filled voxels


@dataclass(frozen=True, eq=False)
class SparseGrid:
    """Samples at the corners of cells: (i, j, k) of block b stands at origin + voxel * (8 * blocks[b] + (i, j, k))."""

    origin: Array  # [3] float64
    voxel: float  # world units
    truncation: float  # world units: distances are divided by it and clipped to [-1, 1]
    blocks: Array  # [B,3] int32
    slot: Array  # [X,Y,Z] int32, number of the block there, -1 for none
    distance: Array  # [B,8,8,8] float32, positive in front of the surface
    weight: Array  # [B,8,8,8] float32, 0 is unknown
    why: str = ""  # where the voxel size comes from, for the report


def allocate(maps: DepthMaps, ball: Ball, voxel_size: float, truncation_voxels: float, max_voxels: int) -> SparseGrid:
    """An empty grid with blocks up to the truncation before and behind every surface of a depth map within the ball.

    A `voxel_size` of 0 follows the pixels' footprint on the surface, a truncation of 0 the disagreement of the depth maps. Voxels grow
    where there would be more than `max_voxels`. Raises ReifyError where no depth map has a surface in the ball.
    """
    voxel, why = (voxel_size, "as set") if voxel_size > 0 else (PIXELS * pixel_footprint(maps, ball), f"{PIXELS} pixels on the surface")
    finest = 2 * ball.radius / (BLOCK * (LARGEST - 2))
    if voxel < finest:
        voxel, why = finest, f"the subject's size divided by {BLOCK * (LARGEST - 2)}"
    noise = region.disagreement(maps, ball) if truncation_voxels == 0 else 0.0
    while True:
        wanted = truncation_voxels or float(np.clip(NOISE * noise / voxel, *TRUNCATION))
        truncation = wanted * voxel
        origin, slot = _occupied(maps, ball, voxel, truncation)
        blocks = np.argwhere(slot >= 0).astype(np.int32, order="C")
        if len(blocks) == 0:
            raise ReifyError("No depth picture shows anything near the subject.", "Set a larger surface radius, or train longer.")
        if len(blocks) * BLOCK**3 <= max_voxels:
            break
        voxel, why = (
            voxel * max(1.05, (len(blocks) * BLOCK**3 / max_voxels) ** 0.5),
            f"as fine as {max_voxels / 1e6:.0f} million voxels allow",
        )
    slot[tuple(blocks.T)] = np.arange(len(blocks), dtype=np.int32)
    shape = (len(blocks), BLOCK, BLOCK, BLOCK)
    return SparseGrid(origin, voxel, truncation, blocks, slot, np.zeros(shape, np.float32), np.zeros(shape, np.float32), why)


def pixel_footprint(maps: DepthMaps, ball: Ball) -> float:
    """Median footprint of a pixel on the surface inside the ball, world units; raises ReifyError where there is none."""
    sizes = []
    for index, (depth, weight) in enumerate(zip(maps.depth, maps.weight, strict=True)):
        fx, fy, _, _ = maps.intrinsics(index)
        pose = maps.cameras.cam_from_world[index]
        middle = float((pose[:3, :3] @ np.asarray(ball.center) + pose[:3, 3])[2])
        inside = depth[(weight > 0) & (np.abs(depth - middle) < ball.radius)]
        if len(inside):
            sizes.append(float(np.median(inside)) / (fx * fy) ** 0.5)
    if not sizes:
        raise ReifyError("No depth picture shows anything near the subject.", "Set a larger surface radius, or train longer.")
    return float(np.median(sizes))


def integrate(grid: SparseGrid, maps: DepthMaps, crowd: float = CROWD, *, job: Job) -> None:
    """Average the signed distances of all depth maps into the grid, in place (Curless and Levoy 1996).

    Voxels that `crowd` times as many cameras see as hidden as see them empty become solid, so that noise behind a surface makes no
    second one.
    """
    device.prepare_numba()
    from . import grid_kernels as kernels

    hidden = np.zeros_like(grid.weight)
    poses = np.ascontiguousarray(maps.cameras.cam_from_world, np.float64)
    for index in range(len(maps)):
        job.progress(index / len(maps), f"fusing depth {index + 1} of {len(maps)}")
        pose, intrinsics = poses[index], np.array(maps.intrinsics(index))
        depth, facing, weight = maps.depth[index], maps.facing[index], maps.weight[index]

        def work(first: int, last: int, pose=pose, intrinsics=intrinsics, depth=depth, facing=facing, weight=weight) -> None:
            part = slice(first, last)
            kernels.integrate(
                grid.origin, grid.voxel, grid.truncation, REACH * grid.truncation, grid.blocks[part], pose, intrinsics,
                depth, facing, weight, grid.distance[part], grid.weight[part], hidden[part],
            )  # fmt: skip

        device.split(work, len(grid.blocks), parts=8, least=64)
    kernels.close_pockets(crowd, grid.distance, grid.weight, hidden)


def fill(grid: SparseGrid) -> None:
    """Diffuse the distances into unknown voxels around the surface's rims, in place: small holes close, rims grow.

    After Davis, Marschner, Garr and Levoy, "Filling holes in complex surfaces using volumetric diffusion" (2002).
    """
    device.prepare_numba()
    from . import grid_kernels as kernels

    distance, weight = grid.distance.reshape(-1), grid.weight.reshape(-1)
    voxels = kernels.find_rims(grid.blocks, grid.slot, distance, weight, FILL)
    kernels.diffuse(voxels, grid.blocks, grid.slot, distance, weight, SWEEPS, np.float32(FAINT))


def _occupied(maps: DepthMaps, ball: Ball, voxel: float, truncation: float) -> tuple[Array, Array]:
    device.prepare_numba()
    from scipy.ndimage import binary_closing

    from . import grid_kernels as kernels

    edge = BLOCK * voxel
    count = int(np.ceil(2 * (ball.radius + truncation) / edge)) + 2
    center = np.array(ball.center)
    origin = center - 0.5 * count * edge
    slot = np.full((count, count, count), -1, np.int32)

    def work(first: int, last: int) -> None:
        for index in range(first, last):
            kernels.mark_blocks(
                origin, voxel, slot, np.ascontiguousarray(maps.cameras.cam_from_world[index], np.float64), np.array(maps.intrinsics(index)),
                maps.depth[index], maps.weight[index], truncation, center, ball.radius, STRIDE_PX,
            )  # fmt: skip

    device.split(work, len(maps))
    # Closing adds blocks across the holes that `fill` closes.
    slot[binary_closing(slot >= 0, np.ones((3, 3, 3), bool))] = 0
    return origin, slot
