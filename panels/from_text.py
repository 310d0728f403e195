"""From Text: said plainly what it needs, as long as there is no method that does it."""

from __future__ import annotations

import bpy

from ..session import properties
from .parts import SidebarPanel, text


class VIEW3D_PT_reify_from_text(SidebarPanel, bpy.types.Panel):
    """What From Text needs."""

    bl_label = "From Text"
    bl_idname = "VIEW3D_PT_reify_from_text"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Gone once there is such a method."""
        from ..backend.methods import all_methods

        return properties.ready() and "text" not in all_methods()

    def draw(self, context: bpy.types.Context) -> None:
        """Say it."""
        layout = self.layout
        text(layout, context, "Making objects from words needs a learned model of several gigabytes, and Reify has none yet.", icon="INFO")
        text(layout, context, "Until it has, draw or photograph what you mean, and choose From Picture or From Photos.")


register, unregister = bpy.utils.register_classes_factory((VIEW3D_PT_reify_from_text,))
