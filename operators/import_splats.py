"""Splat files into the scene, dropped or chosen in File › Import. The numpy-only build is made of this and what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..backend.errors import ReifyError
from ..backend.formats import endings, splat_files
from ..session.viewports import show_colors
from ..translations import told
from .reported import reported

DIALOG: Any = {"options": {"HIDDEN", "SKIP_SAVE"}}


UP_AXES = (
    ("AUTO", "Automatic", "What the file says, or what files of its format usually have"),
    ("z", "Z Up", "As in Blender"),
    ("y", "Y Up", "As in glTF and SPZ"),
    ("-y", "Y Down", "As structure from motion makes it, and most PLY files have it"),
)


def up_axis() -> Any:
    """The property of importers and exporters that names the axis that points up in the file."""
    return bpy.props.EnumProperty(
        name="Up", description="The axis that points up in the file", items=UP_AXES, default="AUTO", options={"SKIP_SAVE"}
    )


class REIFY_OT_import_splats(bpy.types.Operator):
    """Import files of Gaussian splats: PLY, compressed PLY, SPZ, SOG, .splat, .ksplat, glTF or USD"""

    bl_idname = "reify.import_splats"
    bl_label = "Import Splats"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(name="File Path", description="The file to import", subtype="FILE_PATH", options={"SKIP_SAVE"})
    directory: bpy.props.StringProperty(subtype="DIR_PATH", **DIALOG)
    files: bpy.props.CollectionProperty(type=bpy.types.OperatorFileListElement, **DIALOG)
    filter_glob: bpy.props.StringProperty(default=endings.patterns(*splat_files.ENDINGS), **DIALOG)
    up_axis: up_axis()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask for the files, unless some were dropped."""
        if self.filepath or self.files:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make the objects."""
        named = [str(Path(self.directory) / entry.name) for entry in self.files if entry.name] or [self.filepath]
        up = "" if self.up_axis == "AUTO" else self.up_axis
        return reported(self, lambda: self._tell(import_splats(context, [Path(bpy.path.abspath(name)) for name in named], up)))

    def _tell(self, warnings: tuple[str, ...]) -> None:
        for warning in warnings:
            self.report({"WARNING"}, told(warning))


def import_splats(context: bpy.types.Context, paths: list[Path], up: str = "") -> tuple[str, ...]:
    """Make a new, selected object with the splats of each file; returns what was left out. Raises ReifyError where one holds none.

    `up` is the axis that points up in the files, "" for what they say or usually have.
    """
    from ..backend.formats.given import read_splats
    from ..backend.values import Splats
    from ..scene import compat, provenance
    from ..scene.commit import prepare_cycles
    from ..scene.splats import splats_object

    compat.expose_usd()
    bpy.ops.object.select_all(action="DESELECT")
    warnings: tuple[str, ...] = ()
    for path in paths:
        if not path.is_file():
            raise ReifyError(f"{path.name} isn't there.", "Choose another file.")
        given = read_splats(path, up)
        assert isinstance(given.value, Splats)
        made = splats_object(given.name, given.value)
        provenance.keep_source_from_world(made, given.source_from_world)
        context.collection.objects.link(made)
        made.select_set(True)
        context.view_layer.objects.active = made
        warnings += given.warnings
    prepare_cycles(context.scene)
    show_colors(context.window_manager)
    return warnings


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
    bl_file_extensions = ";".join(splat_files.DROPPED)


def _draw_import(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.operator("reify.import_splats", text="Gaussian Splats (.ply, .spz, .sog, .splat)")


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
