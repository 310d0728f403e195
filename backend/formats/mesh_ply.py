"""Meshes as PLY: polygons or strips, with UVs by corner or vertex, the picture files that comments name, or colors."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..values import Array, Mesh
from . import columns, images, ply
from .confined import file_inside

INDICES = ("vertex_indices", "vertex_index")
VERTEX_UVS = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"), ("tex_u", "tex_v"))


def read_mesh_ply(path: Path) -> tuple[list[Mesh], tuple[str, ...]]:
    """The file's mesh, in its precision, in one piece for each picture, and a sentence about each picture that is missing.

    Polygons become fans of triangles. Raises ReifyError where there are no faces, or the file is damaged.
    """
    file = ply.read_ply(path, ("vertex", "face", "tristrips"))
    vertex = file.elements.get("vertex")
    if vertex is None or (positions := columns.positions_of(vertex.columns)) is None:
        raise ReifyError(f"{path.name} has vertices without positions.", "Choose another file.")
    corners, polygon, order = _triangles(file)
    if len(corners) == 0:
        raise ReifyError(f"{path.name} holds no mesh.", "Choose a file with faces in it.")
    if corners.min() < 0 or corners.max() >= len(positions):
        raise ReifyError(f"{path.name} is damaged or cut off.", "Save or copy it again.")
    uvs = _uvs(file, corners, polygon, order)
    colors = columns.colors_of(vertex.columns)
    if colors is None:
        colors = _of_faces(file, corners, polygon, len(positions))
    pictures, warnings = _pictures(file.comments, path)
    number = _picture_numbers(file, polygon)
    if uvs is None or not pictures:
        return [Mesh(positions, corners, uvs, colors)], warnings
    pieces = []
    for index in np.unique(number):
        chosen = number == index
        used, faces = np.unique(corners[chosen], return_inverse=True)
        picture = pictures.get(int(index))
        textures = {} if picture is None else {"base_color": picture}
        own = None if colors is None or textures else colors[used]
        pieces.append(Mesh(positions[used], faces.reshape(-1, 3).astype(np.int32), uvs[chosen], own, textures))
    return pieces, warnings


def _triangles(file: ply.Ply) -> tuple[Array, Array, Array]:
    """Vertices [F,3] int32 of the triangles, their polygons [F], and their corners' places in these [F,3]."""
    parts = [(np.zeros((0, 3), np.int32), np.zeros(0, np.int64), np.zeros((0, 3), np.int64))]
    face = file.elements.get("face")
    lists = None if face is None else next((face.lists[name] for name in INDICES if name in face.lists), None)
    if lists is not None:
        for count in np.unique(lists.counts[lists.counts > 2]):
            rows = np.flatnonzero(lists.counts == count)
            vertices = lists.values[lists.starts[rows, None] + np.arange(count)]
            fan = np.stack([np.zeros(count - 2, np.int64), np.arange(1, count - 1), np.arange(2, count)], axis=1)
            parts.append((vertices[:, fan].reshape(-1, 3).astype(np.int32), np.repeat(rows, count - 2), np.tile(fan, (len(rows), 1))))
    strips = file.elements.get("tristrips")
    for name in INDICES:
        if strips is not None and name in strips.lists:
            triangles = _of_strip(strips.lists[name].values.astype(np.int64))
            parts.append((triangles.astype(np.int32), np.full(len(triangles), -1), np.zeros((len(triangles), 3), np.int64)))
    corners, polygon, order = (np.concatenate(column) for column in zip(*parts, strict=True))
    # As they stand in the file.
    sorting = np.argsort(polygon, kind="stable")
    return corners[sorting], polygon[sorting], order[sorting]


def _of_strip(strip: Array) -> Array:
    """Triangles [F,3] of a strip in which -1 starts a new one and every other triangle is wound the other way."""
    starts = np.flatnonzero(np.concatenate([[True], strip[:-1] == -1]))
    begun = starts[np.searchsorted(starts, np.arange(len(strip)), side="right") - 1]
    odd = (np.arange(len(strip)) - begun) % 2 == 1
    triangles = np.stack([strip[:-2], strip[1:-1], strip[2:]], axis=1)
    flipped = odd[: len(triangles)]
    triangles[flipped] = triangles[flipped][:, [1, 0, 2]]
    return triangles[(triangles >= 0).all(axis=1)]


def _uvs(file: ply.Ply, corners: Array, polygon: Array, order: Array) -> Array | None:
    """UVs [F,3,2] float32 of the triangles' corners, by the faces' lists or the vertices' columns; None where there are none."""
    face = file.elements.get("face")
    lists = None if face is None else face.lists.get("texcoord")
    if lists is not None and face is not None:
        own = next(face.lists[name] for name in INDICES if name in face.lists)
        textured = (polygon >= 0) & (lists.counts[polygon] >= 2 * own.counts[polygon])
        at = lists.starts[polygon][:, None] + 2 * order
        at[~textured] = 0
        values = np.append(lists.values, [0.0, 0.0]) if len(lists.values) < 2 else lists.values
        uvs = np.stack([values[at], values[at + 1]], axis=-1).astype(np.float32)
        uvs[~textured] = 0.0
        return uvs if textured.any() else None
    table = file.elements["vertex"].columns
    for u, v in VERTEX_UVS:
        if u in table and v in table:
            return np.stack([table[u], table[v]], axis=1).astype(np.float32)[corners]
    return None


def _of_faces(file: ply.Ply, corners: Array, polygon: Array, count: int) -> Array | None:
    """Colors [V,3] that are the mean of the faces' around each vertex; None where the faces have none."""
    face = file.elements.get("face")
    colors = None if face is None else columns.colors_of(face.columns)
    if colors is None or (polygon < 0).any():
        return None
    each = np.repeat(colors[polygon], 3, axis=0)
    faces = np.maximum(np.bincount(corners.ravel(), minlength=count), 1)
    return np.stack([np.bincount(corners.ravel(), each[:, c], count) / faces for c in range(3)], axis=1).astype(np.float32)


def _picture_numbers(file: ply.Ply, polygon: Array) -> Array:
    face = file.elements.get("face")
    if face is None or "texnumber" not in face.columns:
        return np.zeros(len(polygon), np.int64)
    return np.where(polygon >= 0, face.columns["texnumber"].astype(np.int64)[polygon], 0)


def _pictures(comments: tuple[str, ...], path: Path) -> tuple[dict[int, Array], tuple[str, ...]]:
    """The pictures that comments name, by their number, and a sentence about each that can't be read."""
    found: dict[int, Array] = {}
    warnings: list[str] = []
    said = (comment.split(maxsplit=1) for comment in comments)
    names = [words[1].strip() for words in said if len(words) == 2 and words[0].lower() == "texturefile"]
    for number, name in enumerate(names):
        named = name.replace("\\", "/")
        file = file_inside(named, path.parent) or path.parent / named.rpartition("/")[2]
        try:
            found[number] = images.read_image(file)
        except ReifyError as error:
            warnings.append(f"The mesh lacks a texture: {error.what}")
    return found, tuple(warnings)
