"""What a mesh for production carries: UVs without overlaps, and its color, relief and ambient occlusion as maps of a chosen size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .. import device
from ..formats.images import resize_to
from ..geometry import triangles
from ..geometry.tree import open_shares, tree_of
from ..geometry.vectors import unit
from ..jobs.job import Job
from ..mesh.cleaning import repair
from ..mesh.transfer import nearest_facing
from ..values import Array, Mesh
from .from_photos import TextureSettings
from .normal_map import with_normal_map
from .unwrap import unwrap

OVERLAP = 0.02  # of the UV triangles' area: with more than this over each other a map can't hold both
COUNTING_PX = 1024  # texels along a side by which overlap is measured
OCCLUSION_PX = 1024  # at most along a side, where rays are cast; larger maps are scaled up, as occlusion is smooth
RAYS = 64
SLICE = 1 << 15  # texels between two reports of progress


def with_maps(mesh: Mesh, detailed: Mesh, size_px: int, *, job: Job) -> Mesh:
    """The mesh with textures "base_color", where it has any color, "normal" and "occlusion", each [size_px,size_px,3] uint8.

    UVs that overlap or leave the tile are made anew, and the texture is baked over. The normal map holds what the mesh has lost of the
    `detailed` one. Raises ReifyError for a mesh without faces, or in too many pieces for UVs.
    """
    before = mesh
    if mesh.uvs is None or not _is_clean(mesh.uvs, mesh):
        with job.span(0.2):
            mesh = unwrap(replace(mesh, uvs=None, textures={}), TextureSettings(size_px=size_px), job=job)
        job.record_choice("uvs", "new ones, without overlaps" if before.uvs is not None else "new ones")
    job.progress(0.2, "baking colors")
    color = _color(mesh, before, size_px)
    mesh = replace(mesh, textures={} if color is None else {"base_color": color})
    detailed = repair(detailed, job=job, quiet=True)
    with job.span(0.5):
        mesh = with_normal_map(mesh, detailed, size_px, job=job)
    with job.span(1.0):
        return with_occlusion(mesh, detailed, size_px, job=job)


def with_occlusion(mesh: Mesh, detailed: Mesh, size_px: int, *, job: Job) -> Mesh:
    """The mesh with a texture "occlusion", [size_px,size_px,3] uint8, linear: white where the whole hemisphere is open, black inside.

    That is glTF's and the game engines' ambient occlusion: the cosine-weighted share of rays that meet nothing of the `detailed` mesh,
    cast from its place nearest to the texel that faces the same way.
    """
    device.prepare_numba()
    from . import fill, texels

    assert mesh.uvs is not None
    cast_px = min(size_px, OCCLUSION_PX)
    layout = texels.rasterize_uvs(mesh, cast_px)
    tree = tree_of(detailed.vertices, detailed.faces)
    normals, relief = (triangles.vertex_normals(every.vertices, every.faces) for every in (mesh, detailed))
    share = np.empty(layout.count, np.float32)
    for start in range(0, layout.count, SLICE):
        job.progress(0.95 * start / layout.count, f"casting rays from {layout.count} texels")
        part = slice(start, start + SLICE)
        weights, corners = _weights(layout.barycentric[part]), mesh.faces[layout.face[part]]
        found = nearest_facing(tree, _between(mesh.vertices, corners, weights), unit(_between(normals, corners, weights)))
        corners = detailed.faces[found.face]
        points, facing = _between(detailed.vertices, corners, found.weights), unit(_between(relief, corners, found.weights))
        share[part] = open_shares(tree, points, facing, found.face, RAYS)
    picture = np.zeros((cast_px, cast_px, 3), np.uint8)
    picture[layout.rows, layout.columns] = np.rint(255.0 * share)[:, None]
    picture = fill.fill_margins(picture, layout)
    return replace(mesh, textures={**mesh.textures, "occlusion": resize_to(picture, (size_px, size_px))})


def overlap(uvs: Array, mesh: Mesh) -> float:
    """The share of the UV triangles' area that lies over other ones."""
    device.prepare_numba()
    from . import texels

    area = float(np.abs(triangles.signed_areas(uvs.astype(np.float64))).sum()) * COUNTING_PX**2
    return max(0.0, 1.0 - texels.rasterize_uvs(replace(mesh, uvs=uvs), COUNTING_PX).count / max(area, 1.0))


def _is_clean(uvs: Array, mesh: Mesh) -> bool:
    return bool(uvs.min() > -1e-4 and uvs.max() < 1.0 + 1e-4) and overlap(uvs, mesh) < OVERLAP


def _color(mesh: Mesh, before: Mesh, size_px: int) -> Array | None:
    """The color of `before`, the same faces, in the mesh's UVs: of its texture, else of its vertices; None where it has neither."""
    from . import fill, texels

    texture = before.textures.get("base_color") if before.uvs is not None else None
    if texture is None and before.vertex_srgb is None:
        return None
    if texture is not None and mesh.uvs is before.uvs:
        return resize_to(np.ascontiguousarray(texture[..., :3]), (size_px, size_px))
    layout = texels.rasterize_uvs(mesh, size_px)
    weights = _weights(layout.barycentric)
    if texture is not None:
        assert before.uvs is not None
        values = _sampled(texture, np.einsum("tk,tki->ti", weights, before.uvs[layout.face] % 1.0))
    else:
        assert before.vertex_srgb is not None
        values = 255.0 * _between(before.vertex_srgb, mesh.faces[layout.face], weights)
    picture = np.zeros((size_px, size_px, 3), np.uint8)
    picture[layout.rows, layout.columns] = np.rint(values.clip(0, 255))
    return fill.fill_margins(picture, layout)


def _between(values: Array, corners: Array, weights: Array) -> Array:
    """Values [V,K] of vertices in between those of `corners` [T,3], by `weights` [T,3]: [T,K]."""
    return np.einsum("tk,tki->ti", weights, values[corners])


def _weights(barycentric: Array) -> Array:
    return np.column_stack((1.0 - barycentric.sum(axis=1), barycentric))


def _sampled(texture: Array, uvs: Array) -> Array:
    """A texture [H,W,3 or 4] at UVs [T,2], bilinear: [T,3] float32."""
    height, width = texture.shape[:2]
    x, y = uvs[:, 0] * width - 0.5, (1.0 - uvs[:, 1]) * height - 0.5
    left, top = np.floor(x), np.floor(y)
    across, down = (x - left)[:, None], (y - top)[:, None]
    columns = [np.clip(left + step, 0, width - 1).astype(int) for step in (0, 1)]
    rows = [np.clip(top + step, 0, height - 1).astype(int) for step in (0, 1)]
    upper, lower = ((1 - across) * texture[row, columns[0], :3] + across * texture[row, columns[1], :3] for row in rows)
    return ((1 - down) * upper + down * lower).astype(np.float32)
