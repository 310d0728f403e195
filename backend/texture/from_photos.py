"""A base color texture from photos with known cameras."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .. import device
from ..errors import ReifyError
from ..jobs.job import Job
from ..settings import option
from ..values import Array, Mesh, Views

SLOTS = 6  # photos that a texel blends
BYTES_A_TEXEL = 110  # of main memory at the peak, as measured at 2048 px with two thirds of the texels in islands


@dataclass(frozen=True)
class TextureSettings:
    """What can be set about texturing."""

    colors: str = option(
        "photos",
        "Where the mesh's colors come from",
        choices={
            "photos": "A texture made from the photos",
            "vertices": "Vertex colors of the splats only: fast, and as sharp as the mesh is fine",
        },
    )
    size_px: int = option(2048, "Width and height of the texture", low=128, high=16384, unit="px")
    long_side_px: int = option(1600, "Longer side at which photos are read for the texture", low=64, high=16384, unit="px")
    level_exposure: bool = option(True, "Make photos of different exposure and white balance agree where they overlap")
    level_seams: bool = option(True, "Take away the steps where neighboring places come from different photos")
    normal_map: bool = option(False, "Keep relief that was lost when the mesh was made smaller, as a normal map")
    sharpness: float = option(
        4.0, "How much the best photo of a place outweighs the others; low values blur and hide seams", low=1.0, high=32.0, advanced=True
    )
    margin_px: int = option(
        8, "Empty texels around every UV island, fewer where there are very many islands", low=1, high=64, unit="px", advanced=True
    )


def peak_bytes(settings: TextureSettings) -> int:
    """Bytes of main memory that a texture takes while it is made, without the photos."""
    return BYTES_A_TEXEL * settings.size_px**2 if settings.colors == "photos" else 0


def texture_from_photos(mesh: Mesh, views: Views, settings: TextureSettings, *, job: Job) -> Mesh:
    """The mesh with textures "base_color" and "coverage" (white where a photo sees the surface, black where colors are filled in).

    A texel blends the SLOTS photos of highest quality that see it (by depth): resolution on the surface, viewing angle, sharpness,
    distance to silhouettes, and agreement with the other photos there and on the patch of a chart around it. Coarse colors are those of
    all of them, detail that of the best; color steps between photos are leveled. Unseen texels are filled from their
    surroundings, with the detail of the vertex colors where the mesh has them. Raises ReifyError for a mesh without UVs, with
    positions that are no numbers, or that no photo sees.
    """
    if settings.colors == "vertices":
        job.record_choice("texture", "vertex colors, as set")
        return mesh
    if mesh.uvs is None:
        raise ReifyError("The mesh has no UVs to put a texture on.", "Unwrap it first.")
    if not np.isfinite(mesh.vertices[mesh.faces]).all():
        raise ReifyError("The mesh has positions that are no numbers.", "Clean it first.")
    if len(views) == 0:
        raise ReifyError("There are no photos to take the texture from.", "Use the vertex colors instead.")
    device.prepare_numba()
    from . import fill, seams, texels

    job.progress(0.0, "rasterizing UVs")
    layout, normals = texels.rasterize_uvs(mesh, settings.size_px), texels.denoised_normals(mesh)
    samples = texels.Samples.empty(layout.count, SLOTS)
    for index in range(len(views)):
        job.progress(0.05 + 0.75 * index / len(views), f"photo {index + 1} of {len(views)}")
        texels.collect(samples, layout, mesh, normals, views, index)
    seen = samples.quality[:, 0] > 0
    if not seen.any():
        raise ReifyError("No photo sees the mesh.", "Check that the mesh and the cameras belong together.")
    gains = np.ones((len(views), 3), np.float32)
    if settings.level_exposure:
        job.progress(0.8, "leveling exposure")
        gains = texels.solve_gains(samples, len(views))
    job.progress(0.83, "comparing photos")
    texels.weigh_by_agreement(samples, gains, layout, mesh)
    job.progress(0.86, "blending")
    color = texels.blend(samples, gains, settings.sharpness)
    if settings.level_seams:
        with job.span(0.9):
            color = seams.level_seams(color, samples, gains, settings.sharpness, layout, mesh, job=job)
    job.metric("texture_coverage_percent", 100.0 * float(seen.mean()))
    job.progress(0.9, "filling unseen texels")
    color = fill.fill_unseen(color, seen, layout, mesh)
    marks = np.repeat(np.where(seen, np.float32(255), np.float32(0))[:, None], 3, axis=1)
    job.progress(0.95, "filling the margins")
    base_color, coverage = _picture(layout, color, fill), _picture(layout, marks, fill)
    return replace(mesh, textures={**mesh.textures, "base_color": base_color, "coverage": coverage})


def _picture(layout, color: Array, fill) -> Array:
    picture = np.zeros((layout.size, layout.size, 3), np.uint8)
    picture[layout.rows, layout.columns] = (color + 0.5).clip(0, 255).astype(np.uint8)
    return fill.fill_margins(picture, layout)
