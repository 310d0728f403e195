"""A finished result becomes a collection of Blender objects under one empty, which scales and turns all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..backend.values import Cameras, Capture, Result
from . import compat, provenance
from .cameras import camera_object, fit_render_to
from .guard import all_or_nothing
from .mesh import mesh_object
from .points import points_object
from .quads import finished
from .splats import splats_object

TRANSPARENT_BOUNCES = 256  # a ray meets many splats; Cycles' default ends it after 8


def commit(result: Result, scene: bpy.types.Scene | None = None, replaces: bpy.types.Collection | None = None) -> bpy.types.Collection:
    """Put `result` into the scene (default: the current one); returns the new collection, named after the capture.

    With `replaces` it stands where that older result stood, which is removed. What fails leaves no object behind, and the older result.

    The splats are shown, or the mesh where there are none; the rest is a click away. A scene that nobody has
    worked in yet takes its camera, resolution and view transform from the capture, and its cube is hidden.
    """
    scene = scene or bpy.context.scene
    result = finished(result)
    fresh = is_fresh(scene)
    placed = members(replaces, "root") if replaces is not None else []
    matrix = placed[0].matrix_world.copy() if placed else None
    with all_or_nothing():
        collection = bpy.data.collections.new(result.name)
        parts = _parts(result, collection)
        scene.collection.children.link(collection)
    # Nothing from here on depends on what the user does.
    if replaces is not None:
        remove(replaces)
    for part in parts:
        part.made.name = part.name  # which the older result may have had until now
        if part.made.data is not None:
            part.made.data.name = part.name
        provenance.describe(part.made, result.report, part.role)
    for holder, name in ((collection, result.name), *((inner, f"{result.name} Cameras") for inner in collection.children)):
        holder.name = name
    provenance.describe(collection, result.report, "collection")
    root = parts[0].made
    provenance.keep_source_from_world(root, result.source_from_world)
    if matrix is not None:
        root.matrix_world = matrix
    if result.splats is not None:
        _prepare_cycles(scene)
    show_only(collection, "splats" if result.splats is not None else "mesh" if result.mesh is not None else "points")
    if fresh:
        _dress(scene, collection)
    return collection


def members(collection: bpy.types.Collection, role: str) -> list[bpy.types.Object]:
    """The objects of a result that have `role`."""
    return [member for member in collection.all_objects if provenance.role(member) == role]


def remove(collection: bpy.types.Collection) -> None:
    """Delete a result: what Reify made of it, and the collections where nothing else is left in them.

    Copies stay, and what hangs on something that goes stays where it is in the world.
    """
    made = [member for member in collection.all_objects if provenance.role(member) and provenance.is_original(member)]
    going = set(made)
    for child in [child for parent in made for child in parent.children if child not in going]:
        place = child.matrix_world.copy()
        child.parent = None
        child.matrix_world = place
    data = {member.data for member in made if member.data is not None}
    bpy.data.batch_remove(made)
    bpy.data.batch_remove([datablock for datablock in data if not datablock.users])
    for inner in (*collection.children_recursive, collection):
        if not inner.all_objects:
            bpy.data.collections.remove(inner)


def show_only(collection: bpy.types.Collection, role: str) -> None:
    """Show one of splats, mesh and points in viewport and render, hide all else; they lie in the same place."""
    for kind in ("splats", "mesh", "points", "lod"):
        for member in members(collection, kind):
            member.hide_render = member.hide_viewport = kind != role


def is_fresh(scene: bpy.types.Scene) -> bool:
    """True where there is nothing but what a new file holds."""
    return all(member.name in ("Cube", "Light", "Camera") for member in scene.objects)


@dataclass(frozen=True)
class _Part:
    """An object of a result."""

    made: bpy.types.Object
    name: str
    role: str


def _parts(result: Result, collection: bpy.types.Collection) -> list[_Part]:
    """The objects of a result, in `collection`, under the first of them, an empty."""
    root = bpy.data.objects.new(result.name, None)
    root.empty_display_type, root.empty_display_size = "PLAIN_AXES", 0.25
    parts = [_Part(root, result.name, "root")]
    if result.splats is not None:
        parts.append(_Part(splats_object(f"{result.name} Splats", result.splats), f"{result.name} Splats", "splats"))
    for level, mesh in enumerate((result.mesh, *result.lods) if result.mesh is not None else ()):
        name = f"{result.name} Mesh_LOD{level}" if level else f"{result.name} Mesh"
        parts.append(_Part(mesh_object(name, mesh), name, "lod" if level else "mesh"))
    if result.points is not None and len(result.points):
        parts.append(_Part(points_object(f"{result.name} Points", result.points), f"{result.name} Points", "points"))
    for part in parts:
        collection.objects.link(part.made)
    if result.capture is not None and result.capture.cameras is not None:
        inner = bpy.data.collections.new(f"{result.name} Cameras")
        collection.children.link(inner)
        for part in _cameras(result.capture, result.capture.cameras):
            inner.objects.link(part.made)
            parts.append(part)
    for part in parts[1:]:
        part.made.parent = root
    return parts


def _cameras(capture: Capture, cameras: Cameras) -> list[_Part]:
    distance = float(np.median(np.linalg.norm(cameras.centers, axis=1))) if len(cameras) else 1.0
    size = max(distance, 0.01) / 20
    return [
        _Part(camera_object(photo, cameras.cam_from_world[i], cameras.K[i], cameras.size_px[i], display_size=size), photo.name, "camera")
        for i, photo in enumerate(capture.photos)
    ]


def _prepare_cycles(scene: bpy.types.Scene) -> None:
    if compat.has_cycles(scene):
        scene.cycles.transparent_max_bounces = max(scene.cycles.transparent_max_bounces, TRANSPARENT_BOUNCES)
        # Ending rays by chance saves half of the time and costs ten times the samples.
        scene.cycles.min_transparent_bounces = max(scene.cycles.min_transparent_bounces, TRANSPARENT_BOUNCES)


def _dress(scene: bpy.types.Scene, collection: bpy.types.Collection) -> None:
    # AgX, the default, is for light; photos hold finished colors, and Standard leaves those alone.
    settings: Any = scene.view_settings
    settings.view_transform = "Standard"
    if scene.world is None:  # without light the mesh would be black; evenly white light shows its texture as it is
        scene.world = bpy.data.worlds.new("Reify World")
        compat.use_nodes(scene.world)
        scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (1.0, 1.0, 1.0, 1.0)
    cube: Any = scene.objects.get("Cube")
    if cube is not None:  # it would stand in the middle of the result
        cube.hide_viewport = cube.hide_render = True
    if cameras := members(collection, "camera"):
        fit_render_to(cameras[0], scene)
