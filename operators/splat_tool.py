"""The tool "Edit Splats" of the 3D viewport: what Blender's edit mode has on keys, for splats."""

from __future__ import annotations

from typing import Any

import bpy

DRAG: dict[str, Any] = {"type": "LEFTMOUSE", "value": "PRESS", "any": True}
KEYS: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (  # operator, key, the operator's settings
    ("reify.select_splats", {"type": "A"}, {"by": "ALL"}),
    ("reify.select_splats", {"type": "A", "alt": True}, {"by": "NONE"}),
    ("reify.select_splats", {"type": "I", "ctrl": True}, {"by": "INVERT"}),
    ("reify.select_splats", {"type": "NUMPAD_PLUS", "ctrl": True}, {"by": "GROW"}),
    ("reify.select_splats", {"type": "NUMPAD_MINUS", "ctrl": True}, {"by": "SHRINK"}),
    ("reify.outline_splats", {"type": "B"}, {"shape": "BOX"}),
    ("reify.outline_splats", {"type": "C"}, {"shape": "BRUSH"}),
    ("reify.hide_splats", {"type": "H"}, {}),
    ("reify.hide_splats", {"type": "H", "shift": True}, {"others": True}),
    ("reify.reveal_splats", {"type": "H", "alt": True}, {}),
    ("reify.delete_splats", {"type": "X"}, {}),
    ("reify.delete_splats", {"type": "DEL"}, {}),
    ("reify.separate_splats", {"type": "P"}, {}),
    ("reify.separate_splats", {"type": "D", "shift": True}, {"copy": True}),
    ("reify.join_splats", {"type": "J", "ctrl": True}, {}),
)


class ReifyEditSplats(bpy.types.WorkSpaceTool):
    """Dragging selects; keys do what they do in edit mode."""

    bl_space_type = "VIEW_3D"
    bl_context_mode = "OBJECT"
    bl_idname = "reify.edit_splats"
    bl_label = "Edit Splats"
    bl_description = (
        "Drag to select splats; Shift extends, Ctrl subtracts. H hides the selected ones, Alt H reveals, X deletes, P separates, "
        "Shift D duplicates, Ctrl J joins, A selects all, Alt A none, Ctrl I inverts, B is a box, C a brush"
    )
    bl_icon = "ops.generic.select_lasso"
    bl_keymap = (
        ("reify.outline_splats", DRAG, None),
        *((operator, {**key, "value": "PRESS"}, {"properties": list(settings.items())}) for operator, key, settings in KEYS),
    )

    @staticmethod
    def draw_settings(context: bpy.types.Context, layout: Any, tool: Any) -> None:
        """Draw what dragging does."""
        properties = tool.operator_properties("reify.outline_splats")
        for name in ("shape", "visible", *(("brush",) if properties.shape == "BRUSH" else ())):
            layout.prop(properties, name)


def register() -> None:
    """Put the tool into the toolbar."""
    bpy.utils.register_tool(ReifyEditSplats, after={"builtin.select_lasso"}, separator=True)


def unregister() -> None:
    """Take it away."""
    bpy.utils.unregister_tool(ReifyEditSplats)
