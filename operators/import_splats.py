"""Splat files into the scene, dropped or chosen in File › Import. The numpy-only build is made of this and what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..backend.errors import ReifyError
from ..session.viewports import show_colors
from ..translations import told
from .reported import reported

DIALOG: Any = {"options": {"HIDDEN", "SKIP_SAVE"}}


class REIFY_OT_import_splats(bpy.types.Operator):
    """Import Gaussian splats from a .ply file"""

    bl_idname = "reify.import_splats"
    bl_label = "Import Splats"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(name="File Path", description="The file to import", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default="*.ply", **DIALOG)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask for the file, unless one was dropped."""
        if self.filepath:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make the object."""
        return reported(self, lambda: self._tell(import_splats(context, Path(bpy.path.abspath(self.filepath)))))

    def _tell(self, warnings: tuple[str, ...]) -> None:
        for warning in warnings:
            self.report({"WARNING"}, told(warning))


def import_splats(context: bpy.types.Context, path: Path) -> tuple[str, ...]:
    """Make a new, selected object with the splats of a file; returns what was left out. Raises ReifyError where it holds none."""
    from ..backend.formats.given import read_splats
    from ..backend.values import Splats
    from ..scene import provenance
    from ..scene.splats import splats_object

    if not path.is_file():
        raise ReifyError(f"{path.name} isn't there.", "Choose another file.")
    given = read_splats(path)
    assert isinstance(given.value, Splats)
    made = splats_object(given.name, given.value)
    provenance.keep_source_from_world(made, given.source_from_world)
    context.collection.objects.link(made)
    bpy.ops.object.select_all(action="DESELECT")
    made.select_set(True)
    context.view_layer.objects.active = made
    show_colors(context.window_manager)
    return given.warnings


class Dropped:
    """What the file handlers share: they take what is dropped on a 3D viewport or its sidebar."""

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Over a 3D viewport."""
        return context.area is not None and context.area.type == "VIEW_3D"


class REIFY_FH_splats(Dropped, bpy.types.FileHandler):
    """Splats."""

    bl_idname = "REIFY_FH_splats"
    bl_label = "Gaussian Splats"
    bl_import_operator = "reify.import_splats"
    bl_file_extensions = ".ply"


def _draw_import(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.operator("reify.import_splats", text="Gaussian Splats (.ply)")


CLASSES = (REIFY_OT_import_splats, REIFY_FH_splats)


def register() -> None:
    """Make operator and file handler known, and the line in the menu."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    menu: Any = bpy.types.TOPBAR_MT_file_import
    menu.append(_draw_import)


def unregister() -> None:
    """Take them back."""
    menu: Any = bpy.types.TOPBAR_MT_file_import
    menu.remove(_draw_import)
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
