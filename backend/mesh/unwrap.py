"""UV coordinates for a mesh that has none."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np

from ..errors import ReifyError
from ..jobs.job import Job
from ..values import Array, Mesh
from .texture import TextureSettings

MOST_FOR_XATLAS = 20_000  # faces: 3 s there, 9 s for 50 k


def unwrap(mesh: Mesh, settings: TextureSettings, *, job: Job | None = None) -> Mesh:
    """The mesh with UVs in [0,1], without overlaps; a mesh that has UVs keeps them.

    Up to 20 k faces by xatlas where it is installed, else by charts of similar normals. Raises ReifyError for a mesh without faces.
    """
    if len(mesh.faces) == 0:
        raise ReifyError("The mesh has no faces.", "Use more photos of the subject, or train longer.")
    if settings.colors == "vertices" or mesh.uvs is not None:
        return mesh
    # There are no wheels of xatlas for Python 3.14, which Linux distributions build Blender with.
    small = len(mesh.faces) <= MOST_FOR_XATLAS and importlib.util.find_spec("xatlas") is not None
    if job:
        job.progress(0.0, f"unwrapping {len(mesh.faces)} faces")
        job.choose("texture.unwrap", f"{'xatlas' if small else 'charts of similar normals'}, for {len(mesh.faces)} faces")
    if small:
        return replace(mesh, uvs=_by_xatlas(mesh, settings))
    from .charts import unwrap_by_charts

    return replace(mesh, uvs=unwrap_by_charts(mesh, settings.size_px, settings.margin_px))


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
