"""The visual hull of silhouettes (Laurentini, 1994) as signed distances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .. import device
from ..errors import ReifyError
from ..geometry.masks import outline_distance
from ..geometry.vectors import rejections, unit
from ..jobs.job import Job
from ..values import Array, Cameras, Views
from .grid import PIXELS, SparseGrid
from .sampling import sample

LEAST_VIEWS = 3  # with masks
DISSENTERS = (
    2,
    8,
)  # silhouettes that it takes to carve a point, from this many masks on: below, one does; a faulty mask then cuts nothing off
MARGIN = 1.1  # half edge of the sampled box by the subject's reach


@dataclass(frozen=True, eq=False)
class Hull:
    """The visual hull as a function of space, and where it lies."""

    distance: Callable[[Array], Array]  # points [P,3], world, to signed distances [P], negative inside; NaN where no view looks
    center: Array  # [3]
    reach: float  # radius around the center that holds the hull, world units
    pixel: float  # median footprint of a pixel there, world units


def hull_of(views: Views, *, job: Job) -> Hull:
    """The visual hull of the silhouettes in `views.alpha`.

    A point is outside where DISSENTERS silhouettes say so: its distance is the second largest from the views' cones. Views whose
    border the subject touches don't carve outside of their pictures. Raises ReifyError where fewer than three views have masks, or
    these have nothing in common.
    """
    device.prepare_numba()
    from . import implicit_kernels as kernels

    subjects = {i: alpha >= 128 for i, alpha in enumerate(views.alpha) if alpha is not None}
    masked = [i for i, subject in subjects.items() if not np.all(subject)]
    if len(masked) < LEAST_VIEWS:
        raise ReifyError(
            f"{len(masked)} of the photos have a mask; a visual hull needs {LEAST_VIEWS} or more.",
            "Add masks or transparent backgrounds, or choose another extraction.",
        )
    outside, cameras = [], views.cameras.take(masked)
    for number, index in enumerate(masked):
        job.progress(number / len(masked), f"silhouette {number + 1} of {len(masked)}")
        outside.append(outline_distance(np.asarray(subjects[index])))
    center, reach, pixel = _region(cameras, outside)
    poses = np.ascontiguousarray(cameras.cam_from_world, np.float64)
    whole = [min(edge.min() for edge in (d[0], d[-1], d[:, 0], d[:, -1])) > 0 for d in outside]
    intrinsics = [np.array([K[0, 0], K[1, 1], K[0, 2], K[1, 2]]) for K in cameras.K]
    votes = DISSENTERS[0] if len(masked) >= DISSENTERS[1] else 1

    def distance(points: Array) -> Array:
        largest = np.full((len(points), votes), -np.inf)
        points = np.ascontiguousarray(points, np.float64)

        def work(first: int, last: int) -> None:
            for pose, lens, silhouette, closed in zip(poses, intrinsics, outside, whole, strict=True):
                kernels.carve(points[first:last], pose, lens, silhouette, closed, largest[first:last])

        device.split(work, len(points), parts=8, least=1024)
        agreed = np.where(np.isfinite(largest[:, -1]), largest[:, -1], largest[:, 0])  # where a single view looks, it decides
        return np.where(np.isfinite(agreed), agreed, np.nan)

    return Hull(distance, center, reach, pixel)


def visual_hull(views: Views, voxel: float, max_voxels: int, radius: float = 0.0, *, job: Job) -> SparseGrid:
    """Signed distances to the visual hull, see `hull_of`; `voxel` 0 follows the pixels' footprint.

    A `radius` clips it to that ball around the origin. Raises ReifyError as `hull_of` does, and where the hull is empty.
    """
    with job.span(0.3):
        hull = hull_of(views, job=job)
    center, reach = (hull.center, hull.reach) if radius == 0 else (np.zeros(3), MARGIN * radius)

    def field(points: Array) -> Array:
        out = hull.distance(points)
        return np.maximum(out, np.linalg.norm(points, axis=1) - radius) if radius > 0 else out

    voxel = max(voxel or PIXELS * hull.pixel, 2 * reach / 1024)
    with job.span(1.0):
        grid = sample(field, center - reach, center + reach, voxel, steepness=1.5, max_voxels=max_voxels, job=job)
    job.record_choice("hull.voxel_size", f"{grid.voxel:.3g}")
    if not (grid.distance[grid.weight > 0] < 0).any():
        raise ReifyError("The silhouettes have nothing in common.", "Check that masks and cameras belong together.")
    return grid


def _region(cameras: Cameras, outside: list[Array]) -> tuple[Array, float, float]:
    """The point nearest to the rays through the silhouettes' centroids, the subject's radius around it, and a pixel's footprint there."""
    centers, rays = cameras.centers, np.empty((len(cameras), 3))
    middles = []
    for i, silhouette in enumerate(outside):
        rows, columns = np.nonzero(silhouette < 0)
        middles.append(np.array([columns.mean() + 0.5, rows.mean() + 0.5]) if len(rows) else cameras.size_px[i] / 2.0)
        ray = np.linalg.inv(cameras.K[i]) @ [*middles[i], 1.0] @ cameras.cam_from_world[i, :3, :3]
        rays[i] = unit(ray)
    across = rejections(rays)
    middle = np.linalg.lstsq(across.sum(axis=0), np.einsum("cij,cj->i", across, centers), rcond=None)[0]
    radii, pixels = [], []
    for i, silhouette in enumerate(outside):
        place = cameras.cam_from_world[i, :3, :3] @ middle + cameras.cam_from_world[i, :3, 3]
        if place[2] <= 0:
            continue
        rows, columns = np.nonzero(silhouette < 0)
        seen = (cameras.K[i] @ place)[:2] / place[2]
        focal = (cameras.K[i, 0, 0] * cameras.K[i, 1, 1]) ** 0.5
        pixels.append(place[2] / focal)
        if len(rows):
            radii.append(np.hypot(columns + 0.5 - seen[0], rows + 0.5 - seen[1]).max() * place[2] / focal)
    if not radii:
        raise ReifyError("The silhouettes have nothing in common.", "Check that masks and cameras belong together.")
    return middle, MARGIN * float(max(radii)), float(np.median(pixels))
