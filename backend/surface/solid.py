"""Depth rendered from all cameras, fused into one closed body inside the visual hull of masked photos.

Fusing is that of fuse.py, which leaves a surface open where no camera looked, and splats' noise leaves sieves. Here every place is
solid or empty: empty is what cameras see through, what silhouettes carve away, and what lies beyond the convex hull of all that was
seen; the rest is solid. Its boundary is closed, an unseen underside ends flat, and what photos look into, such as a bowl, stays open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .. import device
from ..errors import ReifyError
from ..geometry.vectors import unit
from ..jobs.job import Job
from ..values import Array, Cameras, Mesh, Rendering, Views
from . import color, grid, region
from .density import without_cavities
from .depth import DepthMaps, render_depth
from .fuse import SurfaceSettings
from .grid import BLOCK, PIXELS, REACH, SparseGrid, pixel_footprint
from .hull import Hull, hull_of
from .marching import marching_cubes
from .orbit import AGREEING, TOLERANCE
from .region import Ball
from .sampling import HALF_DIAGONAL, lattice

NEIGHBORS = 12  # cameras, by their direction from the subject, that each depth picture is compared with
SIMILAR = 0.5  # cosine of the angle between directions from which cameras see mostly the same surface
STRIDE_PX = 3  # between the pixels whose points span the convex hull
COARSE = 4  # voxels between the samples that decide where blocks are needed; thinner parts are found by their distances
MOST_NOISE = 3.0  # voxels, standard deviation of the Gaussian that distances are smoothed by: that of the depth's noise, and at most this
STEEPNESS = 1.5  # Lipschitz constant of distances in pictures, which are measured across the viewing axis
NEAR = 0.5  # distance of such a sample by the truncation, below which a surface is close


def solid_of_views(render: Callable[[Cameras, int], Rendering], views: Views, settings: SurfaceSettings, *, job: Job) -> Mesh:
    """The closed surface of what depth renderings and masks leave solid, with vertex colors.

    `render(cameras, index)` draws camera `index` with depth along the viewing axis, 0 where nothing is. Raises ReifyError where fewer
    than three views have masks, renderings have no depth, or nothing solid is left.
    """
    device.prepare_numba()
    with job.span(0.45):
        maps = render_depth(render, views, job=job)
    with job.span(0.5):
        hull = hull_of(views, job=job)
    ball = region.find_region(maps) if settings.radius == 0 else Ball((0.0, 0.0, 0.0), settings.radius)
    job.record_choice("surface.region", f"radius {ball.radius:.3g} around ({', '.join(f'{x:.2g}' for x in ball.center)})")
    with job.span(0.6):
        maps = confirmed(maps, ball, job)
    limit = _limit(hull, _points(maps, ball), ball)
    with job.span(0.9):
        body = _body(maps, limit, ball, settings, job)
    job.progress(0.9, "marching cubes")
    mesh = without_cavities(Mesh(*marching_cubes(body)))
    if len(mesh.faces) == 0:
        raise ReifyError("No solid surface was found.", "Train longer, or check that masks and cameras belong together.")
    job.progress(0.95, "colors")
    colors, _ = color.vertex_colors(mesh.vertices, mesh.faces, maps, 0.5 * body.truncation, REACH * body.truncation)
    job.progress(0.99, "filling in colors")
    return color.with_all_colors(replace(mesh, vertex_srgb=colors))


def confirmed(maps: DepthMaps, ball: Ball, job: Job, tolerance: float = 0.0) -> DepthMaps:
    """The depth maps without weight in empty space, and where fewer than AGREEING cameras, a pixel's own among them, have its depth.

    They have it where it differs by less than `tolerance`, world units; 0 follows the ball and the depth's noise.

    Of few neighbors that look from SIMILAR directions half are enough. Depth behind a highlight is one camera's alone: averaged with
    the others it digs a pit, and where these look past each other, a tunnel. Empty space is left to the hull, which a single faulty
    mask doesn't change.
    """
    from . import grid_kernels as kernels

    tolerance = tolerance or max(TOLERANCE * ball.radius, 3.0 * region.disagreement(maps, ball))
    towards = unit(maps.cameras.centers - np.asarray(ball.center))
    cosines = towards @ towards.T
    nearest = np.argsort(-cosines, axis=1)[:, 1 : NEIGHBORS + 1]
    alike = (np.take_along_axis(cosines, nearest, axis=1) > SIMILAR).sum(axis=1)
    enough = np.minimum(AGREEING - 1, alike // 2)
    poses = np.ascontiguousarray(maps.cameras.cam_from_world, np.float64)
    weights: list[Array] = [np.zeros(0, np.uint8)] * len(maps)

    def work(first: int, last: int) -> None:
        for index in range(first, last):
            depth, weight = maps.depth[index], maps.weight[index]
            count, lens = np.zeros(depth.shape, np.int32), np.array(maps.intrinsics(index))
            for other in nearest[index]:
                lens_other = np.array(maps.intrinsics(other))
                kernels.count_witnesses(depth, weight, poses[index], lens, maps.depth[other], poses[other], lens_other, tolerance, count)
            weights[index] = np.where((count >= enough[index]) & np.isfinite(depth), weight, 0).astype(np.uint8)

    job.progress(0.0, f"comparing {len(maps)} depth pictures")
    device.split(work, len(maps))
    return replace(maps, weight=weights)


def _points(maps: DepthMaps, ball: Ball) -> Array:
    """Points [N,3] of all depth maps in the ball, every STRIDE_PX pixels."""
    found = [np.zeros((0, 3))]
    for index, (depth, weight) in enumerate(zip(maps.depth, maps.weight, strict=True)):
        rows, columns = (STRIDE_PX * grid_index for grid_index in np.nonzero(weight[::STRIDE_PX, ::STRIDE_PX]))
        fx, fy, cx, cy = maps.intrinsics(index)
        ray = np.stack([(columns + 0.5 - cx) / fx, (rows + 0.5 - cy) / fy, np.ones(len(rows))], axis=1)
        pose = maps.cameras.cam_from_world[index]
        found.append((ray * depth[rows, columns, None] - pose[:3, 3]) @ pose[:3, :3])
    points = np.concatenate(found)
    return points[np.linalg.norm(points - np.asarray(ball.center), axis=1) < ball.radius]


def _limit(hull: Hull, seen: Array, ball: Ball) -> Callable[[Array], Array]:
    """Points [P,3] to the signed distance from what may be solid: the hull, within the ball and the convex hull of points `seen` [N,3]."""
    from scipy.spatial import ConvexHull, QhullError

    from . import implicit_kernels as kernels

    try:
        planes = np.ascontiguousarray(np.unique(np.round(ConvexHull(seen).equations, 6), axis=0))
    except (QhullError, ValueError) as error:
        raise ReifyError("The cameras don't agree about any surface.", "Train longer, or set a larger surface radius.") from error

    def distance(points: Array) -> Array:
        points = np.ascontiguousarray(points, np.float64)
        out = np.fmax(hull.distance(points), np.linalg.norm(points - np.asarray(ball.center), axis=1) - ball.radius)
        inside = np.flatnonzero(out < 0)
        beyond, places = out[inside], points[inside]
        device.split(lambda a, b: kernels.farthest_plane(places[a:b], planes, beyond[a:b]), len(places), parts=8, least=1024)
        out[inside] = beyond
        return out

    return distance


def _body(maps: DepthMaps, limit: Callable[[Array], Array], ball: Ball, settings: SurfaceSettings, job: Job) -> SparseGrid:
    """Signed distances to the body in blocks around its boundary."""
    from . import grid_kernels as kernels

    voxel, why = (settings.voxel_size, "as set") if settings.voxel_size > 0 else (
        PIXELS * pixel_footprint(maps, ball), f"{PIXELS} pixels on the surface"
    )  # fmt: skip
    most = settings.max_voxels * 1_000_000
    noise = region.disagreement(maps, ball)
    job.progress(0.0, "placing voxels")
    while True:
        truncation = (settings.truncation or float(np.clip(grid.NOISE * noise / voxel, *grid.TRUNCATION))) * voxel
        origin, count = lattice(np.asarray(ball.center) - ball.radius, np.asarray(ball.center) + ball.radius, voxel)
        blocks = _boundary_blocks(maps, limit, ball, origin, count, voxel, truncation)
        if len(blocks) * BLOCK**3 <= most:
            break
        voxel, why = voxel * max(1.05, (len(blocks) * BLOCK**3 / most) ** 0.5), f"as fine as {settings.max_voxels} million voxels allow"
    body = _empty(origin, voxel, truncation, count, blocks)
    job.record_choice("surface.voxel_size", f"{voxel:.3g}, {why}")
    job.record_choice("surface.truncation", f"{truncation / voxel:.1f} voxels")
    with job.span(0.6):
        grid.integrate(body, maps, np.inf, job=job)  # few look into a bowl, but what is confirmed counts
    body.distance[body.weight <= 0] = -1.0
    job.progress(0.6, "smoothing by the depth's noise")
    kernels.smooth(body.blocks, body.slot, body.distance.reshape(-1), round(4 * min(noise / voxel, MOST_NOISE) ** 2))
    job.progress(0.7, "carving by the outlines")
    _clip(body, limit)
    return body


def _boundary_blocks(
    maps: DepthMaps, limit: Callable[[Array], Array], ball: Ball, origin: Array, count: Array, voxel: float, truncation: float
) -> Array:
    """Blocks [B,3] that the body's boundary can pass, by samples COARSE voxels apart."""
    from scipy.ndimage import binary_dilation

    across = -(-count * (BLOCK // COARSE) // BLOCK)
    every = np.argwhere(np.ones(across, bool)).astype(np.int32)
    coarse = _empty(origin, COARSE * voxel, truncation, across, every)
    grid.integrate(coarse, maps, np.inf, job=Job())
    surface = (np.abs(coarse.distance) < NEAR) & (coarse.weight > 0)
    coarse.distance[coarse.weight <= 0] = -1.0
    _clip(coarse, limit)
    solid, surface = _dense(coarse.distance < 0, across), _dense(surface, across)
    around = np.ones((3, 3, 3), bool)
    mixed = binary_dilation(solid, around) & (binary_dilation(~solid, around) | binary_dilation(surface, around))
    samples = BLOCK // COARSE
    mixed = mixed[tuple(slice(0, n) for n in count * samples)]
    return np.argwhere(
        mixed.reshape(count[0], samples, count[1], samples, count[2], samples).any(axis=(1, 3, 5))
    ).astype(np.int32)  # fmt: skip


def _dense(values: Array, count: Array) -> Array:
    """Values [B,8,8,8] of all blocks of a grid, in the order of `argwhere`, as one array."""
    whole = values.reshape(*count, BLOCK, BLOCK, BLOCK).transpose(0, 3, 1, 4, 2, 5)
    return whole.reshape(count * BLOCK)


def _empty(origin: Array, voxel: float, truncation: float, count: Array, blocks: Array) -> SparseGrid:
    slot = np.full(tuple(count), -1, np.int32)
    slot[tuple(blocks.T)] = np.arange(len(blocks), dtype=np.int32)
    shape = (len(blocks), BLOCK, BLOCK, BLOCK)
    return SparseGrid(origin, voxel, truncation, blocks, slot, np.zeros(shape, np.float32), np.zeros(shape, np.float32))


def _clip(body: SparseGrid, limit: Callable[[Array], Array]) -> None:
    """Make what lies beyond the limit empty, in place; all voxels count as known then."""
    middles = body.origin + BLOCK * body.voxel * (body.blocks + 0.5)
    margin = (HALF_DIAGONAL * STEEPNESS + 2.0) * body.voxel
    reached = np.flatnonzero(limit(middles) > -margin)
    offsets = body.voxel * np.argwhere(np.ones((BLOCK,) * 3, bool))
    for some in np.array_split(reached, len(reached) // 512 + 1):
        distance = body.distance[some].reshape(-1)
        undecided = np.flatnonzero(distance < 1.0)
        points = ((body.origin + BLOCK * body.voxel * body.blocks[some])[:, None] + offsets).reshape(-1, 3)[undecided]
        distance[undecided] = np.maximum(distance[undecided], np.clip(limit(points) / body.truncation, -1.0, 1.0))
        body.distance[some] = distance.reshape(-1, BLOCK, BLOCK, BLOCK)
    body.weight[:] = 1.0
