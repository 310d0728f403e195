"""Extracting a surface as methods run it: from splats or points, into the cache."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..capture.views import load_views
from ..jobs.job import Job
from ..settings import group, option
from ..splats.render import rasterize
from ..values import Array, Cameras, Capture, Mesh, Points, Splats
from .density import DensitySettings, subject_of, surface_of_density
from .extract import POLYGONS
from .fuse import SurfaceSettings
from .orbit import cameras_around, views_of
from .points import PointSettings, surface_of_points
from .region import Ball
from .views import surface_from_views, surface_of_capture

READING = 0.05  # about its share of the time, where the photos weren't prepared before


@dataclass(frozen=True)
class ExtractionSettings:
    """How a surface is found in splats or points."""

    extraction: str = option(
        "auto",
        "How the surface is found",
        choices={
            "auto": "Fused depth for splats, screened Poisson for points",
            "fuse": "Splats: average their depth as cameras all around see it (TSDF); the closest to what one sees, open where nothing is",
            "poisson": "Splats and points: one closed skin (screened Poisson); watertight, robust to noise, guesses over holes",
            "density": "Splats: where they are dense, without looking at them; quick and closed, for single subjects",
            "mls": "Points: a smooth sheet through them (moving least squares); holes and rims stay open",
            "rbf": "Points: the smoothest closed body (radial functions); for up to some thousand, sparse or uneven ones",
            "alpha": "Points: triangles between the points themselves (alpha shape); no smoothing, needs no normals",
        },
    )
    polygons: str = option(
        "cubes", "What faces the surface is cut into; fused depth and alpha shapes are always triangles", choices=POLYGONS
    )
    voxel_size: float = option(
        0.0, "Edge of a voxel, or 0 to follow the points' spacing or the splats' detail", low=0.0, high=1000.0, unit="m"
    )
    max_voxels: int = option(
        6,
        "Most voxels around the surface; coarser ones are used where there would be more",
        low=1,
        high=2000,
        unit="million",
        advanced=True,
    )
    radius: float = option(
        0.0, "Distance from the splats' middle up to which there is surface, or 0 to find the subject", low=0.0, high=100_000.0, unit="m"
    )
    views: int = option(64, "Number of cameras that look at splats from all around", low=8, high=1000)
    long_side_px: int = option(640, "Longer side of their depth pictures; more shows finer detail", low=64, high=4096, unit="px")
    points: PointSettings = group(PointSettings, "Points")
    density: DensitySettings = group(DensitySettings, "Density")


def surface_from_photos(splats: Splats, capture: Capture, settings: SurfaceSettings, *, job: Job) -> Mesh:
    """The surface of splats as the cameras of their photos see it; raises ReifyError where there is none."""
    with job.span(READING):
        views = load_views(capture, settings.long_side_px, job=job)
    with job.span(1.0):
        return surface_of_capture(splats, partial(rasterize, splats), views, settings, job=job)


def surface_from_points(points: Points, cameras: Cameras | None, settings: ExtractionSettings, *, job: Job) -> Mesh:
    """The surface that `settings.extraction` (not "auto") finds in points; normals face the `cameras` where these are known."""
    return surface_of_points(
        points,
        settings.extraction,
        settings.polygons,
        settings.points,
        voxel_size=settings.voxel_size,
        max_voxels=settings.max_voxels * 1_000_000,
        centers=None if cameras is None else cameras.centers,
        job=job,
    )


def surface_from_splats(splats: Splats, cameras: Cameras | None, settings: ExtractionSettings, *, job: Job) -> Mesh:
    """The surface that `settings.extraction` (not "auto") finds in splats, seen by `cameras` or else from all around."""
    ball = subject_of(splats) if settings.radius == 0 else replace(subject_of(splats), radius=settings.radius)
    if settings.extraction == "density":
        return surface_of_density(
            splats, ball, settings.polygons, settings.density, settings.voxel_size, settings.max_voxels * 1_000_000, job=job
        )
    if cameras is None or settings.radius > 0:
        # From outside, whatever surrounds the subject would be in the way.
        splats = splats.take(_within(splats, ball))
    if cameras is None:
        cameras = cameras_around(ball, settings.views, settings.long_side_px)
        job.record_choice("surface.cameras", f"{settings.views} all around, because none were given")
    views = views_of(cameras, settings.long_side_px)
    surface = SurfaceSettings(extraction=settings.extraction, voxel_size=settings.voxel_size, max_voxels=settings.max_voxels)
    return surface_from_views(partial(rasterize, splats), views, surface, settings.polygons, job=job)


def _within(splats: Splats, ball: Ball) -> Array:
    return np.linalg.norm(splats.means - np.array(ball.center, np.float32), axis=1) < ball.radius
