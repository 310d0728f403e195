"""Photos, pictures and videos dropped into Blender's window.

Blender knows what else to do with a dropped picture or .ply, and shows a menu of all that can be done. A dropped folder has
no ending that it could go by, and isn't taken by any add-on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..backend.formats import endings
from ..session import drops
from ..translations import told
from .import_splats import DIALOG, Dropped

ICONS = {drops.PICTURE: "IMAGE_DATA", drops.CAPTURE: "CAMERA_DATA"}


class REIFY_OT_drop_files(bpy.types.Operator):
    """Make objects from the dropped files, in place of those chosen before; with Shift beside them. What may be several things is asked"""

    bl_idname = "reify.drop_files"
    bl_label = "Use in Reify"
    bl_options = {"REGISTER", "UNDO"}

    directory: bpy.props.StringProperty(subtype="DIR_PATH", **DIALOG)
    files: bpy.props.CollectionProperty(type=bpy.types.OperatorFileListElement, **DIALOG)
    method: bpy.props.StringProperty(
        name="Method", description="Id of the method that takes the files; empty to choose by what they are", options={"SKIP_SAVE"}
    )
    add: bpy.props.BoolProperty(name="Add", description="Keep the files that were chosen before, too", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Take the files at once, or ask what they are."""
        self.add = self.add or event.shift
        choices = drops.choices(self._paths())
        if self.method or len(choices) == 1:
            self.method = self.method or choices[0].method
            return self.execute(context)

        def draw(menu: Any, _context: bpy.types.Context) -> None:
            for choice in choices:
                text = told(choice.label).format(count=choice.count)
                button = menu.layout.operator("reify.drop_files", text=text, icon=ICONS[choice.method], translate=False)
                button.directory, button.method, button.add = str(choice.paths[0].parent), choice.method, self.add
                for path in choice.paths:
                    button.files.add().name = path.name

        context.window_manager.popup_menu(draw, title=choices[0].paths[0].name)
        return {"FINISHED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make them the sources of the method, and show it."""
        paths = self._paths()
        method = self.method or drops.CAPTURE
        left = drops.unusable(method, paths)
        if left:
            self.report({"WARNING"}, told("Not used: {what}").format(what=", ".join(path.name for path in left)))
        if not (used := [path for path in paths if path not in left]):
            return {"CANCELLED"}
        if kind := drops.take(context.scene, method, used, self.add):
            self.report({"INFO"}, told("The settings are your default for: {kind}").format(kind=told(kind)))
        drops.open_tab(context.window_manager)
        return {"FINISHED"}

    def _paths(self) -> list[Path]:
        return [Path(self.directory) / entry.name for entry in self.files if entry.name]


class REIFY_FH_pictures(Dropped, bpy.types.FileHandler):
    """Photos, pictures and videos."""

    bl_idname = "REIFY_FH_pictures"
    bl_label = "Use in Reify"
    bl_import_operator = "reify.drop_files"
    bl_file_extensions = ";".join((*endings.DRAWINGS, *endings.VIDEOS))


CLASSES = (REIFY_OT_drop_files, REIFY_FH_pictures)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
