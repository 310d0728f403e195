"""Splats of the scene into files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from .import_splats import DIALOG
from .reported import reported


class REIFY_OT_export_splats(bpy.types.Operator):
    """Write the active object's splats to a .ply file, as they stand in the world, or in the large coordinates that they came in"""

    bl_idname = "reify.export_splats"
    bl_label = "Export Splats"

    filepath: bpy.props.StringProperty(name="File Path", description="The file to write", subtype="FILE_PATH", options={"SKIP_SAVE"})
    check_existing: bpy.props.BoolProperty(default=True, **DIALOG)
    filter_glob: bpy.props.StringProperty(default="*.ply", **DIALOG)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only splats can be written."""
        from ..backend.values import Splats
        from ..scene.read import kind_of

        cls.poll_message_set("Select splats first")
        return kind_of(context.object) is Splats

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask for the file."""
        self.filepath = self.filepath or f"{context.object.name}.ply"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write it."""
        path = Path(bpy.path.abspath(bpy.path.ensure_ext(self.filepath, ".ply")))
        return reported(self, lambda: _export(context.object, path))


def _export(source: bpy.types.Object, path: Path) -> None:
    import numpy as np

    from ..backend.splats.transform import write_moved
    from ..scene import provenance
    from ..scene.splats import read_splats

    matrix = np.array(source.matrix_world, dtype=np.float64)
    back = provenance.source_from_world(source)
    if back is None:
        write_moved(read_splats(source), matrix, path)
    else:
        write_moved(read_splats(source), back @ matrix, path, large=True)


def _draw_export(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.operator("reify.export_splats", text="Gaussian Splats (.ply)")


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
