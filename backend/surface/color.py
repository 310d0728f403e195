"""What the renderings that see a vertex say of it: its color, and whether it is there."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np

from .. import device
from ..geometry import heat, triangles
from ..values import Array, Mesh
from .depth import DepthMaps

COARSER = 4  # pixels along the edge of the squares in which the first vertex hides those behind it: there is one in each
GRAY = 0.5  # sRGB, of what nobody saw anything of


def at_vertices(vertices: Array, faces: Array, maps: DepthMaps, tolerance: float, reach: float) -> tuple[Array, Array]:
    """Mean color [V,3] float32 sRGB, 0 to 1, over the cameras that see each vertex, and how far they agree on it, [V] from 0 to 1.

    A camera sees what is within `tolerance` world units of its depth, from in front; it disagrees where it sees farther, or
    something up to `reach` nearer. Colors of vertices that none sees are NaN: see `with_all_colors`.
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
    """The mesh with what lies smoothly between the colors around where these are NaN, and gray where a part has none."""
    assert mesh.vertex_srgb is not None
    known = np.isfinite(mesh.vertex_srgb).all(axis=1)
    colors = GRAY + heat.between(mesh.vertex_srgb.astype(np.float64) - GRAY, known, mesh.faces)
    return replace(mesh, vertex_srgb=colors.clip(0, 1).astype(np.float32))


def looked_at(vertices: Array, faces: Array, maps: DepthMaps, tolerance: float, reach: float) -> Array:
    """Share [V], by weight, of the cameras with nothing of the surface before a vertex that don't see through it.

    Those that do see farther than `reach` world units behind it. What is up to `tolerance` behind another vertex isn't hidden by it.
    Where depth is too noisy for cameras to agree, this tells a surface from what floats before one.
    """
    device.prepare_numba()
    from . import color_kernels as kernels

    poses = np.ascontiguousarray(maps.cameras.cam_from_world, np.float64)
    normals = triangles.at_vertices(triangles.cross(vertices[faces]), faces, len(vertices))
    sums, lock = np.zeros((2, len(vertices)), np.float32), threading.Lock()

    def work(first: int, last: int) -> None:
        asked, looked = np.zeros((2, len(vertices)), np.float32)
        for index in range(first, last):
            depth, weight = maps.depth[index], maps.weight[index]
            front = np.full(-(-np.array(depth.shape) // COARSER), np.inf)
            intrinsics = np.array(maps.intrinsics(index))
            kernels.look(vertices, normals, poses[index], intrinsics, depth, weight, tolerance, reach, front, asked, looked)
        with lock:
            sums[0] += asked
            sums[1] += looked

    device.split(work, len(maps))
    return sums[1] / np.maximum(sums[0], np.float32(1))
