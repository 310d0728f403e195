"""A finished result becomes a collection of Blender objects under one empty, which scales and turns all of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import bpy
import numpy as np

from ..backend.outputs import named
from ..backend.values import Array, Capture, Result
from . import compat, photo_cameras, placement, provenance, succession, versions
from .assembly import place_scene
from .cameras import camera_object, fit_render_to
from .guard import all_or_nothing
from .mesh import mesh_in_slices
from .points import points_object
from .quads import finished
from .slices import Slices, whole
from .splats import splats_in_slices
from .stage import set_up
from .visibility import set_hidden

RESTS = "reify_rests"  # marks results that rest on their root's floor
CAMERA_SIZE = 1 / 40  # of cameras in the viewport, of their distance from the subject
TRANSPARENT_BOUNCES = 256  # a ray meets many splats; Cycles' default ends it after 8


@dataclass
class Parts:
    """What of a result takes long to make: its objects, not yet in any collection, under what it will be called, and where it rests."""

    result: Result
    number: int  # of the version
    on_floor: bool
    rested_from_world: Array
    splats: bpy.types.Object | None = None
    mesh: bpy.types.Object | None = None
    lods: list[bpy.types.Object] = field(default_factory=list)
    points: bpy.types.Object | None = None


def parts_in_slices(
    result: Result, scene: bpy.types.Scene, replaces: bpy.types.Collection | None = None, *, on_floor: bool = False
) -> Slices[Parts]:
    """Make the objects that `commit`, told the same, puts into the scene at once: in slices, with nothing to be seen of them yet."""
    result = finished(result)
    if replaces is not None:
        on_floor = bool(replaces.get(RESTS))  # where it was centered, as results of older files are, it stays so
    result, rested_from_world = placement.rested(result) if on_floor else (result, np.eye(4))
    number = versions.next_version(scene, result.report) if replaces is None else versions.version(replaces)
    result = replace(result, name=named(result.name, number))
    parts = Parts(result, number, on_floor, rested_from_world)
    yield
    if result.splats is not None:
        parts.splats = yield from splats_in_slices(f"{result.name} Splats", result.splats)
    if result.mesh is not None:
        parts.mesh = yield from mesh_in_slices(f"{result.name} Mesh", result.mesh)
        for level, mesh in enumerate(result.lods, start=1):
            parts.lods.append((yield from mesh_in_slices(f"{result.name} Mesh_LOD{level}", mesh)))
    if result.points is not None and len(result.points):
        parts.points = points_object(f"{result.name} Points", result.points)
    yield
    return parts


def commit(
    result: Result,
    scene: bpy.types.Scene | None = None,
    replaces: bpy.types.Collection | None = None,
    *,
    on_floor: bool = False,
    parts: Parts | None = None,
) -> bpy.types.Collection:
    """Put `result` into the scene (default: the current one); returns the new collection, named after the capture.

    With `on_floor` it rests there, its root at its foot, else it stays in the result's own coordinates. A second one of the same sources
    is called "fox v2". With `replaces` the older result's objects get what the new one holds, in the older one's collection; what is
    left over of it goes. Where the new one can't be made nothing of it stays, and the older one. `parts` are those that were made ahead.

    The cameras are left out of the view layers until they are asked for. The splats are shown, or the mesh where there are none; the rest
    is a click away. A scene that nobody has worked in yet takes its view transform from the capture, without a camera that and the
    resolution, too; its cube is hidden.
    """
    scene = scene or bpy.context.scene
    fresh = is_fresh(scene)
    source_from_world = result.source_from_world
    with all_or_nothing():
        parts = parts or whole(parts_in_slices(result, scene, replaces, on_floor=on_floor))
        result = parts.result
        if source_from_world is not None:
            source_from_world = source_from_world @ np.linalg.inv(parts.rested_from_world)
        collection = bpy.data.collections.new(result.name)
        scene.collection.children.link(collection)
        provenance.describe(collection, result.report, "collection")
        collection[RESTS], collection[versions.VERSION] = parts.on_floor, parts.number
        root = bpy.data.objects.new(result.name, None)
        root.empty_display_type, root.empty_display_size = "PLAIN_AXES", 0.25
        _place(root, collection, result, "root")
        provenance.keep_source_from_world(root, source_from_world)
        if parts.splats is not None:
            _place(parts.splats, collection, result, "splats", root)
            prepare_cycles(scene)
        if parts.mesh is not None:
            _place(parts.mesh, collection, result, "mesh", root)
        for level in parts.lods:
            _place(level, collection, result, "lod", root)
        if result.scene is not None:
            place_scene(result.scene, root, lambda made, role, parent: _place(made, collection, result, role, parent))
        if parts.points is not None:
            _place(parts.points, collection, result, "points", root)
        if result.capture is not None and result.capture.cameras is not None:
            _place_cameras(result, result.capture, collection, root)
        show_only(collection, "splats" if result.splats is not None else "mesh" if result.mesh is not None else "points")
        photo_cameras.set_shown(collection, False)
    if replaces is not None:
        had_cameras = bool(members(replaces, "camera"))
        _discard(succession.take_over(replaces, collection))
        if not had_cameras:
            photo_cameras.set_shown(replaces, False)
        return replaces
    if fresh and result.scene is not None:
        set_up(scene, members(collection, "part"))
        _hide_cube(scene)
    elif fresh:
        _dress(scene, collection)
    return collection


def members(collection: bpy.types.Collection, role: str) -> list[bpy.types.Object]:
    """The objects of a result that have `role`."""
    return [member for member in collection.all_objects if provenance.role(member) == role]


def remove(collection: bpy.types.Collection) -> None:
    """Delete a result: what Reify made of it, and the collections where nothing else is left in them.

    Copies stay, and what hangs on something that goes stays where it is in the world.
    """
    _discard([member for member in collection.all_objects if provenance.role(member) and provenance.is_original(member)])
    for inner in (*collection.children_recursive, collection):
        if not inner.all_objects:
            bpy.data.collections.remove(inner)


def _discard(made: list[bpy.types.Object]) -> None:
    going = set(made)
    for child in [child for parent in made for child in parent.children if child not in going]:
        place = child.matrix_world.copy()
        child.parent = None
        child.matrix_world = place
    data = {member.data for member in made if member.data is not None}
    bpy.data.batch_remove(made)
    bpy.data.batch_remove([datablock for datablock in data if not datablock.users])


def show_only(collection: bpy.types.Collection, role: str) -> None:
    """Show one of splats, mesh and points in viewport and render, hide all else; they lie in the same place."""
    for kind in ("splats", "mesh", "points", "lod"):
        for member in members(collection, kind):
            member.hide_render = kind != role
            set_hidden(member, kind != role)


def is_fresh(scene: bpy.types.Scene) -> bool:
    """True where there is nothing but what a new file holds."""
    return all(member.name in ("Cube", "Light", "Camera") for member in scene.objects)


def _place(
    made: bpy.types.Object, collection: bpy.types.Collection, result: Result, role: str, root: bpy.types.Object | None = None
) -> None:
    collection.objects.link(made)
    made.parent = root
    provenance.describe(made, result.report, role)


def _place_cameras(result: Result, capture: Capture, collection: bpy.types.Collection, root: bpy.types.Object) -> None:
    cameras = capture.cameras
    assert cameras is not None
    inner = bpy.data.collections.new(f"{result.name} Cameras")
    collection.children.link(inner)
    distance = float(np.median(np.linalg.norm(cameras.centers, axis=1))) if len(cameras) else 1.0
    for i, photo in enumerate(capture.photos):
        made = camera_object(
            photo, cameras.cam_from_world[i], cameras.K[i], cameras.size_px[i], display_size=max(distance, 0.01) * CAMERA_SIZE
        )
        _place(made, inner, result, "camera", root)


def prepare_cycles(scene: bpy.types.Scene) -> None:
    """Let rays of Cycles pass through as many splats as lie behind each other: with less, dense places turn dark."""
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
    _hide_cube(scene)
    if scene.camera is None and (cameras := members(collection, "camera")):
        fit_render_to(cameras[0], scene)


def _hide_cube(scene: bpy.types.Scene) -> None:
    cube: Any = scene.objects.get("Cube")
    if cube is not None:  # it would stand in the middle of the result
        cube.hide_render = True
        set_hidden(cube)
