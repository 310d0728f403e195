"""UV coordinates for a mesh that has none."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from functools import partial

import numpy as np

from ..errors import ReifyError
from ..jobs.job import Job
from ..jobs.meanwhile import meanwhile
from ..values import Array, Mesh
from .texture import TextureSettings

MOST_FOR_XATLAS = 20_000  # faces: 3 s there, 9 s for 50 k
OUTSIDE = 1e-4  # of the tile: rounding of other programs


def unwrap(mesh: Mesh, settings: TextureSettings, *, job: Job | None = None) -> Mesh:
    """The mesh with UVs in [0,1], without overlaps; a mesh that has UVs keeps them, unless they reach outside of that.

    Up to 20 k faces by xatlas where it is installed, else by charts of similar normals. Raises ReifyError for a mesh without
    faces, with positions that are no numbers, or in too many pieces.
    """
    if len(mesh.faces) == 0:
        raise ReifyError("The mesh has no faces.", "Use more photos of the subject, or train longer.")
    if settings.colors == "vertices" or (mesh.uvs is not None and _within_tile(mesh.uvs)):
        return mesh
    if not np.isfinite(mesh.vertices[mesh.faces]).all():
        raise ReifyError("The mesh has positions that are no numbers.", "Clean it first.")
    if mesh.uvs is not None and job:
        job.warn("The mesh's UVs reached outside the texture, so it got new ones.")
    # There are no wheels of xatlas for Python 3.14, which Linux distributions build Blender with.
    small = len(mesh.faces) <= MOST_FOR_XATLAS and importlib.util.find_spec("xatlas") is not None
    if job:
        job.choose("texture.unwrap", f"{'xatlas' if small else 'charts of similar normals'}, for {len(mesh.faces)} faces")
    work = partial(_by_xatlas if small else _by_charts, mesh, settings)
    uvs = meanwhile(work, job, 0.0, f"unwrapping {len(mesh.faces)} faces") if job else work()
    return replace(mesh, uvs=uvs, textures={})


def _within_tile(uvs: Array) -> bool:
    return bool(((uvs > -OUTSIDE) & (uvs < 1.0 + OUTSIDE)).all())


def _by_charts(mesh: Mesh, settings: TextureSettings) -> Array:
    from .charts import unwrap_by_charts

    return unwrap_by_charts(mesh, settings.size_px, settings.margin_px)


def _by_xatlas(mesh: Mesh, settings: TextureSettings) -> Array:
    import xatlas

    atlas = xatlas.Atlas()
    atlas.add_mesh(mesh.vertices.astype(np.float32), mesh.faces.astype(np.uint32))
    charts, pack = xatlas.ChartOptions(), xatlas.PackOptions()
    charts.max_iterations = 2
    pack.padding, pack.resolution, pack.bilinear = 2 * settings.margin_px, settings.size_px, True
    atlas.generate(charts, pack)
    _, corners, uvs = atlas.get_mesh(0)
    return uvs[corners].reshape(-1, 3, 2).astype(np.float32)
