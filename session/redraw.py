"""Drawing the sidebars and the status bar anew, where a change came from elsewhere than a click in them."""

from __future__ import annotations

from typing import Any

import bpy


def redraw() -> None:
    """Redraw the sidebars that show the panel, and the status bar."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "IMAGE_EDITOR"):
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
    # The status bar is none of a screen's areas. It listens to this; setting its text would take away that of a running operator.
    key: Any = (bpy.types.Window, "view_layer")
    bpy.msgbus.publish_rna(key=key)
