"""Where a result stands: its foot at the origin of its root, on the floor; and moving, turning and scaling it to where it belongs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..backend.errors import ReifyError
from ..backend.geometry.bases import bases
from ..backend.values import Array, Mesh, Points, Result, Splats
from . import attributes, provenance

OPAQUE, OPAQUE_LOGIT = 0.5, 0.0  # splats of half opacity and more count as surface
SUBJECT = 1.5  # in the scale of captures, whose subject has a radius of 1: what is farther from the axis is background
LOWEST_SHARE = 0.01  # of splats and points may lie below the floor, floaters among them


def rested(result: Result) -> tuple[Result, Array]:
    """The result moved along Z until it rests on z = 0, and the translation [4,4] that did it: rested_from_world.

    The lowest vertex of the mesh rests there, without one the lowest percent of splats or points near the axis.
    """
    rested_from_world: Array = np.eye(4)
    rested_from_world[2, 3] = -_floor(result)
    return _moved(result, rested_from_world), rested_from_world


def _floor(result: Result) -> float:
    if result.mesh is not None:
        return float(result.mesh.vertices[:, 2].min()) if len(result.mesh.vertices) else 0.0
    if result.splats is not None:
        return _lowest(result.splats.means[result.splats.opacity_logits > OPAQUE_LOGIT])
    return _lowest(result.points.xyz) if result.points is not None else 0.0


def _lowest(xyz: Array) -> float:
    near = xyz[np.hypot(xyz[:, 0], xyz[:, 1]) < SUBJECT]
    return float(np.quantile(near[:, 2], LOWEST_SHARE)) if len(near) else 0.0


def _moved(result: Result, new_from_old: Array) -> Result:
    shift = new_from_old[:3, 3].astype(np.float32)
    if not shift.any():
        return result

    def mesh(found: Mesh) -> Mesh:
        return replace(found, vertices=found.vertices + shift)

    def splats(found: Splats) -> Splats:
        return replace(found, means=found.means + shift)

    def points(found: Points) -> Points:
        return replace(found, xyz=found.xyz + shift)

    capture = result.capture
    if capture is not None and capture.cameras is not None:
        cameras = replace(capture.cameras, cam_from_world=capture.cameras.cam_from_world @ np.linalg.inv(new_from_old))
        capture = replace(capture, cameras=cameras)
    return replace(
        result,
        splats=None if result.splats is None else splats(result.splats),
        mesh=None if result.mesh is None else mesh(result.mesh),
        lods=tuple(map(mesh, result.lods)),
        points=None if result.points is None else points(result.points),
        capture=capture,
    )


def root_of(made: bpy.types.Object) -> bpy.types.Object:
    """What moves all of the result that an object belongs to; the object itself where it belongs to none."""
    collection = provenance.collection_of(made)
    members = collection.all_objects if collection is not None else ()
    return next((member for member in members if provenance.role(member) == "root"), made)


def points_of(root: bpy.types.Object) -> Array:
    """Points of what can be seen of a result, splats or vertices, in the world, [N,3] float64; raises ReifyError where there are none."""
    shown = shown_of(root)
    found = [_in_world(made) for made in shown]
    if not any(map(len, found)):
        raise ReifyError("Nothing can be seen of this.", "Show its splats, its mesh or its points.")
    return np.concatenate(found)


def rest_on_floor(root: bpy.types.Object) -> None:
    """Move a result up or down until it rests on z = 0, all but the lowest percent of what isn't a mesh."""
    xyz = points_of(root)
    share = 0.0 if any(made.type == "MESH" for made in shown_of(root)) else LOWEST_SHARE
    _move(root, Matrix.Translation((0.0, 0.0, -float(np.quantile(xyz[:, 2], share)))))


def size_of(root: bpy.types.Object) -> float:
    """The longest side of the box around what can be seen of a result, without the outermost percent at each end; in meters."""
    low, high = np.quantile(points_of(root), (LOWEST_SHARE, 1 - LOWEST_SHARE), axis=0)
    return float((high - low).max())


def scale_by(root: bpy.types.Object, factor: float) -> None:
    """Scale a result about its origin."""
    _move(root, _about_origin(root, Matrix.Scale(factor, 4)))


def turn(root: bpy.types.Object, angle: float) -> None:
    """Turn a result about the vertical through its origin, in radians, counter-clockwise from above."""
    _move(root, _about_origin(root, Matrix.Rotation(angle, 4, "Z")))


def stand_on(root: bpy.types.Object, ground: Sequence[Vector]) -> None:
    """Turn and move a result so that three points of its ground lie on z = 0; raises ReifyError where they lie on a line."""
    first, second, third = ground
    normal = (second - first).cross(third - first)
    if normal.length < 1e-6 * max((second - first).length, (third - first).length) ** 2:
        raise ReifyError("The three points lie on a line.", "Choose points that span the ground.")
    middle = (first + second + third) / 3
    if normal.dot(Vector(np.median(points_of(root), axis=0)) - middle) < 0:  # most of the result is above its ground
        normal.negate()
    upright = normal.rotation_difference(Vector((0.0, 0.0, 1.0))).to_matrix().to_4x4()
    _move(root, Matrix.Translation((middle.x, middle.y, 0.0)) @ upright @ Matrix.Translation((-middle.x, -middle.y, -middle.z)))


def stand_up(root: bpy.types.Object, number: int) -> None:
    """Turn a result so that it stands on one of the faces it could stand on, the widest being the first (0), and rest it on the floor.

    Raises ReifyError where it has no such face, or none can be seen.
    """
    try:
        outward, _shares = bases(points_of(root))
    except ValueError as error:
        raise ReifyError("This is flat, and has nothing to stand on.", "Set its ground by three places instead.") from error
    upright = Vector(outward[number % len(outward)]).rotation_difference(Vector((0.0, 0.0, -1.0))).to_matrix().to_4x4()
    _move(root, _about_origin(root, upright))
    rest_on_floor(root)


def shown_of(root: bpy.types.Object) -> list[bpy.types.Object]:
    """What of a result has a shape that can be seen; its coverage is no part of it."""
    found = [made for made in (root, *root.children_recursive) if made.type in ("MESH", "POINTCLOUD") and made.visible_get()]
    return [made for made in found if provenance.role(made) != "coverage"]


def _about_origin(root: bpy.types.Object, matrix: Matrix) -> Matrix:
    origin = root.matrix_world.translation
    there = Matrix.Translation((origin.x, origin.y, origin.z))
    return there @ matrix @ there.inverted()


def _move(root: bpy.types.Object, moved_from_world: Matrix) -> None:
    root.matrix_world = moved_from_world @ root.matrix_world
    bpy.context.view_layer.update()


def _in_world(made: bpy.types.Object) -> Array:
    xyz = attributes.read(made.data, "position").astype(np.float64)
    base = made.data.attributes.get("radiance:base")
    if base is not None:
        xyz = xyz[attributes.read(made.data, base.name)[:, 3] > OPAQUE]
    matrix = np.array(made.matrix_world, dtype=np.float64)
    return xyz @ matrix[:3, :3].T + matrix[:3, 3]
