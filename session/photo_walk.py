"""A walk through the photos of a result: the viewports look through the camera of one, with its picture behind what was made of it."""

from __future__ import annotations

from typing import Any

import bpy

from ..scene import photo_cameras
from .viewports import viewports


def look_through(context: bpy.types.Context, collection: bpy.types.Collection) -> None:
    """Let the viewports look through the camera of the chosen photo; the scene's own camera stays what it is."""
    cameras = photo_cameras.cameras_of(collection)
    if not cameras:
        return
    camera = cameras[min(collection.reify_photo, len(cameras)) - 1]
    photo_cameras.set_shown(collection, True, only=camera)
    for area in viewports(context.window_manager):
        space: Any = area.spaces.active
        space.use_local_camera, space.camera = True, camera
        space.region_3d.view_perspective = "CAMERA"


def show_all(context: bpy.types.Context, collection: bpy.types.Collection) -> None:
    """Show all cameras of a result, from where the view is; without lines to what they hang on, which would cover everything."""
    _step_out(context, collection)
    photo_cameras.set_shown(collection, True)
    for area in viewports(context.window_manager):
        area.spaces.active.overlay.show_relationship_lines = False


def leave(context: bpy.types.Context, collection: bpy.types.Collection) -> None:
    """Put the cameras away."""
    _step_out(context, collection)
    photo_cameras.set_shown(collection, False)


def _step_out(context: bpy.types.Context, collection: bpy.types.Collection) -> None:
    cameras = photo_cameras.cameras_of(collection)
    for area in viewports(context.window_manager):
        space: Any = area.spaces.active
        if space.use_local_camera and space.camera in cameras:
            space.region_3d.view_perspective = "PERSP"
            space.use_local_camera = False


def _chosen(collection: Any, context: bpy.types.Context) -> None:
    look_through(context, collection)


def register() -> None:
    """Let each result know which photo was looked at last."""
    bpy.types.Collection.reify_photo = bpy.props.IntProperty(
        name="Photo",
        description="Look at the result as this photo does, with the photo behind it",
        default=1,
        min=1,
        update=_chosen,
    )


def unregister() -> None:
    """Take it back."""
    del bpy.types.Collection.reify_photo
