"""Splats of an object by what they have in common, with the scene's cameras, cursor and meshes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy
import numpy as np
from mathutils.bvhtree import BVHTree

from ..backend.errors import ReifyError
from ..backend.splats.editing import cells, selection, subject
from ..backend.values import Array, Cameras
from . import attributes, provenance
from .cameras import read_cameras
from .commit import members
from .splat_edits import cloud_of, opacity, positions, srgb
from .splat_edits import selection as selected

WHOLE = ("ALL", "NONE", "INVERT", "GROW", "SHRINK")  # ways that say themselves what happens to the present selection
COLUMNS = 192  # along x and along y, that a mesh is divided into to tell what is inside


def combined(before: Array, mask: Array, action: str) -> Array:
    """A selection [N] with a mask [N] put in its place (SET), added (ADD), taken away (SUBTRACT), or cut with it (INTERSECT)."""
    if action == "ADD":
        return before | mask
    if action == "SUBTRACT":
        return before & ~mask
    return before & mask if action == "INTERSECT" else mask


def found(context: bpy.types.Context, source: bpy.types.Object, by: str, options: Mapping[str, Any]) -> Array:
    """Mask [N] of the splats of `source` that `by` means, one of `operators.select_splats.WAYS`; raises ReifyError.

    Lengths among the `options` are in the world's unit.
    """
    cloud = cloud_of(source)
    scale = float(np.cbrt(abs(source.matrix_world.determinant()))) or 1.0
    distance = options.get("distance", 0.0) / scale
    if by in ("ALL", "NONE"):
        return np.full(len(cloud.points), by == "ALL")
    if by == "INVERT":
        return ~selected(cloud)
    if by == "OPACITY":
        values = opacity(cloud)
        return (values >= options["least_opacity"]) & (values <= options["most_opacity"])
    if by == "SIZE":
        longest = attributes.read(cloud, "scale").max(axis=1) * scale
        return (longest >= options["least_size"]) & (longest <= options["most_size"])
    if by == "COLOR":
        return selection.like_color(srgb(cloud), np.array(options["color"]), options["tolerance"])
    points = positions(cloud)
    if by == "SPHERE":
        center = source.matrix_world.inverted_safe() @ context.scene.cursor.location
        return selection.inside_sphere(points, np.array(center), options["radius"] / scale)
    if by == "MESH":
        return _inside_meshes(context, source, points)
    if by == "SUBJECT":
        return subject.subject_mask(points, opacity(cloud), cameras_of(source), up_of(source))
    distance = distance or cells.usual_size(points)
    if by == "GROW":
        return selection.grown(points, selected(cloud), distance)
    if by == "SHRINK":
        return ~selection.grown(points, ~selected(cloud), distance)
    if by == "SPARSE":
        return selection.sparse(points, opacity(cloud), distance, options["weight"])
    return (selection.largest_body if by == "BODY" else selection.floaters)(points, opacity(cloud), distance)


def cameras_of(source: bpy.types.Object) -> Cameras | None:
    """The cameras of the result that an object belongs to, in the object's space; None where there are none."""
    collection = provenance.collection_of(source)
    cameras = [] if collection is None else members(collection, "camera")
    return read_cameras(cameras, source.matrix_world) if cameras else None


def up_of(source: bpy.types.Object) -> Array:
    """The world's up, [3] unit, in an object's space."""
    up = np.array(source.matrix_world.inverted_safe(), np.float64)[:3, 2]
    return up / np.linalg.norm(up)


def _inside_meshes(context: bpy.types.Context, source: bpy.types.Object, points: Array) -> Array:
    meshes = [other for other in context.selected_objects if other != source and other.type == "MESH"]
    if not meshes:
        raise ReifyError("There is no mesh to select by.", "Select a closed mesh, then the splats with Shift.")
    depsgraph = context.evaluated_depsgraph_get()
    inside = np.zeros(len(points), bool)
    for mesh in meshes:
        local = np.array(mesh.matrix_world.inverted_safe() @ source.matrix_world, np.float64)
        placed = points @ local[:3, :3].T + local[:3, 3]
        low, high = np.array(mesh.bound_box).min(axis=0), np.array(mesh.bound_box).max(axis=0)
        near = np.flatnonzero(((placed >= low) & (placed <= high)).all(axis=1) & ~inside)
        if len(near):
            inside[near] = _inside(BVHTree.FromObject(mesh, depsgraph), placed[near], low, high)
    return inside


def _inside(tree: BVHTree, points: Array, low: Array, high: Array) -> Array:
    """Whether points [N,3] are inside of a closed mesh, by the parity of what is below them, in columns of the box from `low` to `high`."""
    place = np.minimum((points[:, :2] - low[:2]) / np.maximum(high[:2] - low[:2], 1e-30) * COLUMNS, COLUMNS - 1).astype(np.int64)
    codes, column = np.unique(place[:, 0] * COLUMNS + place[:, 1], return_inverse=True)
    centers = low[:2] + (np.stack((codes // COLUMNS, codes % COLUMNS), axis=1) + 0.5) / COLUMNS * (high[:2] - low[:2])
    heights = [_heights(tree, x, y, low[2], high[2]) for x, y in centers]
    most = max(map(len, heights))
    table = np.full((len(codes), most), np.inf)
    for row, found_heights in zip(table, heights, strict=True):
        row[: len(found_heights)] = found_heights
    return (table[column.ravel()] < points[:, 2:]).sum(axis=1) % 2 == 1


def _heights(tree: BVHTree, x: float, y: float, low: float, high: float) -> list[float]:
    """Heights at which a mesh is met along z, upwards."""
    step = 1e-5 * max(high - low, 1e-12)
    heights: list[float] = []
    z = low - step
    while (hit := tree.ray_cast((x, y, z), (0.0, 0.0, 1.0))[0]) is not None:
        heights.append(hit.z)
        z = max(hit.z, z) + step
    return heights
