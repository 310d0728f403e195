"""A base color texture from the vertex colors of a finer mesh in the same place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .. import device
from ..errors import ReifyError
from ..geometry import triangles
from ..geometry.tree import Tree, nearest, tree_of
from ..jobs.job import Job
from ..values import Array, Mesh

SLICE = 1 << 16  # texels between two reports of progress


def texture_from_vertices(mesh: Mesh, detailed: Mesh, size_px: int, *, job: Job) -> Mesh:
    """The mesh with a texture "base_color", [size_px, size_px, 3] uint8, of the vertex colors of a `detailed` mesh.

    A texel takes the color of the nearest place that faces the same way, or of the nearest one where none does. Raises ReifyError for a
    mesh without UVs, or a detailed one without faces or colors.
    """
    if mesh.uvs is None:
        raise ReifyError("The mesh has no UVs to put a texture on.", "Unwrap it first.")
    if detailed.vertex_srgb is None or not len(detailed.faces):
        raise ReifyError("The detailed mesh has no colors.", "Choose another one, or do without the texture.")
    device.prepare_numba()
    from . import fill, texels
    from . import texel_kernels as kernels

    job.progress(0.0, "rasterizing UVs")
    layout = texels.rasterize_uvs(mesh, size_px)
    normals = triangles.vertex_normals(mesh.vertices, mesh.faces).astype(np.float32)
    points, facing = np.empty((layout.count, 3), np.float32), np.empty((layout.count, 3), np.float32)
    for values, at_texels in ((np.ascontiguousarray(mesh.vertices, np.float32), points), (normals, facing)):
        kernels.interpolate(layout.face, layout.barycentric, mesh.faces, values, at_texels)
    tree = tree_of(detailed.vertices, detailed.faces)
    colors = np.empty((layout.count, 3), np.uint8)
    for first in range(0, layout.count, SLICE):
        job.progress(0.1 + 0.8 * first / layout.count, f"baking {layout.count} texels")
        part = slice(first, first + SLICE)
        colors[part] = _colors(detailed, tree, points[part], facing[part])
    picture = np.zeros((size_px, size_px, 3), np.uint8)
    picture[layout.rows, layout.columns] = colors
    job.progress(0.95, "filling the margins")
    return replace(mesh, textures={**mesh.textures, "base_color": fill.fill_margins(picture, layout)})


def _colors(detailed: Mesh, tree: Tree, points: Array, facing: Array) -> Array:
    found = nearest(tree, points, facing=facing)
    if (lost := found.face < 0).any():
        again = nearest(tree, points[lost])
        found.face[lost], found.weights[lost] = again.face, again.weights
    assert detailed.vertex_srgb is not None
    mixed = np.einsum("nk,nki->ni", found.weights, detailed.vertex_srgb[detailed.faces[found.face]])
    return np.round(255 * mixed.clip(0, 1)).astype(np.uint8)
