"""Depth rendered from all cameras, fused into one mesh by a truncated signed distance in sparse blocks.

The distances are those of Curless and Levoy, "A volumetric method for building complex models from range images" (1996);
the triangles those of marching cubes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import ReifyError
from ..jobs.job import Job
from ..settings import option
from ..values import Cameras, Mesh, Rendering, Views

# A vertex counts as seen where either is reached; see color.py.
LEAST_AGREEMENT = 0.08  # share of the weight of all cameras that look at it
LEAST_SUPPORT = 0.5  # share of the weight of those with a free view

EXTRACTIONS = {  # see views.py
    "auto": "Density or solid if all photos cut out their subject, as its splats are opaque or faint; else fused depth",
    "fuse": "Average the depth of all cameras (TSDF): the closest to the photos, open where nothing was seen",
    "solid": "Fuse depth into one closed body inside the outlines of masked photos: whole where splats are faint, and flat underneath",
    "poisson": "One closed skin through all the depth's points (screened Poisson): watertight, guesses what wasn't seen",
    "hull": "What no mask cuts away (visual hull): needs masked photos, fills every hollow",
    "density": "Where splats are dense: for subjects that photos cut out; closed, what splats enclose is filled",
}


@dataclass(frozen=True)
class SurfaceSettings:
    """What can be set about surface extraction."""

    extraction: str = option("auto", "How the surface is found", choices=EXTRACTIONS)
    long_side_px: int = option(
        640, "Longer side of the depth pictures; more shows finer detail and takes longer", low=64, high=4096, unit="px"
    )
    voxel_size: float = option(0.0, "Edge of a voxel, or 0 to follow the pictures' resolution", low=0.0, high=1000.0, unit="m")
    radius: float = option(
        0.0, "Distance from the origin up to which there is surface, or 0 to find the subject", low=0.0, high=100_000.0, unit="m"
    )
    truncation: float = option(
        0.0,
        "Distance over which depth is averaged, or 0 to follow the depth's noise; more removes noise, less keeps thin parts",
        low=0.0,
        high=20.0,
        unit="voxels",
        advanced=True,
    )
    max_voxels: int = option(
        6,  # some 800 k triangles, several times as many as meshes are simplified to
        "Most voxels around the surface; coarser ones are used where there would be more",
        low=1,
        high=2000,
        unit="million",
        advanced=True,
    )


def fuse_depth(render: Callable[[Cameras, int], Rendering], views: Views, settings: SurfaceSettings, *, job: Job) -> Mesh:
    """The surface that depth renderings agree on, with vertex colors, open where no camera looked.

    `render(cameras, index)` draws camera `index` with depth along the viewing axis, 0 where nothing is. Transparent pixels of
    `views.alpha` are empty space; pixels without `views.weight` are ignored. Raises ReifyError where renderings have no depth or no
    surface is found.
    """
    from . import color, grid, marching, region, trim
    from .depth import render_depth

    if len(views) == 0:
        raise ReifyError("There are no cameras to look at the surface from.", "Use more photos, or photos that overlap more.")
    with job.span(0.6):
        maps = render_depth(render, views, job=job)
    ball = region.find_region(maps) if settings.radius == 0 else region.Ball((0.0, 0.0, 0.0), settings.radius)
    job.record_choice("surface.region", f"radius {ball.radius:.3g} around ({', '.join(f'{x:.2g}' for x in ball.center)})")
    most = settings.max_voxels * 1_000_000
    whole_ball = region.Ball(ball.center, ball.radius / trim.OUTLINE)
    job.progress(0.6, "placing voxels")
    volume = grid.allocate(maps, whole_ball, settings.voxel_size, settings.truncation, most)
    job.record_choice("surface.voxel_size", f"{volume.voxel:.3g}, {volume.why}")
    job.record_choice("surface.truncation", f"{volume.truncation / volume.voxel:.1f} voxels")
    with job.span(0.9):
        grid.integrate(volume, maps, job=job)
    job.progress(0.9, "closing small holes")
    grid.fill(volume)
    job.progress(0.92, "marching cubes")
    vertices, faces = marching.marching_cubes(volume)
    if len(faces) == 0:
        raise ReifyError("No solid surface was found.", "Train longer, or set a larger surface radius.")
    reach = 0.5 * volume.truncation, grid.REACH * volume.truncation
    job.progress(0.95, "colors")
    colors, agreement = color.vertex_colors(vertices, faces, maps, *reach)
    job.progress(0.96, "confirming the surface")
    support = color.support(vertices, faces, maps, *reach)
    whole, seen = Mesh(vertices, faces, vertex_srgb=colors), (agreement >= LEAST_AGREEMENT) | (support >= LEAST_SUPPORT)
    job.progress(0.97, "trimming the outline")
    mesh = trim.trim(whole, seen, whole_ball, volume.voxel)
    if len(mesh.faces) == 0:
        raise ReifyError("No solid surface was found.", "Train longer, or set a larger surface radius.")
    job.progress(0.99, "filling in colors")
    return color.with_all_colors(mesh)
