"""Drawing the sidebars anew, where a change came from elsewhere than a click in them."""

from __future__ import annotations

import bpy


def redraw() -> None:
    """Redraw the sidebars that show the panel."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "IMAGE_EDITOR"):
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
