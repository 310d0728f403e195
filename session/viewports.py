"""The 3D viewports, and how results look in them."""

from __future__ import annotations

import bpy

from ..scene import preferences


def viewports(manager: bpy.types.WindowManager) -> list[bpy.types.Area]:
    """The 3D viewports of all windows."""
    return [area for window in manager.windows for area in window.screen.areas if area.type == "VIEW_3D"]


def show_colors(manager: bpy.types.WindowManager) -> None:
    """Let viewports in Solid mode show colors of attributes, unless the preferences forbid it: materials say nothing there."""
    addon = preferences.of_addon()
    if addon is not None and not addon.show_colors:
        return
    for area in viewports(manager):
        shading = area.spaces.active.shading
        if shading.type == "SOLID" and shading.color_type == "MATERIAL":
            shading.color_type = "VERTEX"
