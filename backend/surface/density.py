"""Level sets of splats' density, which is the sum of all Gaussians weighted by opacity."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .. import device
from ..errors import ReifyError
from ..geometry import quaternions, topology, triangles
from ..jobs.job import Job
from ..settings import option
from ..values import SH_C0, Array, Mesh, Splats
from .grid import BLOCK, SparseGrid
from .region import Ball
from .sampling import lattice

LEAST_OPACITY = 0.05  # fainter splats are ignored
SIGMAS = 3.0  # standard deviations at which a Gaussian is cut off
BLUR = 0.6  # voxels: standard deviation of a Gaussian that every splat is convolved with, so that flat ones aren't missed between samples
FINEST = 512  # voxels along the region's radius at most
LARGEST = 0.25  # longest axis, by the region's radius, above which a splat is background
FLOODING = (1, 2, 4, 8)  # voxels along the edge of a flooded cell: the first at which there are at most MOST_FLOODED
MOST_FLOODED = 3e7  # cells of some 10 bytes each; FINEST and cells of 8 voxels make 1/8 of that
LEAK = 5  # voxels: radius of the morphological closing; the flood doesn't pass narrower gaps
MOST_OPEN = 0.1  # area of a cavity's openings by that of its walls, above which it isn't filled; between fingers they are about equal
FAINT_LEVEL = 0.05  # density that faint splats, too, reach
MOST_AREA = 1.3  # area at the usual level by that at FAINT_LEVEL, up to which splats are opaque; 1.02 for known shapes, 3 for a sieve
FLOOR = 1e-3  # lowest density, in levels, that differs from empty space


@dataclass(frozen=True)
class DensitySettings:
    """What can be set about surfaces of density."""

    level: float = option(
        0.4, "Density at which the surface lies: 1 is the middle of one opaque splat; less is thicker and closes gaps", low=0.01, high=10.0
    )


def surface_of_density(
    splats: Splats, ball: Ball, polygons: str, settings: DensitySettings, voxel_size: float, max_voxels: int, *, job: Job
) -> Mesh:
    """The outer surface of the density in the ball, with the splats' colors; raises ReifyError where the level isn't reached."""
    with job.span(0.8):
        density = log_density(splats, ball, voxel_size, max_voxels, job=job)
    job.progress(0.8, "cutting cells")
    return _colored(_cut(density, settings.level, polygons), splats, job)


def surface_of_opaque(splats: Splats, ball: Ball, voxel_size: float, max_voxels: int, *, job: Job) -> Mesh | None:
    """The outer surface of the density at its usual level; None where splats are too faint for that.

    Raises ReifyError where the ball holds no splats.
    """
    mesh = _cut_opaque(splats, ball, voxel_size, max_voxels, job)
    return None if mesh is None else _colored(mesh, splats, job)


def is_faint(splats: Splats, ball: Ball, voxel_size: float, max_voxels: int, *, job: Job) -> bool:
    """Whether splats are too faint for `surface_of_opaque`, with the same voxels: coarser ones blur gaps away.

    Raises ReifyError where the ball holds no splats.
    """
    return _cut_opaque(splats, ball, voxel_size, max_voxels, job) is None


def _cut_opaque(splats: Splats, ball: Ball, voxel_size: float, max_voxels: int, job: Job) -> Mesh | None:
    # Walls of opaque splats lie where they are at any level. Of faint ones a higher level keeps shreds, and holes that the flood passes:
    # the area is then that of both sides.
    with job.span(0.7):
        density = log_density(splats, ball, voxel_size, max_voxels, job=job)
    job.progress(0.7, "comparing levels")
    mesh, whole = (_cut(density, level, "cubes") for level in (DensitySettings().level, FAINT_LEVEL))
    areas = [float(triangles.areas(m.vertices, m.faces).sum()) for m in (mesh, whole)]
    return mesh if 0.0 < areas[0] <= MOST_AREA * areas[1] else None


def _cut(density: SparseGrid, level: float, polygons: str) -> Mesh:
    from .extract import polygons_of

    return without_cavities(polygons_of(at_level(density, level), polygons))


def _colored(mesh: Mesh, splats: Splats, job: Job) -> Mesh:
    from .cloud import colors_at

    if len(mesh.faces) == 0:
        raise ReifyError("The splats are nowhere as dense as that.", "Set a smaller density.")
    rgb = np.rint(255.0 * np.clip(0.5 + SH_C0 * splats.sh[:, 0], 0, 1)).astype(np.uint8)
    seen = (_opacity(splats) > 0.5) & np.isfinite(splats.means).all(axis=1)
    if not seen.any():
        return mesh
    job.progress(0.95, "colors")
    return replace(mesh, vertex_srgb=colors_at(mesh.vertices, splats.means[seen], rgb[seen]))


def subject_of(splats: Splats, alone: bool = False) -> Ball:
    """A ball around most of what is opaque, or nearly all of it where the subject is `alone`; raises ReifyError where nothing is."""
    seen = _opacity(splats) > LEAST_OPACITY
    means = splats.means[seen & np.isfinite(splats.means).all(axis=1)].astype(np.float64)
    if len(means) == 0:
        raise ReifyError("All splats are transparent: there is nothing to make a surface of.", "Choose other splats, or train longer.")
    center = np.median(means, axis=0)
    distance = np.linalg.norm(means - center, axis=1)
    x, y, z = (float(value) for value in center)
    radius = 1.1 * np.quantile(distance, 0.999) if alone else 1.3 * np.quantile(distance, 0.95)
    return Ball((x, y, z), float(max(radius, 1e-6)))


def log_density(splats: Splats, ball: Ball, voxel: float, max_voxels: int, *, job: Job) -> SparseGrid:
    """-log(density), as far as it is within what `at_level` needs, in blocks around the splats in the ball.

    `voxel` 0 follows the splats' sizes; voxels grow where there would be more than `max_voxels`, or more than FINEST along the
    ball's radius. Raises ReifyError where no opaque splat is in the ball.
    """
    device.prepare_numba()
    job.progress(0.0, "sorting splats into blocks")
    near = _in_ball(splats, ball)
    means, opacity = near.means.astype(np.float64), _opacity(near)
    covariance = _covariances(near)
    voxel = max(voxel or 0.7 * float(np.median(np.sort(np.exp(near.log_scales), axis=1)[:, 1])), ball.radius / FINEST)
    reach = SIGMAS * np.sqrt(np.einsum("nii->ni", covariance))
    low, high = (means - reach).min(axis=0), (means + reach).max(axis=0)
    while True:
        origin, count = lattice(low, high, voxel)
        places = (means - origin) / voxel
        widened = covariance / voxel**2 + BLUR**2 * np.eye(3)
        blocks, slot, starts, owners = _pairs(places, widened, count)
        if len(blocks) * BLOCK**3 <= max_voxels:
            break
        voxel *= max(1.05, (len(blocks) * BLOCK**3 / max_voxels) ** 0.5)
    job.record_choice("density.voxel_size", f"{voxel:.3g}")
    with job.span(1.0):
        density = _summed(places, widened, opacity, blocks, starts, owners, job)
    return SparseGrid(origin, voxel, voxel, blocks, slot, -np.log(np.maximum(density, 1e-30)), np.ones_like(density))


def at_level(density: SparseGrid, level: float) -> SparseGrid:
    """log(level / density) from `log_density`, negative inside; enclosed cavities are filled."""
    distance = np.minimum(np.log(level) + density.distance, -np.log(FLOOR)).astype(np.float32)
    cavity = _cavities(distance < 0, density.blocks, np.array(density.slot.shape))
    distance[cavity & (distance >= 0)] = -1.0
    return replace(density, distance=distance)


def without_cavities(mesh: Mesh) -> Mesh:
    """Without the closed parts of negative volume, which are the inner walls of hollow bodies."""
    part = topology.parts(mesh.faces, len(mesh.vertices))
    volume = np.bincount(part, triangles.signed_volumes(triangles.corners_of(mesh.vertices, mesh.faces)))
    kept = (volume > 0)[part]
    used, faces = topology.compact(mesh.vertices, mesh.faces[kept])
    return Mesh(mesh.vertices[used], faces, quads=int(kept.sum()) // 2 if mesh.quads else 0)


def _in_ball(splats: Splats, ball: Ball) -> Splats:
    near = np.linalg.norm(splats.means - np.array(ball.center, np.float32), axis=1) < ball.radius
    small = np.exp(splats.log_scales.max(axis=1, initial=-np.inf)) < LARGEST * ball.radius
    sound = np.isfinite(splats.means).all(axis=1) & np.isfinite(splats.log_scales).all(axis=1)
    chosen = splats.take(near & small & sound & (_opacity(splats) > LEAST_OPACITY))
    if len(chosen) == 0:
        raise ReifyError("There are no opaque splats near the subject.", "Set a larger radius, or choose other splats.")
    return chosen


def _opacity(splats: Splats) -> Array:
    return (1.0 / (1.0 + np.exp(-np.nan_to_num(splats.opacity_logits.astype(np.float64), nan=-50.0)))).astype(np.float32)


def _covariances(splats: Splats) -> Array:
    axes = quaternions.to_matrices(splats.quats.astype(np.float64)) * np.exp(splats.log_scales.astype(np.float64))[:, None]
    return axes @ axes.transpose(0, 2, 1)


def _cavities(solid: Array, blocks: Array, count: Array) -> Array:
    """Voxels [B,8,8,8] bool that `solid` encloses but for small leaks: splats lie on surfaces, with nothing inside.

    Outside is what a flood reaches with all leaks closed, dilated back up to the walls but never through one: what stayed open behind
    a wall would be a tunnel where the wall has two holes. Of the rest, components that are mostly open aren't cavities.
    """
    from scipy.ndimage import binary_dilation, label

    step = next((s for s in FLOODING if np.prod(BLOCK * count / s) <= MOST_FLOODED), FLOODING[-1])
    size = BLOCK // step
    cells = np.zeros((*count, size, size, size), bool)
    cells[tuple(blocks.T)] = solid.reshape(-1, size, step, size, step, size, step).any(axis=(2, 4, 6))
    walls = np.pad(cells.transpose(0, 3, 1, 4, 2, 5).reshape(size * count), 1)
    leak = -(-LEAK // step)
    empty, _ = label(~binary_dilation(walls, iterations=leak))
    outside = binary_dilation(empty == empty[0, 0, 0], iterations=leak + 1, mask=~walls)
    part, parts = label(~walls & ~outside)
    cavity = _enclosed(part, parts, outside, walls)[part]
    if step > 1:  # the walls' cells aren't solid throughout
        cavity = ~binary_dilation(~walls & ~cavity, np.ones((3, 3, 3), bool))
    cavity = cavity[1:-1, 1:-1, 1:-1].reshape(count[0], size, count[1], size, count[2], size).transpose(0, 2, 4, 1, 3, 5)[tuple(blocks.T)]
    return cavity.repeat(step, axis=1).repeat(step, axis=2).repeat(step, axis=3)


def _enclosed(part: Array, parts: int, outside: Array, walls: Array) -> Array:
    """Components [parts + 1] bool, numbered from 1, whose faces towards `outside` are few compared to those towards `walls`."""
    places = np.flatnonzero(part)
    owner = part.ravel()[places]
    steps = [sign * stride for stride in (1, part.shape[2], part.shape[1] * part.shape[2]) for sign in (-1, 1)]
    openings, faces = (
        np.bincount(owner, sum(cells.ravel()[places + step].astype(np.int8) for step in steps), minlength=parts + 1)
        for cells in (outside, walls)
    )
    return openings < MOST_OPEN * faces


def _pairs(places: Array, covariance: Array, count: Array) -> tuple[Array, Array, Array, Array]:
    """Blocks [B,3], their slots, and the splats that overlap each block b: owners[starts[b] : starts[b + 1]]."""
    from . import implicit_kernels as kernels

    reach = SIGMAS * np.sqrt(np.einsum("nii->ni", covariance)) + 1.0  # one more, so that cells on both sides of the level are known
    low, high = (np.floor((places + side) / BLOCK).astype(np.int64).clip(0, count - 1) for side in (-reach, reach))
    counts = np.zeros(tuple(count), np.int64)
    kernels.count_pairs(low, high, counts)
    blocks = np.argwhere(counts > 0).astype(np.int32)
    slot = np.full(tuple(count), -1, np.int32)
    slot[tuple(blocks.T)] = np.arange(len(blocks), dtype=np.int32)
    ends = np.cumsum(counts[tuple(blocks.T)])
    starts = np.append(0, ends)
    owners = np.empty(int(ends[-1]), np.int64)
    kernels.list_pairs(low, high, slot, ends, owners)
    return blocks, slot, starts, owners


def _summed(places: Array, covariance: Array, opacity: Array, blocks: Array, starts: Array, owners: Array, job: Job) -> Array:
    from . import implicit_kernels as kernels

    inverse = np.linalg.inv(covariance)
    precision = np.stack([inverse[:, i, j] for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))], axis=1).astype(np.float32)
    density = np.zeros((len(blocks), BLOCK, BLOCK, BLOCK), np.float32)
    step = max(1, len(blocks) // 20)
    for first in range(0, len(blocks), step):
        job.progress(first / len(blocks), "summing splats")
        last = min(first + step, len(blocks))

        def work(a: int, b: int, first: int = first) -> None:
            kernels.add_gaussians(first + a, first + b, blocks, starts, owners, places, precision, opacity, density)

        device.split(work, last - first, parts=8, least=16)
    return density
