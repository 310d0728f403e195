"""A finished result into the open file, as one undo step, in whatever mode and scene the user works meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import bpy

from ..scene import guard
from ..scene.slices import Slices, whole
from . import conversion
from .results import TASK, show_new
from .viewports import show_colors

if TYPE_CHECKING:
    from ..backend.jobs.runner import Task
    from ..backend.orders import Target

log = logging.getLogger(__name__)

UNDO = "Add Result"


def put(context: bpy.types.Context, task: Task) -> None:
    """Make the objects of a task's result, all of them or none; raises what went wrong."""
    whole(put_in_slices(context, task))


def put_in_slices(context: bpy.types.Context, task: Task, ready: Callable[[], None] = lambda: None) -> Slices[None]:
    """The same, in slices; `ready` is called before the last one, in which all of it comes into the scene."""
    return guard.in_slices(_put(context, task, ready))


def _put(context: bpy.types.Context, task: Task, ready: Callable[[], None]) -> Slices[None]:
    from ..backend.methods import all_methods
    from ..backend.values import Pictures
    from ..scene import commit, rows, scene_capture, versions

    target = task.context.target
    scene = scene_of(context, target)
    if target.of is not None:
        ready()
        conversion.hand_over(context, task, scene)[TASK] = task.id
    else:
        replaced = _replaced(target)
        result = replace(task.result, name=task.context.name or task.result.name)
        parts = yield from commit.parts_in_slices(result, scene, replaced, on_floor=True)
        ready()
        fresh = commit.is_fresh(scene)
        collection = commit.commit(result, scene, replaced, parts=parts)
        collection[TASK] = task.id
        if replaced is None:
            if scene_capture.is_of_scene(task.context.sources):
                scene_capture.stand(collection, result)
            elif versions.version(collection) > 1 or Pictures in all_methods()[task.context.method].takes:
                rows.set_aside(collection, scene)
            _show(context, collection, fresh)
    show_colors(context.window_manager)
    _push_undo()


def scene_of(context: bpy.types.Context, target: Target) -> bpy.types.Scene:
    """The scene that a result goes to: by its number, which outlives renaming; by its name in another session; else the shown one."""
    by_number = next((scene for scene in bpy.data.scenes if scene.session_uid == target.scene_uid), None)
    return by_number or bpy.data.scenes.get(target.scene) or context.scene


def _replaced(target: Target) -> bpy.types.Collection | None:
    """The older result that is to be replaced, likewise; None where it is gone."""
    from ..scene import provenance

    by_number = next((found for found in bpy.data.collections if found.session_uid == target.replaces_uid), None)
    found = by_number or bpy.data.collections.get(target.replaces)
    return found if provenance.role(found) == "collection" else None


def _show(context: bpy.types.Context, collection: bpy.types.Collection, fresh: bool) -> None:
    try:
        show_new(context, collection, fresh)
    except RuntimeError:  # the result is there, wherever one looks
        log.exception("the viewports couldn't be turned to the result")


def _push_undo() -> None:
    try:
        bpy.ops.ed.undo_push(message=UNDO)
    except RuntimeError:  # the result matters more than its undo step
        log.exception("there is no undo step for the result")
