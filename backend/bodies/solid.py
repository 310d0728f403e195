"""Bodies in the picture's pixels, and their conversion to meshes in meters.

A solid's x points right, y down and z toward the viewer of the picture. As a mesh it stands on the floor, faces -Y and is centered on
the origin, so that Blender's front view shows the picture as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..values import Array, Mesh
from .sheet import Sheet, faces_of, wall_rows


@dataclass(frozen=True, eq=False)
class Solid:
    """Quads and triangles, counter-clockwise as seen from outside."""

    vertices_px: Array  # [V,3] float64
    quads: Array  # [Q,4] int
    triangles: Array  # [T,3] int
    quad_is_back: Array  # [Q] bool: shows the back of the subject
    triangle_is_back: Array  # [T] bool
    creases: Array  # [E,2] int, edges along the outline
    pictured_px: Array | None = None  # [V,2] position in the picture that gives a vertex its color; None is its own x and y


def closed(sheet: Sheet, front_px: Array, back_px: Array) -> Solid:
    """Two copies of a sheet at the heights `front_px` [V] and `back_px` [V], which are equal on the rim and share it."""
    count = len(sheet.xy_px)
    inner = np.nonzero(~sheet.rim)[0]
    behind = np.arange(count)
    behind[inner] = count + np.arange(len(inner))
    vertices = np.concatenate([np.column_stack([sheet.xy_px, front_px]), np.column_stack([sheet.xy_px, back_px])[inner]])
    quads, triangles = faces_of(sheet)
    return joined([(quads, triangles, False), (behind[quads[:, ::-1]], behind[triangles[:, ::-1]], True)], vertices, sheet.rim_edges)


def walled(sheet: Sheet, front_px: Array, back_px: Array) -> Solid:
    """Two copies of a sheet at the heights `front_px` and `back_px` [V], with walls of quads between their rims."""
    count = len(sheet.xy_px)
    quads, triangles = faces_of(sheet)
    edges = sheet.rim_edges
    gap = float((front_px - back_px)[sheet.rim].mean())
    rows = wall_rows(sheet, gap)
    rim = np.nonzero(sheet.rim)[0]
    levels = [front_px[rim] + share * (back_px - front_px)[rim] for share in np.arange(1, rows) / rows]
    vertices = np.concatenate([
        np.column_stack([sheet.xy_px, front_px]),
        np.column_stack([sheet.xy_px, back_px]),
        *(np.column_stack([sheet.xy_px[rim], level]) for level in levels),
    ])  # fmt: skip
    place = np.zeros(count, int)
    place[rim] = np.arange(len(rim))
    rings = [edges, *(2 * count + row * len(rim) + place[edges] for row in range(rows - 1)), count + edges]
    walls = [np.column_stack([above[:, 1], above[:, 0], below[:, 0], below[:, 1]]) for above, below in zip(rings, rings[1:], strict=False)]
    none = np.zeros((0, 3), int)
    parts = [(quads, triangles, False), (count + quads[:, ::-1], count + triangles[:, ::-1], True)]
    parts += [(wall, none, 2 * row >= rows) for row, wall in enumerate(walls)]
    return joined(parts, vertices, np.concatenate(rings))


def joined(parts: list[tuple[Array, Array, bool]], vertices_px: Array, creases: Array, pictured_px: Array | None = None) -> Solid:
    """A solid from its parts (quads, triangles, is back) over common vertices."""
    return Solid(
        vertices_px,
        np.concatenate([quads for quads, _, _ in parts]),
        np.concatenate([triangles for _, triangles, _ in parts]),
        np.concatenate([np.full(len(quads), back) for quads, _, back in parts]),
        np.concatenate([np.full(len(triangles), back) for _, triangles, back in parts]),
        creases,
        pictured_px,
    )


def merged(solids: list[Solid]) -> Solid:
    """Several solids as one, each a separate shell."""
    offsets = np.cumsum([0, *(len(solid.vertices_px) for solid in solids)])
    pictured = [solid.vertices_px[:, :2] if solid.pictured_px is None else solid.pictured_px for solid in solids]
    return Solid(
        np.concatenate([solid.vertices_px for solid in solids]),
        np.concatenate([solid.quads + offset for solid, offset in zip(solids, offsets, strict=False)]),
        np.concatenate([solid.triangles + offset for solid, offset in zip(solids, offsets, strict=False)]),
        np.concatenate([solid.quad_is_back for solid in solids]),
        np.concatenate([solid.triangle_is_back for solid in solids]),
        np.concatenate([solid.creases + offset for solid, offset in zip(solids, offsets, strict=False)]),
        np.concatenate(pictured),
    )


def mesh_of(solid: Solid, size_m: float) -> tuple[Mesh, Array, Array]:
    """The mesh in meters, `size_m` wide or high; the corners' positions in the picture [F,3,2]; and the back faces [F] bool."""
    low, high = solid.vertices_px.min(axis=0), solid.vertices_px.max(axis=0)
    scale = size_m / max(float((high - low)[:2].max()), 1e-9)
    x, y, z = (solid.vertices_px * scale).T
    vertices = np.column_stack([x - 0.5 * scale * (low[0] + high[0]), -z, scale * high[1] - y]).astype(np.float32)
    faces = np.concatenate([solid.quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3), solid.triangles]).astype(np.int32)
    pictured = solid.vertices_px[:, :2] if solid.pictured_px is None else solid.pictured_px
    is_back = np.concatenate([np.repeat(solid.quad_is_back, 2), solid.triangle_is_back])
    return Mesh(vertices, faces, creases=solid.creases.astype(np.int32), quads=len(solid.quads)), pictured[faces], is_back
