"""Where splats stand: transforms applied, objects joined, results leveled, stood on the floor and given their real size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bmesh
import bpy
import numpy as np
from mathutils import Matrix

from ..backend.errors import ReifyError
from ..backend.splats.editing import placing, selection, subject
from ..backend.splats.editing.cells import cells_of, usual_size
from ..backend.splats.transform import transformed
from ..backend.values import Array
from . import provenance
from .commit import members
from .splat_edits import cloud_of, joined, opacity, positions
from .splat_selection import cameras_of, up_of
from .splats import holds_splats, read_arrays, read_splats, write_splats


def apply_transform(source: bpy.types.Object) -> None:
    """Apply an object's transform to its splats; raises ReifyError for one that mirrors or scales unevenly."""
    cloud = cloud_of(source)
    if cloud.users > 1:
        raise ReifyError(
            f"{source.name} shares its splats with other objects.", "Make them its own: Object > Relations > Make Single User."
        )
    local = source.matrix_local.copy()
    write_splats(cloud, transformed(read_splats(source), np.array(local, np.float64)))
    source.matrix_basis = Matrix()
    source.matrix_parent_inverse = Matrix()
    for child in source.children:
        child.matrix_parent_inverse = local @ child.matrix_parent_inverse
    cloud.update_tag()


def join(target: bpy.types.Object, selected: Iterable[bpy.types.Object]) -> None:
    """Move the splats of all `selected` objects into `target`, where they stand in the world; raises ReifyError."""
    cloud_of(target)
    others: list[Any] = [o for o in selected if o != target and o.type == "POINTCLOUD" and holds_splats(o.data)]
    if not others:
        raise ReifyError("There is nothing to join.", "Select several objects of splats.")
    world = target.matrix_world.inverted_safe()
    arrays = []
    for other in others:
        scratch = other.data.copy()
        try:
            write_splats(scratch, transformed(read_splats(other), np.array(world @ other.matrix_world, np.float64)))
            arrays.append(read_arrays(scratch))
        finally:
            bpy.data.pointclouds.remove(scratch)
    joined(target, arrays)
    data = {other.data for other in others}
    bpy.data.batch_remove(others)
    bpy.data.batch_remove([cloud for cloud in data if not cloud.users])


def place(source: bpy.types.Object, level: bool, stand: bool, center: bool) -> None:
    """Turn and move what an object of splats hangs on: its ground level, at height 0, its middle over the origin."""
    cloud = cloud_of(source)
    points, weights = positions(cloud), opacity(cloud)
    top = _top(source)
    plane = None
    if level or stand:
        middle, radius = subject.region_of(points, weights, cameras_of(source))
        near = selection.inside_sphere(points, middle, radius) & (weights > subject.OPAQUE)
        plane = subject.ground_plane(points[near], radius, up_of(source))
    world = np.array(source.matrix_world, np.float64)
    move = np.eye(4)
    if level and plane is not None:
        move = placing.leveled(_in_world(plane, world))
    placed = points[weights > subject.OPAQUE] if (weights > subject.OPAQUE).any() else points
    placed = placed @ (move @ world)[:3, :3].T + (move @ world)[:3, 3]
    base = placing.base_of(placed)
    if stand and plane is not None:
        on = move @ np.append(_in_world(plane, world).normal * _in_world(plane, world).offset, 1.0)
        base[2] = on[2] if level else base[2]
    shift = np.eye(4)
    shift[:3, 3] = -base * (center, center, stand)
    top.matrix_world = Matrix((shift @ move).tolist()) @ top.matrix_world


def origin_to_base(source: bpy.types.Object) -> None:
    """Move an object's origin to the middle of the base of its splats, which stay where they are."""
    cloud = cloud_of(source)
    points = positions(cloud)
    world = np.array(source.matrix_world, np.float64)
    base = placing.base_of(points @ world[:3, :3].T + world[:3, 3])
    local = np.linalg.inv(world) @ np.append(base, 1.0)
    cloud.attributes["position"].data.foreach_set("vector", np.ascontiguousarray(points - local[:3].astype(np.float32)).ravel())
    children = [(child, child.matrix_world.copy()) for child in source.children]
    source.matrix_world = source.matrix_world @ Matrix.Translation(local[:3])
    for child, matrix in children:
        child.matrix_world = matrix
    cloud.update_tag()


def cut_mesh(source: bpy.types.Object, mask: Array) -> None:
    """Take from the mesh of the same result what has more splats around it outside of a mask [N] than in it; its levels of detail alike."""
    collection = provenance.collection_of(source)
    if collection is None or not mask.any():
        return
    points = positions(cloud_of(source))
    size = usual_size(points[mask])
    for role in ("mesh", "lod"):
        mesh: Any
        for mesh in members(collection, role):
            local = np.array(source.matrix_world.inverted_safe() @ mesh.matrix_world, np.float64)
            vertices: Array = np.empty(len(mesh.data.vertices) * 3, np.float32)
            mesh.data.vertices.foreach_get("co", vertices)
            placed = vertices.reshape(-1, 3) @ local[:3, :3].T + local[:3, 3]
            both = cells_of(np.concatenate((points, placed)), size)
            votes = both.sums(np.concatenate((np.where(mask, 1.0, -1.0), np.zeros(len(placed)))))
            _keep_vertices(mesh.data, both.around(votes)[both.of_point[len(points) :]] > 0)


def _keep_vertices(data: Any, kept: Array) -> None:
    shape = bmesh.new()
    shape.from_mesh(data)
    gone: Any = [vertex for vertex, stays in zip(shape.verts, kept, strict=True) if not stays]
    bmesh.ops.delete(shape, geom=gone, context="VERTS")
    shape.to_mesh(data)
    shape.free()


def _top(source: bpy.types.Object) -> Any:
    while source.parent is not None:
        source = source.parent
    return source


def _in_world(plane: subject.Plane, world: Array) -> subject.Plane:
    normal = np.linalg.inv(world[:3, :3]).T @ plane.normal
    on = world[:3, :3] @ (plane.normal * plane.offset) + world[:3, 3]
    normal = normal / np.linalg.norm(normal)
    return subject.Plane(normal, float(normal @ on))
