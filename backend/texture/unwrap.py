"""UV coordinates for a mesh that has none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import ReifyError
from ..geometry import topology, triangles
from ..jobs.job import Job
from ..values import Array, Cameras, Mesh
from .from_photos import TextureSettings

OUTSIDE = 1e-4  # UV units that coordinates may lie outside the tile, by rounding
LEAST_TEXELS = 9  # of a component and its margin


def unwrap(mesh: Mesh, settings: TextureSettings, *, cameras: Cameras | None = None, job: Job | None = None) -> Mesh:
    """The mesh with UVs in [0,1] without overlaps; a mesh that has UVs keeps them, unless they leave that range.

    Charts have the same texel density; with `cameras` a quarter to four times the mean, following the photos' pixels on them.
    Raises ReifyError for a mesh without faces, with positions that are no numbers, or with too many components.
    """
    if len(mesh.faces) == 0:
        raise ReifyError("The mesh has no faces.", "Use more photos of the subject, or train longer.")
    if settings.colors == "vertices" or (mesh.uvs is not None and _within_tile(mesh.uvs)):
        return mesh
    if not np.isfinite(mesh.vertices[mesh.faces]).all():
        raise ReifyError("The mesh has positions that are no numbers.", "Clean it first.")
    if mesh.uvs is not None and job:
        job.warn("The mesh's UVs reached outside the texture, so it got new ones.")
    if job:
        job.progress(0.0, f"unwrapping {len(mesh.faces)} faces")
    return replace(mesh, uvs=_uvs(mesh, settings, cameras), textures={})


def _within_tile(uvs: Array) -> bool:
    return bool(((uvs > -OUTSIDE) & (uvs < 1.0 + OUTSIDE)).all())


def _uvs(mesh: Mesh, settings: TextureSettings, cameras: Cameras | None) -> Array:
    from .charts import flat_charts
    from .packing import pack, too_many

    pieces = int(topology.parts(mesh.faces, len(mesh.vertices)).max()) + 1
    if pieces * LEAST_TEXELS > settings.size_px**2:
        raise too_many(pieces, settings.size_px)
    flat, chart = flat_charts(mesh, settings.size_px)
    chart = np.unique(chart, return_inverse=True)[1].reshape(-1)
    return pack(flat * _scales(mesh, flat, chart, cameras)[chart][:, None, None], chart, settings.size_px, settings.margin_px)


def _scales(mesh: Mesh, flat: Array, chart: Array, cameras: Cameras | None) -> Array:
    """Scales [C] of the charts for equal texel density, or for one that follows the photos' pixels."""
    areas = triangles.areas(mesh.vertices, mesh.faces)
    area, lying = np.bincount(chart, areas), np.bincount(chart, np.abs(triangles.signed_areas(flat)))
    scales = _relative(area, lying)
    if cameras is not None and len(cameras):
        from .photo_resolution import photo_pixels

        scales = scales * _relative(np.bincount(chart, photo_pixels(mesh, cameras)), area)
    return scales


def _relative(wanted: Array, there: Array) -> Array:
    """Scales that take areas `there` to the proportions of `wanted`, clipped to half and twice the common scale."""
    all_get = wanted.sum() / max(there.sum(), 1e-300)
    return np.sqrt(wanted / np.maximum(there * all_get, 1e-300)).clip(0.5, 2.0)
