"""Several meshes as one, with their textures in an atlas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..formats.images import resize_to
from ..values import Array, Mesh

LARGEST_PX = 8192  # width and height of the atlas at most


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """One mesh of one or more; textures become the cells of an atlas, and UVs move there.

    Vertex colors stay where no mesh has a texture; beside textured ones, a mesh without gets a cell of its mean color.
    """
    if len(meshes) == 1:
        return meshes[0]
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    vertices = np.concatenate([mesh.vertices for mesh in meshes])
    faces = np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)]).astype(np.int32)
    if any("base_color" in mesh.textures for mesh in meshes):
        picture, placed = _atlas(meshes)
        return Mesh(vertices, faces, placed, textures={"base_color": picture})
    uvs = np.concatenate([_uvs_of(mesh) for mesh in meshes]) if any(mesh.uvs is not None for mesh in meshes) else None
    colors = None
    if any(mesh.vertex_srgb is not None for mesh in meshes):
        colors = np.concatenate([np.ones_like(mesh.vertices) if mesh.vertex_srgb is None else mesh.vertex_srgb for mesh in meshes])
    return Mesh(vertices, faces, uvs, colors)


def _atlas(meshes: Sequence[Mesh]) -> tuple[Array, Array]:
    """The atlas [S,S,3] uint8 and the UVs [F,3,2] in it."""
    pictures: list[Array] = []
    cell_of = [_cell(mesh, pictures) for mesh in meshes]
    across = int(np.ceil(np.sqrt(len(pictures))))
    size = min(max(max(picture.shape[:2]) for picture in pictures), LARGEST_PX // across)
    atlas = np.zeros((across * size, across * size, 3), np.uint8)
    for index, picture in enumerate(pictures):
        row, column = divmod(index, across)
        atlas[row * size : (row + 1) * size, column * size : (column + 1) * size] = resize_to(picture[..., :3], (size, size))
    uvs = []
    for mesh, cell in zip(meshes, cell_of, strict=True):
        row, column = divmod(cell, across)
        # Half a texel of room on each side, so that filtering doesn't reach into the next cell.
        within = _in_tile(_uvs_of(mesh)).clip(0.5 / size, 1.0 - 0.5 / size)
        uvs.append((within + [column, across - 1 - row]) / across)
    return atlas, np.concatenate(uvs).astype(np.float32)


def _cell(mesh: Mesh, pictures: list[Array]) -> int:
    """The number of the mesh's picture among `pictures`, where it is added unless it is there already."""
    picture = mesh.textures.get("base_color")
    if picture is None:
        mean = 0.8 * np.ones(3) if mesh.vertex_srgb is None else mesh.vertex_srgb[np.unique(mesh.faces)].mean(axis=0)
        picture = np.full((4, 4, 3), np.round(255 * mean), np.uint8)
    for index, known in enumerate(pictures):
        if known.shape == picture.shape and np.array_equal(known, picture):
            return index
    pictures.append(picture)
    return len(pictures) - 1


def _uvs_of(mesh: Mesh) -> Array:
    return np.zeros((len(mesh.faces), 3, 2), np.float32) if mesh.uvs is None else mesh.uvs


def _in_tile(uvs: Array) -> Array:
    """UVs [F,3,2] with each face moved by whole tiles, so that its centroid is in the first one."""
    return uvs - np.floor(uvs.mean(axis=1, keepdims=True))
