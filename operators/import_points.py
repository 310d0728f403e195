"""Point clouds into the scene, chosen in File › Import: laser scans and tables of numbers, which Blender itself doesn't read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..backend.errors import ReifyError
from ..backend.formats import endings
from ..session.viewports import show_colors
from ..translations import told
from .import_splats import DIALOG
from .reported import reported

RADIUS = 0.25  # of the usual distance between neighbors


class REIFY_OT_import_points(bpy.types.Operator):
    """Import a point cloud: a laser scan (.las, .laz), a table of numbers (.xyz, .pts, .asc, .txt, .csv) or a .ply file"""

    bl_idname = "reify.import_points"
    bl_label = "Import Points"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(name="File Path", description="The file to import", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default=endings.patterns(*endings.CLOUDS), **DIALOG)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask for the file."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make the object."""
        return reported(self, lambda: self._tell(import_points(context, Path(bpy.path.abspath(self.filepath)))))

    def _tell(self, warnings: tuple[str, ...]) -> None:
        for warning in warnings:
            self.report({"WARNING"}, told(warning))


def import_points(context: bpy.types.Context, path: Path) -> tuple[str, ...]:
    """Make a new, selected object with the points of a file; returns what was left out. Raises ReifyError where it holds none."""
    from ..backend.formats.given import read_points
    from ..backend.values import Points
    from ..scene import provenance
    from ..scene.points import points_object

    if not path.is_file():
        raise ReifyError(f"{path.name} isn't there.", "Choose another file.")
    given = read_points(path)
    assert isinstance(given.value, Points)
    # Points on surfaces are about as far apart as the root of the surface's share for each.
    extent = float(np.linalg.norm(np.ptp(given.value.xyz, axis=0)))
    made = points_object(given.name, given.value, radius=RADIUS * extent / len(given.value) ** 0.5)
    provenance.keep_source_from_world(made, given.source_from_world)
    context.collection.objects.link(made)
    bpy.ops.object.select_all(action="DESELECT")
    made.select_set(True)
    context.view_layer.objects.active = made
    show_colors(context.window_manager)
    return given.warnings


def _draw_import(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.operator("reify.import_points", text="Point Cloud (.las, .laz, .xyz, .pts)")


def register() -> None:
    """Make the operator known, and the line in the menu."""
    bpy.utils.register_class(REIFY_OT_import_points)
    menu: Any = bpy.types.TOPBAR_MT_file_import
    menu.append(_draw_import)


def unregister() -> None:
    """Take them back."""
    menu: Any = bpy.types.TOPBAR_MT_file_import
    menu.remove(_draw_import)
    bpy.utils.unregister_class(REIFY_OT_import_points)
