"""How the active object's splats are drawn, and their way into a file."""

from __future__ import annotations

import bpy

from ..backend.values import Splats
from .parts import SidebarPanel, say, text

LABELS = {"Viewport Amount": "Amount", "Viewport Size": "Size", "Viewport Opacity": "Opacity", "Viewport Largest": "Largest"}


class VIEW3D_PT_reify_splats(SidebarPanel, bpy.types.Panel):
    """Splats of the active object."""

    bl_label = "Splats"
    bl_idname = "VIEW3D_PT_reify_splats"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw what they are, how they are drawn, and Export."""
        from ..scene import compat, splat_nodes
        from ..scene.read import kind_of

        layout = self.layout
        if kind_of(context.object) is not Splats:
            text(layout, context, "Select splats to change how they are drawn, or to write them to a file.")
            layout.operator("reify.import_splats", icon="IMPORT")
            return
        cloud = context.object.data
        bands = sum(attribute.name.startswith("radiance:sh_") for attribute in cloud.attributes)
        degree = round((bands + 1) ** 0.5) - 1
        text(layout, context, say("{count} splats, colors of SH degree {degree}", count=f"{len(cloud.points):,}", degree=degree))
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        for modifier in splat_nodes.drawing(context.object):
            column.label(text="In the Viewport:")
            for name in splat_nodes.INPUTS:
                found = compat.modifier_input(modifier, splat_nodes.socket_identifier(modifier.node_group, name))
                column.prop(*found, text=LABELS.get(name, name))
        layout.operator("reify.export_splats", icon="EXPORT")


register, unregister = bpy.utils.register_classes_factory((VIEW3D_PT_reify_splats,))
