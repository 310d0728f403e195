"""Splats drawn into 3D viewports as they were trained: sorted, blended, with colors that follow the view, amid the scene's meshes.

drawing      the draw handler
clouds       which splats are shown, and their attributes as arrays
ways         who draws: the processor, or the graphics card (`card`, its shader, and its check)
worker       the thread that computes for either
pace         how finely while a view moves
compositing  the picture over the scene
"""

from __future__ import annotations

from typing import Any

import bpy


@bpy.app.handlers.persistent
def _after_update(_scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    from . import clouds

    clouds.note_changes(depsgraph)


@bpy.app.handlers.persistent
def _after_jump(*_arguments: Any) -> None:
    """After undo, or in another file, any data may be other data, and nodes from before splats were drawn."""
    from . import clouds, drawing

    clouds.forget()
    drawing.announce()


@bpy.app.handlers.persistent
def _after_load(*_arguments: Any) -> None:
    from .. import splats

    splats.upgrade()
    _after_jump()


@bpy.app.handlers.persistent
def _after_frame(*_arguments: Any) -> None:
    from . import clouds

    clouds.forget(everything=False)


@bpy.app.handlers.persistent
def _before_save(*_arguments: Any) -> None:
    """Where the file is opened without Reify nobody draws."""
    from .. import splat_nodes

    splat_nodes.set_drawn(False)


@bpy.app.handlers.persistent
def _after_save(*_arguments: Any) -> None:
    from . import drawing

    drawing.announce()


HANDLERS = (
    ("depsgraph_update_post", _after_update),
    ("frame_change_post", _after_frame),
    ("undo_post", _after_jump),
    ("redo_post", _after_jump),
    ("load_post", _after_load),
    ("save_pre", _before_save),
    ("save_post", _after_save),
)


def register() -> None:
    """Draw splats in all viewports from now on; without a window only old files are brought up to date."""
    for name, handler in HANDLERS:
        if not bpy.app.background or name == "load_post":
            getattr(bpy.app.handlers, name).append(handler)
    if not bpy.app.background:
        from . import drawing

        drawing.start()


def unregister() -> None:
    """Leave nothing behind."""
    for name, handler in HANDLERS:
        if handler in getattr(bpy.app.handlers, name):
            getattr(bpy.app.handlers, name).remove(handler)
    if not bpy.app.background:
        from . import drawing

        drawing.stop()
