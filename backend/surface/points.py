"""Triangles from point clouds: Poisson, moving least squares, radial basis functions or alpha shape."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import ReifyError
from ..jobs.job import Job
from ..settings import option
from ..values import Array, Mesh, Points

FINEST = 1024  # voxels along the cloud's longest side at most


@dataclass(frozen=True)
class PointSettings:
    """What can be set about surfaces of points."""

    fit: float = option(
        4.0, "How closely Poisson passes through the points: less is smoother, 0 follows the normals alone", low=0.0, high=100.0
    )
    trim: float = option(
        0.0,
        "Cut off surface that is this many spacings away from all points, or 0 to keep it closed",
        low=0.0,
        high=100.0,
    )
    ball: float = option(
        0.0, "Radius of the ball that alpha shapes are rolled by, or 0 for the smallest that doesn't get inside",
        low=0.0, high=1e6, unit="m", advanced=True,
    )  # fmt: skip


def surface_of_points(
    points: Points,
    extraction: str,
    polygons: str,
    settings: PointSettings,
    *,
    voxel_size: float = 0.0,
    max_voxels: int = 6_000_000,
    centers: Array | None = None,
    job: Job,
) -> Mesh:
    """The surface through a cloud, with its colors, by `extraction`: "poisson", "mls", "rbf" or "alpha".

    `polygons` is one of extract.POLYGONS; a `voxel_size` of 0 follows the points' spacing. `centers` [C,3] of cameras turn
    normals where the points have none. Raises ReifyError where the cloud is too small or flat.
    """
    from . import alpha, implicit, poisson
    from .cloud import cloud_of, colors_at
    from .extract import polygons_of

    with job.span(0.2):
        cloud = cloud_of(points, centers, oriented=extraction != "alpha", job=job)
    if extraction == "alpha":
        with job.span(1.0):
            return alpha.alpha_shape(cloud, settings.ball, job=job)
    extent = float(np.ptp(cloud.xyz, axis=0).max())
    finest = extent / FINEST
    field = None
    with job.span(0.95):
        if extraction == "poisson":
            grid = poisson.screened_poisson(cloud, max(voxel_size or cloud.spacing, finest), max_voxels, settings.fit, job=job)
        elif extraction == "mls":
            grid = implicit.moving_least_squares(cloud, max(voxel_size or cloud.spacing, finest), max_voxels, job=job)
        else:
            grid, field = implicit.radial_basis(cloud, voxel_size and max(voxel_size, finest), max_voxels, job=job)
    job.progress(0.95, "cutting cells")
    mesh = polygons_of(grid, polygons, field)
    if settings.trim > 0:
        mesh = _trimmed(mesh, cloud.xyz, settings.trim * max(cloud.spacing, grid.voxel))
    if len(mesh.faces) == 0:
        raise ReifyError("No surface was found between the points.", "Choose another extraction, or a larger voxel size.")
    if cloud.rgb is None:
        return mesh
    job.progress(0.97, "colors")
    return replace(mesh, vertex_srgb=colors_at(mesh.vertices, cloud.xyz, cloud.rgb))


def _trimmed(mesh: Mesh, xyz: Array, farthest: float) -> Mesh:
    from scipy.spatial import cKDTree

    from .trim import cut

    distance, _ = cKDTree(xyz).query(mesh.vertices, distance_upper_bound=3 * farthest, workers=-1)
    return cut(mesh, farthest - np.minimum(distance, 3 * farthest))[0]
