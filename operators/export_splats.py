"""Splats of the scene into files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..backend.formats import endings, splat_files
from ..translations import told
from .import_splats import DIALOG, up_axis
from .reported import reported


def _formats() -> list[tuple[str, str, str]]:
    return [(one.id, one.title, "") for one in splat_files.FORMATS]


class REIFY_OT_export_splats(bpy.types.Operator):
    """Write the active object's splats to a file, as they stand in the world, or in the large coordinates that they came in"""

    bl_idname = "reify.export_splats"
    bl_label = "Export Splats"

    filepath: bpy.props.StringProperty(name="File Path", description="The file to write", subtype="FILE_PATH", options={"SKIP_SAVE"})
    check_existing: bpy.props.BoolProperty(default=True, **DIALOG)
    filter_glob: bpy.props.StringProperty(default=endings.patterns(*splat_files.ENDINGS), **DIALOG)
    file_format: bpy.props.EnumProperty(
        name="Format", description="What is written", items=_formats(), default="ply", options={"SKIP_SAVE"}
    )
    up_axis: up_axis()
    levels: bpy.props.IntProperty(
        name="Levels", description="Files of ever fewer splats, the ones that are seen most: name, name_LOD1 …", default=1, min=1, max=8
    )
    share: bpy.props.FloatProperty(
        name="Share", description="How many of its splats the next level keeps", default=0.5, min=0.01, max=0.99, subtype="FACTOR"
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only splats can be written."""
        from ..backend.values import Splats
        from ..scene.read import kind_of

        cls.poll_message_set("Select splats first")
        return kind_of(context.object) is Splats

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask for the file."""
        self.filepath = self.filepath or context.object.name
        self.check(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def check(self, context: bpy.types.Context) -> bool:
        """Give the name the ending of the chosen format."""
        before, one = self.filepath, _format(self.file_format)
        if not before.lower().endswith(one.endings):
            known = next((ending for ending in splat_files.LONGEST_FIRST if before.lower().endswith(ending)), "")
            self.filepath = before[: len(before) - len(known)] + one.endings[0]
        return self.filepath != before

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write it, in the format of the name's ending where it has one."""
        named = self.filepath.lower().endswith(splat_files.LONGEST_FIRST)
        path = Path(bpy.path.abspath(self.filepath if named else self.filepath + _format(self.file_format).endings[0]))
        return reported(self, lambda: self._tell(self._write(context.object, path)))

    def _write(self, source: bpy.types.Object, path: Path) -> tuple[str, ...]:
        import numpy as np

        from ..backend.formats.splat_levels import level_path, levels
        from ..backend.splats.transform import write_moved
        from ..scene import compat, provenance
        from ..scene.splats import read_splats

        compat.expose_usd()
        matrix, back = np.array(source.matrix_world, dtype=np.float64), provenance.source_from_world(source)
        large = back is not None and splat_files.format_named(path).holds_large
        matrix = back @ matrix if large else matrix
        warnings: tuple[str, ...] = ()
        if back is not None and not large:
            warnings += (f"{path.name} stands near the origin: its format can't hold the large coordinates that the splats came in.",)
        up = "" if self.up_axis == "AUTO" else self.up_axis
        for level, splats in enumerate(levels(read_splats(source), self.levels, self.share)):
            lost = write_moved(splats, matrix, level_path(path, level), large, up)
            warnings += lost if level == 0 else ()
        return warnings

    def _tell(self, warnings: tuple[str, ...]) -> None:
        for warning in warnings:
            self.report({"WARNING"}, told(warning))


def _format(named: str) -> splat_files.SplatFormat:
    return next(one for one in splat_files.FORMATS if one.id == named)


def _draw_export(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.operator("reify.export_splats", text="Gaussian Splats (.ply, .spz, .sog, .splat)")


def register() -> None:
    """Make the operator known, and the line in the menu."""
    bpy.utils.register_class(REIFY_OT_export_splats)
    menu: Any = bpy.types.TOPBAR_MT_file_export
    menu.append(_draw_export)


def unregister() -> None:
    """Take them back."""
    menu: Any = bpy.types.TOPBAR_MT_file_export
    menu.remove(_draw_export)
    bpy.utils.unregister_class(REIFY_OT_export_splats)
