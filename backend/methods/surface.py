"""To Mesh: splats or points become a mesh, by one of several ways of extracting a surface."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..errors import ReifyError
from ..jobs.job import Job
from ..jobs.meanwhile import apart
from ..mesh.cleaning import MeshSettings, clean
from ..settings import group, option
from ..splats.render import rasterize
from ..surface.density import DensitySettings, subject_of, surface_of_density
from ..surface.extract import POLYGONS
from ..surface.fuse import SurfaceSettings
from ..surface.orbit import cameras_around, views_of
from ..surface.points import PointSettings, surface_of_points
from ..surface.region import Ball
from ..surface.views import surface_from_views
from ..values import Array, Cameras, Given, Mesh, Points, Result, Splats
from . import Method

OF_SPLATS, OF_POINTS = ("fuse", "poisson", "density"), ("poisson", "mls", "rbf", "alpha")


@dataclass(frozen=True)
class Settings:
    """What can be set about it."""

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
    mesh: MeshSettings = group(MeshSettings, "Mesh")


def run(given: Given, settings: Settings, job: Job) -> Result:
    """Splats or points in, a mesh out; raises ReifyError where there is no surface in them, or the extraction doesn't fit."""
    chosen = replace(settings, extraction=_chosen(given.value, settings.extraction, job))
    work = _from_splats if isinstance(given.value, Splats) else _from_points
    mesh = job.stage("Extracting surface", apart(work), given.value, given.cameras, chosen)
    if not mesh.quads:  # cleaning would make triangles of them
        mesh = job.stage("Cleaning mesh", apart(clean), mesh, settings.mesh)
    return Result(name=given.name, report=job.report, mesh=mesh)


def _chosen(value: Splats | Points | Mesh, extraction: str, job: Job) -> str:
    kind, possible = ("splats", OF_SPLATS) if isinstance(value, Splats) else ("points", OF_POINTS)
    if extraction == "auto":
        job.choose("extraction", f"{possible[0]}, because these are {kind}")
        return possible[0]
    if extraction not in possible:
        raise ReifyError(f"The extraction {extraction!r} doesn't work on {kind}.", f"Choose one of: {', '.join(possible)}.")
    return extraction


def _from_points(points: Points, cameras: Cameras | None, settings: Settings, *, job: Job) -> Mesh:
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


def _from_splats(splats: Splats, cameras: Cameras | None, settings: Settings, *, job: Job) -> Mesh:
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
        job.choose("surface.cameras", f"{settings.views} all around, because none were given")
    views = views_of(cameras, settings.long_side_px)
    surface = SurfaceSettings(extraction=settings.extraction, voxel_size=settings.voxel_size, max_voxels=settings.max_voxels)
    return surface_from_views(partial(rasterize, splats), views, surface, settings.polygons, job=job)


def _within(splats: Splats, ball: Ball) -> Array:
    return np.linalg.norm(splats.means - np.array(ball.center, np.float32), axis=1) < ball.radius


METHOD = Method(
    id="surface",
    title="To Mesh",
    summary="Turn splats or a point cloud into a mesh",
    takes=(Splats, Points),
    gives=("mesh",),
    settings=Settings,
    run=run,
    presets={
        "Standard": {},
        "Preview": {"views": 32, "long_side_px": 320, "max_voxels": 1, "mesh.faces": 20_000},
        "High": {"views": 128, "long_side_px": 1280, "max_voxels": 24, "mesh.faces": 300_000},
    },
    stages={"Extracting surface": 0.8, "Cleaning mesh": 0.2},
    packages=("torch", "numba", "scipy", "fast_simplification", "safetensors"),
)
