"""Hidden as the outliner's eye and Alt+H know it, in every view layer that has the object."""

from __future__ import annotations

from contextlib import suppress

import bpy


def set_hidden(made: bpy.types.Object, hidden: bool = True) -> None:
    """Close or open an object's eye. Opening it also undoes "Disable in Viewports", by which Reify hid objects before."""
    if not hidden:
        made.hide_viewport = False
    for layer in _layers(made):
        with suppress(RuntimeError):  # how Blender says that a layer excludes the object's collection
            made.hide_set(hidden, view_layer=layer)


def is_hidden(made: bpy.types.Object) -> bool:
    """True where the object is disabled in viewports, or its eye is closed in a view layer."""
    return made.hide_viewport or any(made.hide_get(view_layer=layer) for layer in _layers(made))


def _layers(made: bpy.types.Object) -> list[bpy.types.ViewLayer]:
    return [layer for scene in made.users_scene for layer in scene.view_layers]
