"""UVs and textures as methods make them: from meshes and photos, into the cache."""

from __future__ import annotations

from ..capture.views import load_views
from ..errors import ReifyError
from ..jobs.job import Job
from ..mesh.cleaning import smooth
from ..values import Capture, Mesh
from .from_photos import TextureSettings, texture_from_photos
from .from_vertices import texture_from_vertices
from .normal_map import with_normal_map
from .unwrap import unwrap

READING, UNWRAPPING, SMOOTHING = 0.05, 0.25, 0.1  # about their shares of the time
DEFAULT = TextureSettings()
UNWRAPPING_ALONE = 0.6  # likewise, where a texture is baked from vertex colors


def textured(mesh: Mesh, capture: Capture, settings: TextureSettings, *, job: Job) -> Mesh:
    """The mesh with UVs and textures from the photos that splats were trained on."""
    with job.span(READING):
        views = load_views(capture, settings.long_side_px, only=capture.train, job=job)
    with job.span(UNWRAPPING):
        mesh = unwrap(mesh, settings, cameras=views.cameras, job=job)
    with job.span(1.0):
        return texture_from_photos(mesh, views, settings, job=job)


def with_relief(mesh: Mesh, surface: Mesh, smoothing: int, size_px: int, *, job: Job) -> Mesh:
    """The mesh with a normal map of what it lost of the raw `surface`, smoothed in as many passes as the mesh was."""
    with job.span(SMOOTHING):
        surface = smooth(surface, smoothing, job=job)
    with job.span(1.0):
        return with_normal_map(mesh, surface, size_px, job=job)


def with_baked_colors(mesh: Mesh, surface: Mesh, size_px: int, *, job: Job) -> Mesh:
    """The mesh with UVs and a texture of the raw `surface`'s vertex colors; without, and with a warning, where it is in too many pieces."""
    with job.span(UNWRAPPING_ALONE):
        mesh = unwrapped(mesh, TextureSettings(size_px=size_px), job=job)
    if mesh.uvs is None:
        return mesh
    with job.span(1.0):
        return texture_from_vertices(mesh, surface, size_px, job=job)


def unwrapped(mesh: Mesh, settings: TextureSettings = DEFAULT, *, job: Job) -> Mesh:
    """The mesh with UVs; without, and with a warning, where it is in too many pieces."""
    try:
        return unwrap(mesh, settings, job=job)
    except ReifyError as error:
        job.warn(f"The mesh got no UVs: {error.what}")
        return mesh
