"""Vertex colors from renderings, and how far renderings confirm that there is a surface at a vertex."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np

from .. import device
from ..geometry import heat, triangles
from ..values import Array, Mesh
from .depth import DepthMaps

COARSER = 4  # pixels along a cell of the z-buffer of vertices that decides occlusion; larger ones leave no gaps between vertices
GRAY = 0.5  # sRGB, of parts without any color


def vertex_colors(vertices: Array, faces: Array, maps: DepthMaps, tolerance: float, reach: float) -> tuple[Array, Array]:
    """Mean color [V,3] float32 sRGB, 0 to 1, over the cameras that see each vertex, and their agreement [V], 0 to 1.

    A camera sees a vertex that faces it and is within `tolerance` world units of its depth map; it counts against a vertex that is
    nearer than its depth, or up to `reach` behind it. Agreement is the share of weight for the vertex. Colors of vertices that no
    camera sees are NaN, see `with_all_colors`.
    """
    device.prepare_numba()
    from . import color_kernels as kernels

    total, weight, against = (
        np.zeros((len(vertices), 3), np.float32),
        np.zeros(len(vertices), np.float32),
        np.zeros(len(vertices), np.float32),
    )
    poses = np.ascontiguousarray(maps.cameras.cam_from_world, np.float64)
    normals = triangles.at_vertices(triangles.cross(vertices[faces]), faces, len(vertices))

    def work(first: int, last: int) -> None:
        part = slice(first, last)
        for index in range(len(maps)):
            layers = maps.depth[index], maps.weight[index], maps.rgb[index]
            sums = total[part], weight[part], against[part]
            kernels.gather(vertices[part], normals[part], poses[index], np.array(maps.intrinsics(index)), *layers, tolerance, reach, *sums)

    device.split(work, len(vertices), least=4096)
    colors = np.where(weight[:, None] > 0, total / np.maximum(weight, np.float32(1e-9))[:, None] / 255.0, np.float32(np.nan))
    return colors, weight / np.maximum(weight + against, np.float32(1e-9))


def with_all_colors(mesh: Mesh) -> Mesh:
    """The mesh with NaN colors filled harmonically from the known ones, and GRAY on parts that have none."""
    assert mesh.vertex_srgb is not None
    known = np.isfinite(mesh.vertex_srgb).all(axis=1)
    colors = GRAY + heat.fill_harmonically(mesh.vertex_srgb.astype(np.float64) - GRAY, known, mesh.faces)
    return replace(mesh, vertex_srgb=colors.clip(0, 1).astype(np.float32))


def support(vertices: Array, faces: Array, maps: DepthMaps, tolerance: float, reach: float) -> Array:
    """Share [V], by weight, of the cameras with a free view of a vertex that don't see through it.

    A camera sees through a vertex where its depth is more than `reach` world units behind it. A vertex occludes what is more than
    `tolerance` behind it. Where depth is too noisy for cameras to agree, this tells a surface from floaters before one.
    """
    device.prepare_numba()
    from . import color_kernels as kernels

    poses = np.ascontiguousarray(maps.cameras.cam_from_world, np.float64)
    normals = triangles.at_vertices(triangles.cross(vertices[faces]), faces, len(vertices))
    sums, lock = np.zeros((2, len(vertices)), np.float32), threading.Lock()

    def work(first: int, last: int) -> None:
        free, confirmed = np.zeros((2, len(vertices)), np.float32)
        for index in range(first, last):
            depth, weight = maps.depth[index], maps.weight[index]
            front = np.full(-(-np.array(depth.shape) // COARSER), np.inf)
            intrinsics = np.array(maps.intrinsics(index))
            kernels.support(vertices, normals, poses[index], intrinsics, depth, weight, tolerance, reach, front, free, confirmed)
        with lock:
            sums[0] += free
            sums[1] += confirmed

    device.split(work, len(maps))
    return sums[1] / np.maximum(sums[0], np.float32(1))
