"""Mesh care on a mesh of 200 k faces: analysis, repair, simplification, unwrapping, texturing, and the rest of what Clean Mesh does.

Each figure twice: cold with kernels that are compiled or loaded on the way, and warm. Seconds are of the wall clock; `cpu` are those that
the process computed, which say more on a machine that others use too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..backend.geometry.raster import render_mesh
from ..backend.geometry.triangles import signed_areas
from ..backend.jobs.job import Job
from ..backend.mesh.analyze import analyze
from ..backend.mesh.cleaning import MeshSettings, clean, close_holes, drop_enclosed, repair, simplify, smooth
from ..backend.mesh.rebuild import rebuild
from ..backend.mesh.transfer import transfer
from ..backend.texture.from_photos import TextureSettings, texture_from_photos
from ..backend.texture.unwrap import unwrap
from ..backend.values import Mesh, Views
from .surface import orbit

Emit = Callable[..., None]
PHOTOS, ENLARGED = 50, 3  # of 1200 x 1200 pixels


def run(emit: Emit) -> None:
    """Print every figure; about four minutes."""
    mesh, job = bumpy_ring(316), Job()
    photos = _photographed(mesh)
    for kernels in ("cold", "warm"):
        timed = partial(_timed, emit, kernels)
        timed("analyze_200k_seconds", partial(analyze, mesh))
        sound = timed("repair_200k_seconds", partial(repair, mesh, job=job))
        smaller = timed("simplify_50k_seconds", partial(simplify, sound, 50_000))
        flat = timed("unwrap_50k_seconds", partial(unwrap, smaller, TextureSettings()))
        mapped = timed("unwrap_200k_seconds", partial(unwrap, sound, TextureSettings()))
        emit("unwrap_200k_texels_used_percent", round(100.0 * float(np.abs(signed_areas(mapped.uvs)).sum()), 1), "%")
        timed("texture_2k_50_photos_seconds", partial(texture_from_photos, mapped, photos, TextureSettings(), job=job))
        timed("simplify_50k_with_uvs_seconds", partial(simplify, _mapped(sound), 50_000))
        timed("transfer_50k_seconds", partial(transfer, Mesh(smaller.vertices, smaller.faces), flat))
        timed("smooth_200k_10_passes_seconds", partial(smooth, sound, 10, job=job))
        timed("drop_enclosed_faces_200k_seconds", partial(drop_enclosed, sound, "faces", job=job))
        timed("close_a_large_hole_seconds", partial(close_holes, _half(sound), np.inf, job=job))
        timed("rebuild_200k_at_128_seconds", partial(rebuild, sound, 128, job=job))
        timed("clean_200k_to_50k_seconds", partial(clean, mesh, MeshSettings(faces=50_000), job=job))
    figures = analyze(clean(mesh, MeshSettings(faces=50_000), job=job))
    emit("cleaned_watertight", figures.watertight, "", genus=figures.genus, faces=figures.faces)


def bumpy_ring(n: int) -> Mesh:
    """A torus of 2 n² faces with bumps and a little noise, colored by position."""
    a, b = (x.ravel() for x in np.meshgrid(*[np.linspace(0, 2 * np.pi, n, endpoint=False)] * 2, indexing="ij"))
    small = 0.35 + 0.04 * np.sin(9 * a) * np.sin(5 * b) + 0.0005 * np.random.default_rng(0).normal(size=len(a))
    ring = 0.6 + small * np.cos(b)
    vertices = np.stack([ring * np.cos(a), ring * np.sin(a), small * np.sin(b)], axis=1)
    i, j = (x.ravel() for x in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    p, q, r, s = (u % n * n + v % n for u, v in ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)))
    faces = np.concatenate([np.stack([p, q, r], axis=1), np.stack([p, r, s], axis=1)]).astype(np.int32)
    return Mesh(vertices.astype(np.float32), faces, vertex_srgb=(0.5 + 0.5 * vertices).clip(0, 1).astype(np.float32))


def _photographed(mesh: Mesh) -> Views:
    cameras = orbit(PHOTOS)
    cameras = replace(cameras, K=np.diag([ENLARGED, ENLARGED, 1.0]) @ cameras.K, size_px=ENLARGED * cameras.size_px)
    pictures = [render_mesh(mesh, cameras, index, samples=1) for index in range(PHOTOS)]
    return Views(pictures, [None] * PHOTOS, [None] * PHOTOS, cameras)


def _mapped(mesh: Mesh) -> Mesh:
    """With UVs in one piece."""
    return Mesh(mesh.vertices, mesh.faces, (0.5 + 0.4 * mesh.vertices[mesh.faces][..., :2]).astype(np.float32), mesh.vertex_srgb)


def _half(mesh: Mesh) -> Mesh:
    kept = mesh.faces[mesh.vertices[mesh.faces].mean(axis=1)[:, 0] > 0]
    return repair(Mesh(mesh.vertices, kept, vertex_srgb=mesh.vertex_srgb), job=Job())


def _timed(emit: Emit, kernels: str, figure: str, work: Callable[[], Any]) -> Any:
    started, computed = time.perf_counter(), time.process_time()
    result = work()
    cpu = round(time.process_time() - computed, 2)
    emit(figure, round(time.perf_counter() - started, 2), "s", kernels=kernels, cpu=cpu)
    return result
