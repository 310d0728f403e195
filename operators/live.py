"""The live preview's switch."""

from __future__ import annotations

import bpy

from ..session import live


class REIFY_OT_live_preview(bpy.types.Operator):
    """Show what the picture becomes while sliders move, coarse, in the viewport and in the panel"""

    bl_idname = "reify.live_preview"
    bl_label = "Live Preview"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Switch it on or off."""
        live.stop() if live.is_on() else live.start()
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory((REIFY_OT_live_preview,))
