"""What can be done to the splats of the active object: select, cut, adjust, place."""

from __future__ import annotations

from typing import Any

import bpy

from .parts import SidebarPanel

LOOKS = ("OPACITY", "SIZE", "COLOR", "SPARSE", "FLOATERS", "BODY", "SUBJECT", "SPHERE", "MESH")
OUTLINES = (("BOX", "Box"), ("LASSO", "Lasso"), ("CIRCLE", "Circle"), ("BRUSH", "Brush"))
WHOLE = (("ALL", "All"), ("NONE", "None"), ("INVERT", "Invert"), ("GROW", "Grow"), ("SHRINK", "Shrink"))


class VIEW3D_PT_reify_edit_splats(SidebarPanel, bpy.types.Panel):
    """Editing splats."""

    bl_label = "Edit Splats"
    bl_idname = "VIEW3D_PT_reify_edit_splats"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only splats can be edited."""
        from ..scene.splats import holds_splats

        return context.object is not None and context.object.type == "POINTCLOUD" and holds_splats(context.object.data)

    def draw(self, context: bpy.types.Context) -> None:
        """Draw what selects, what cuts, and what places them."""
        layout = self.layout
        layout.operator("reify.subject_only", icon="USER")
        row = layout.row(align=True)
        row.operator("reify.crop_box", icon="CUBE")
        row.operator("reify.remove_floaters", icon="PARTICLES")
        layout.operator("wm.tool_set_by_id", text="Edit with Keys", icon="RESTRICT_SELECT_OFF").name = "reify.edit_splats"
        layout.label(text="Select:")
        row = layout.row(align=True)
        for shape, label in OUTLINES:
            row.operator("reify.outline_splats", text=label).shape = shape
        row = layout.row(align=True)
        for by, label in WHOLE:
            row.operator("reify.select_splats", text=label).by = by
        _grid(layout)
        row = layout.row(align=True)
        row.operator("reify.delete_splats", text="Delete", icon="TRASH")
        row.operator("reify.separate_splats", text="Separate")
        row.operator("reify.join_splats", text="Join")
        row = layout.row(align=True)
        row.operator("reify.hide_splats", text="Hide", icon="HIDE_ON")
        row.operator("reify.reveal_splats", text="Reveal", icon="HIDE_OFF")
        layout.label(text="Change:")
        row = layout.row(align=True)
        row.operator("reify.adjust_splats", text="Adjust", icon="COLOR")
        row.operator("reify.decimate_splats", text="Decimate")
        layout.label(text="Place:")
        row = layout.row(align=True)
        row.operator("reify.place_splats", text="Stand on Floor", icon="VIEW_PERSPECTIVE")
        row.operator("reify.set_length", text="Real Size", icon="DRIVER_DISTANCE")
        layout.operator("reify.apply_splat_transform", text="Apply Transform")
        layout.label(text="Light:")
        layout.operator("reify.shadow_catcher", icon="LIGHT_SUN")


def _grid(layout: Any) -> None:
    from ..operators.select_splats import WAYS

    labels = {way: label for way, label, _description in WAYS}
    grid = layout.grid_flow(row_major=True, columns=3, align=True)
    for by in LOOKS:
        grid.operator("reify.select_splats", text=labels[by]).by = by


register, unregister = bpy.utils.register_classes_factory((VIEW3D_PT_reify_edit_splats,))
