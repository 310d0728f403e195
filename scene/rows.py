"""Results of single pictures, and variants of a sentence, stand side by side: each goes where no other result is in its way."""

from __future__ import annotations

from collections.abc import Iterable

import bpy
from mathutils import Vector

from ..backend.values import Mesh
from . import commit, provenance

GAP = 0.25  # between results, of a result's width
ROLES = ("mesh", "splats", "points", "part")

Corners = tuple[Vector, Vector]


def set_aside(collection: bpy.types.Collection, scene: bpy.types.Scene) -> None:
    """Move a new result along X until it stands beside all others of the scene, if it stands in one."""
    bpy.context.view_layer.update()
    own = set(collection.all_objects)
    box = _around(made for made in own if provenance.role(made) in ROLES)
    if box is not None:
        for root in commit.members(collection, "root"):
            root.location.x += shift(box, (made for made in scene.objects if provenance.role(made) in ROLES and made not in own))


def shift(box: Corners, others: Iterable[bpy.types.Object]) -> float:
    """How far along X a box has to move so that it stands beside `others`, if it stands in one of them; else 0."""
    taken = [found for other in others if other.visible_get() and (found := _around((other,))) is not None]
    if not any(_overlap(box, found) for found in taken):
        return 0.0
    right = max(high.x for _, high in taken)
    return right - box[0].x + GAP * (box[1].x - box[0].x)


def box_of(mesh: Mesh) -> Corners:
    """The lowest and the highest corner of a mesh, where an object at the origin has it."""
    return Vector(mesh.vertices.min(axis=0)), Vector(mesh.vertices.max(axis=0))


def _around(objects: Iterable[bpy.types.Object]) -> Corners | None:
    """The lowest and the highest corner of objects in the world."""
    corners = [made.matrix_world @ Vector(corner) for made in objects for corner in made.bound_box]
    if not corners:
        return None
    low, high = (Vector([pick(corner[axis] for corner in corners) for axis in range(3)]) for pick in (min, max))
    return low, high


def _overlap(one: Corners, other: Corners) -> bool:
    return all(one[0][axis] < other[1][axis] and other[0][axis] < one[1][axis] for axis in range(3))
