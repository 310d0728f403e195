"""What of a job's result is in the open file, and how the viewports show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from mathutils import Vector

from ..backend.errors import ReifyError
from ..scene.cameras import world_from_object
from ..scene.visibility import is_hidden
from .viewports import viewports

if TYPE_CHECKING:
    from ..backend.jobs.runner import Task

TASK = "reify_job"  # key of the property that says which job made a collection, or an object of another one


def collection_of(identifier: str) -> bpy.types.Collection | None:
    """The collection that a job has made in this file, None where there is none."""
    return next((found for found in bpy.data.collections if found.get(TASK) == identifier), None)


def shown_objects(identifier: str) -> list[bpy.types.Object]:
    """What can be seen of a job's result in this file, its subject first."""
    collection = collection_of(identifier)
    if collection is not None:
        return shown_members(collection)
    return [made for made in bpy.data.objects if made.get(TASK) == identifier and not is_hidden(made)]


def is_here(identifier: str) -> bool:
    """True where a job's result is in this file."""
    return collection_of(identifier) is not None or any(made.get(TASK) == identifier for made in bpy.data.objects)


def shown_members(collection: bpy.types.Collection) -> list[bpy.types.Object]:
    """What can be seen of a result, its subject first, then the empty that all of it hangs on."""
    from ..scene.commit import members

    subjects = [member for role in ("mesh", "splats", "points", "part", "root") for member in members(collection, role)]
    return [member for member in subjects if not is_hidden(member)]


def show_new(context: bpy.types.Context, collection: bpy.types.Collection, fresh: bool) -> None:
    """Select a new result, unless something is edited, and frame it; a `fresh` scene's viewports look at it as its first photo does."""
    if context.mode != "OBJECT" or context.scene not in collection.all_objects[0].users_scene:
        return
    if fresh:
        look_at(context, collection)
        return
    context.view_layer.update()
    _select(context, [made for made in shown_members(collection) if made.name in context.view_layer.objects])
    frame_selected(context)


def look_at(context: bpy.types.Context, collection: bpy.types.Collection) -> None:
    """Let the viewports show a result as its first photo does, or the whole of it where it has no photos.

    Done only where nobody has chosen a view yet.
    """
    from ..scene.commit import members

    shown = shown_members(collection)
    for other in context.selected_objects:
        other.select_set(False)
    context.view_layer.objects.active = shown[0]
    context.view_layer.update()
    cameras = members(collection, "camera")
    if not cameras:
        shown[0].select_set(True)
        frame_selected(context)
        return
    shown[0].select_set(True)
    box = [shown[0].matrix_world @ Vector(corner) for corner in shown[0].bound_box]
    root = shown[-1].matrix_world.translation
    center = Vector((root.x, root.y, (min(corner.z for corner in box) + max(corner.z for corner in box)) / 2))
    for area in viewports(context.window_manager):
        view = area.spaces.active.region_3d
        pose = world_from_object(cameras[0])
        view.view_perspective = "PERSP"
        view.view_rotation = pose.to_quaternion()
        view.view_location = center
        view.view_distance = 1.5 * (pose.translation - center).length


def frame_selected(context: bpy.types.Context) -> None:
    """Let all viewports show what is selected."""
    for area in viewports(context.window_manager):
        region = next(region for region in area.regions if region.type == "WINDOW")
        with context.temp_override(area=area, region=region):
            bpy.ops.view3d.view_selected()


def select(context: bpy.types.Context, task: Task | None) -> None:
    """Select what can be seen of a task's result; raises ReifyError where that is nothing."""
    if task is None or not is_here(task.id):
        raise ReifyError("The result isn't in this file.", "Generate it again.")
    _select_shown(context, shown_objects(task.id))


def select_collection(context: bpy.types.Context, collection: bpy.types.Collection | None) -> None:
    """Select what can be seen of a result by its collection; raises ReifyError where that is nothing."""
    _select_shown(context, [] if collection is None else shown_members(collection))


def _select_shown(context: bpy.types.Context, found: list[bpy.types.Object]) -> None:
    shown = [made for made in found if made.name in context.view_layer.objects]
    if not shown:
        raise ReifyError("The result is hidden, or in another scene.", "Unhide it, or go to that scene.")
    _select(context, shown)


def _select(context: bpy.types.Context, shown: list[bpy.types.Object]) -> None:
    for made in context.selected_objects:
        made.select_set(False)
    for made in shown:
        made.select_set(True)
    context.view_layer.objects.active = next(iter(shown), None)
