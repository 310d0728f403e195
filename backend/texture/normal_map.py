"""Tangent-space normal maps: the relief of a detailed mesh baked for a simplified one."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from .. import device
from ..errors import ReifyError
from ..geometry import topology, triangles
from ..geometry.vectors import scatter_add, unit
from ..jobs.job import Job
from ..values import Array, Mesh

REACH = 2.0  # radius, by the detailed mesh's mean edge length, in which its normals are averaged
MOST_CELLS = 256  # along an axis of the grid that vertices are sorted into
SLICE = 1 << 17  # texels baked between two reports of progress


def with_normal_map(mesh: Mesh, detailed: Mesh, size_px: int, *, job: Job) -> Mesh:
    """The mesh with a texture "normal", [size_px, size_px, 3] uint8, green up as in Blender and glTF.

    A texel gets the mean of the detailed mesh's normals nearby that face the same way, or its own normal where there is none.
    Tangents are MikkTSpace's: angle-weighted means over the corners that share vertex and UV. Raises ReifyError for a mesh without
    UVs, or a detailed mesh without faces.
    """
    if mesh.uvs is None:
        raise ReifyError("The mesh has no UVs to put a normal map on.", "Unwrap it first.")
    if len(detailed.faces) == 0:
        raise ReifyError("The detailed mesh has no faces.", "Choose another one, or do without the normal map.")
    device.prepare_numba()
    from . import fill, texels
    from . import normal_kernels as kernels

    job.progress(0.0, "rasterizing UVs")
    layout = texels.rasterize_uvs(mesh, size_px)
    job.progress(0.1, "finding tangents")
    tangents, side = corner_tangents(mesh)
    normals = triangles.vertex_normals(mesh.vertices, mesh.faces)
    reach = REACH * float(triangles.edge_lengths(detailed.vertices[detailed.faces]).mean())
    low = detailed.vertices.min(axis=0)
    cell = max(reach, float(np.ptp(detailed.vertices, axis=0).max()) / (MOST_CELLS - 1))
    starts, order = _sorted_into_cells(detailed.vertices, low, cell)
    points, facing = detailed.vertices[order], triangles.vertex_normals(detailed.vertices, detailed.faces)[order]
    values = np.empty((layout.count, 3), np.uint8)

    def work(start: int, first: int, last: int) -> None:
        part = slice(start + first, start + last)
        kernels.bake(
            layout.face[part], layout.barycentric[part], mesh.vertices, mesh.faces, normals, tangents, side,
            points, facing, starts, low, cell, reach, values[part],
        )  # fmt: skip

    for start in range(0, layout.count, SLICE):
        job.progress(0.2 + 0.7 * start / layout.count, f"baking {layout.count} texels")
        device.split(partial(work, start), min(SLICE, layout.count - start), parts=8, least=4096)
    picture = np.zeros((size_px, size_px, 3), np.uint8)
    picture[layout.rows, layout.columns] = values
    job.progress(0.95, "filling the margins")
    return replace(mesh, textures={**mesh.textures, "normal": fill.fill_margins(picture, layout)})


def corner_tangents(mesh: Mesh) -> tuple[Array, Array]:
    """Unit tangents [F,3,3] float32 of the faces' corners, along u, and the sign [F] of the bitangent, -1 where UVs are mirrored."""
    assert mesh.uvs is not None
    corners, uvs = triangles.corners_of(mesh.vertices, mesh.faces), mesh.uvs.astype(np.float64)
    p, q = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    a, b = uvs[:, 1] - uvs[:, 0], uvs[:, 2] - uvs[:, 0]
    side = np.where(triangles.signed_areas(uvs) < 0, -1.0, 1.0)
    along = side[:, None] * (p * b[:, 1:] - q * a[:, 1:])
    normals = triangles.vertex_normals(mesh.vertices, mesh.faces).astype(np.float64)[mesh.faces]
    flat = along[:, None] - np.einsum("fi,fci->fc", along, normals)[..., None] * normals
    flat = unit(flat) * _angles(corners)[..., None]
    keys = np.concatenate([mesh.faces.reshape(-1, 1), np.round(uvs.reshape(-1, 2) * 2**20), np.repeat(side, 3)[:, None]], axis=1)
    group = topology.first_of_equal(keys)[1]
    tangents = unit(scatter_add(flat.reshape(-1, 3), group, int(group.max()) + 1))[group]
    return tangents.reshape(-1, 3, 3).astype(np.float32), side.astype(np.float32)


def _angles(corners: Array) -> Array:
    """Angles [F,3] at the corners of triangles [F,3,3]."""
    ahead, behind = unit(np.roll(corners, -1, axis=1) - corners), unit(np.roll(corners, 1, axis=1) - corners)
    return np.arccos(np.einsum("fci,fci->fc", ahead, behind).clip(-1, 1))


def _sorted_into_cells(points: Array, low: Array, cell: float) -> tuple[Array, Array]:
    """First and end [X,Y,Z,2] int32 of each cell's points in the order [V] by cell, and that order."""
    place = ((points - low) / cell).astype(np.int64)
    shape = place.max(axis=0) + 1
    number = np.ravel_multi_index(tuple(place.T), tuple(shape))
    ends = np.cumsum(np.bincount(number, minlength=int(np.prod(shape))))
    bounds = np.stack([np.concatenate([[0], ends[:-1]]), ends], axis=1).astype(np.int32)
    return bounds.reshape(*shape, 2), np.argsort(number, kind="stable")
