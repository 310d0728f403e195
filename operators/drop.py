"""Photos, pictures and videos dropped into Blender's window.

Blender knows what else to do with a dropped picture or .ply, and shows a menu of all that can be done. A dropped folder has
no ending that it could go by, and isn't taken by any add-on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..backend.formats import endings
from ..session.properties import group_of
from ..session.sources import add_paths
from .import_splats import DIALOG, Dropped


class REIFY_OT_drop_files(bpy.types.Operator):
    """Take dropped photos or a video as what to make objects from; of a single picture it is asked whether it is a photo or a drawing"""

    bl_idname = "reify.drop_files"
    bl_label = "Use in Reify"
    bl_options = {"REGISTER", "UNDO"}

    directory: bpy.props.StringProperty(subtype="DIR_PATH", **DIALOG)
    files: bpy.props.CollectionProperty(type=bpy.types.OperatorFileListElement, **DIALOG)
    method: bpy.props.StringProperty(name="Method", description="Id of the method that takes the files; empty to choose by what they are")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask about a single picture, else take the files at once."""
        paths = self._paths()
        if len(paths) != 1 or not endings.has(paths[0], endings.PICTURES) or self.method:
            return self.execute(context)

        def draw(menu: Any, _context: bpy.types.Context) -> None:
            for method, label, icon in (("image", "From Picture", "IMAGE_DATA"), ("photos", "From Photos", "CAMERA_DATA")):
                button = menu.layout.operator("reify.drop_files", text=label, icon=icon)
                button.directory, button.method = self.directory, method
                button.files.add().name = paths[0].name

        context.window_manager.popup_menu(draw, title=paths[0].name)
        return {"FINISHED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add them to the sources of the method, and show it."""
        from ..backend.methods import method_called

        method = method_called(self.method or "photos")
        add_paths(group_of(context.scene, method), [str(path) for path in self._paths()])
        context.scene.reify.method = method.id
        for area in context.screen.areas if context.screen is not None else ():
            if area.type == "VIEW_3D":
                area.spaces.active.show_region_ui = True
        return {"FINISHED"}

    def _paths(self) -> list[Path]:
        return [Path(self.directory) / entry.name for entry in self.files if entry.name]


class REIFY_FH_pictures(Dropped, bpy.types.FileHandler):
    """Photos, pictures and videos."""

    bl_idname = "REIFY_FH_pictures"
    bl_label = "Use in Reify"
    bl_import_operator = "reify.drop_files"
    bl_file_extensions = ";".join((*endings.PICTURES, *endings.VIDEOS))


CLASSES = (REIFY_OT_drop_files, REIFY_FH_pictures)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
