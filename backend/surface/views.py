"""Triangles from splats and their renderings: density, fused depth, a solid, Poisson through the depth's points, or the visual hull."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..errors import ReifyError
from ..jobs.job import Job
from ..values import Cameras, Mesh, Rendering, Splats, Views
from .fuse import SurfaceSettings, fuse_depth

Render = Callable[[Cameras, int], Rendering]


def surface_of_capture(splats: Splats, render: Render, views: Views, settings: SurfaceSettings, *, job: Job) -> Mesh:
    """The surface of splats that were trained on these views, with vertex colors; raises ReifyError as each extraction does.

    `render` draws the splats. "auto" fuses depth where a photo has no mask. Where all cut out the subject, nothing but the subject is
    dense: it takes the density of opaque splats, and the solid of faint ones and of surfels, which leave gaps in the density.
    """
    from .depth import by_expected_depth

    def solid() -> Mesh:
        drawn = by_expected_depth(render) if splats.surfels else render
        return surface_from_views(drawn, views, replace(settings, extraction="solid"), job=job)

    if settings.extraction == "solid":
        return solid()
    if settings.extraction not in ("auto", "density"):
        return surface_from_views(render, views, settings, job=job)
    from .density import DensitySettings, subject_of, surface_of_density, surface_of_opaque
    from .region import Ball

    if settings.extraction == "auto" and not all(alpha is not None and (alpha == 0).any() for alpha in views.alpha):
        job.record_choice("surface.extraction", "fuse, as not all photos cut out the subject")
        return surface_from_views(render, views, replace(settings, extraction="fuse"), job=job)
    if settings.extraction == "auto" and splats.surfels:
        job.record_choice("surface.extraction", "solid, as all photos cut out the subject, and splats are flat")
        return solid()
    ball = subject_of(splats, alone=True) if settings.radius == 0 else Ball((0.0, 0.0, 0.0), settings.radius)
    most = settings.max_voxels * 1_000_000
    if settings.extraction == "density":
        return surface_of_density(splats, ball, "cubes", DensitySettings(), settings.voxel_size, most, job=job)
    with job.span(0.5):
        mesh = surface_of_opaque(splats, ball, settings.voxel_size, most, job=job)
    if mesh is not None:
        job.record_choice("surface.extraction", "density, as all photos cut out the subject, and splats are opaque")
        return mesh
    job.warn(
        "The splats are faint, as on shiny subjects: fine relief of the mesh is uncertain. The preset Surface trains splats for meshes."
    )
    job.record_choice("surface.extraction", "solid, as all photos cut out the subject, and splats are too faint for their density")
    with job.span(1.0):
        return solid()


def surface_from_views(render: Render, views: Views, settings: SurfaceSettings, polygons: str = "cubes", *, job: Job) -> Mesh:
    """The surface that renderings or masks show, with vertex colors, by "fuse", "solid", "poisson" or "hull".

    `render(cameras, index)` draws camera `index` with depth along the viewing axis, 0 where nothing is. `polygons` is one of
    extract.POLYGONS; fused depth and solids are always triangles. Raises ReifyError as each extraction does.
    """
    if settings.extraction == "fuse":
        return fuse_depth(render, views, settings, job=job)
    if settings.extraction == "solid":
        from .solid import solid_of_views

        return solid_of_views(render, views, settings, job=job)
    from . import color, region
    from .depth import render_depth
    from .extract import polygons_of
    from .grid import PIXELS, pixel_footprint
    from .hull import visual_hull
    from .orbit import points_of
    from .points import PointSettings, surface_of_points

    if len(views) == 0:
        raise ReifyError("There are no cameras to look at the surface from.", "Use more photos, or photos that overlap more.")
    most = settings.max_voxels * 1_000_000
    with job.span(0.6):
        maps = render_depth(render, views, job=job)
    if settings.extraction == "hull":
        with job.span(0.95):
            grid = visual_hull(views, settings.voxel_size, most, settings.radius, job=job)
        job.progress(0.95, "cutting cells")
        mesh = polygons_of(grid, polygons)
        reach = 4.0 * grid.voxel, 8.0 * grid.voxel
        job.progress(0.97, "colors")
        colors, _ = color.vertex_colors(mesh.vertices, mesh.faces, maps, *reach)
        job.progress(0.99, "filling in colors")
        return color.with_all_colors(replace(mesh, vertex_srgb=colors))
    ball = region.find_region(maps) if settings.radius == 0 else region.Ball((0.0, 0.0, 0.0), settings.radius)
    with job.span(0.7):
        points = points_of(maps, ball, job=job)
    if len(points) == 0:
        raise ReifyError("The cameras don't agree about any surface.", "Train longer, or set a larger surface radius.")
    voxel = settings.voxel_size or PIXELS * pixel_footprint(maps, ball)
    with job.span(1.0):
        return surface_of_points(points, "poisson", polygons, PointSettings(), voxel_size=voxel, max_voxels=most, job=job)
