"""The Image Editor: what it shows, showing something in it, and dragging a box over it."""

from __future__ import annotations

from typing import Any

import bpy

from ..backend.errors import ReifyError

STROKES = "Reify Strokes"  # name of the image that strokes are painted on
NO_PICTURES = ("RENDER_RESULT", "COMPOSITING")
HINT = "Drag a box around the subject; Esc cancels"


def active_image(context: bpy.types.Context) -> Any:
    """The picture in the first Image Editor that shows one, None where there is none."""
    shown = [area.spaces.active.image for _, area in _editors(context)]
    return next((image for image in shown if image is not None and image.type not in NO_PICTURES), None)


def show(context: bpy.types.Context, image: bpy.types.Image, paint: bool = False) -> tuple[Any, Any]:
    """Show `image` in an Image Editor, in a new window where there is none, ready to `paint` on; returns window and area.

    Raises ReifyError where there is none and no window can be opened.
    """
    window, area = next(iter(_editors(context)), None) or _opened(context)
    space = area.spaces.active
    space.mode = "PAINT" if paint else "VIEW"
    space.image = image
    if paint:
        from ..scene import compat

        compat.paint_white_on_black(context.scene.tool_settings)
    view_all: Any = bpy.ops.image.view_all
    with context.temp_override(window=window, area=area, region=_canvas(area)):
        if view_all.poll():
            view_all(fit_view=True)
    area.tag_redraw()
    return window, area


class BoxDrag:
    """A box being dragged over an image in an Image Editor, from the first press of the mouse to its release."""

    def __init__(self, context: bpy.types.Context, image: bpy.types.Image, size_px: tuple[int, int]) -> None:
        """`size_px` is the width and height of the picture that the box is for; `image` may be a smaller copy."""
        self.window, self._area = show(context, image)
        self._size_px = size_px
        self._start: tuple[float, float] | None = None  # from 0 to 1 across and up the image
        self._end = (0.0, 0.0)
        self._drawing = bpy.types.SpaceImageEditor.draw_handler_add(self._draw, (), "WINDOW", "POST_PIXEL")
        self.window.cursor_modal_set("CROSSHAIR")
        self._area.header_text_set(HINT)

    @property
    def box_px(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom, inside the picture."""
        start = self._start or self._end
        width, height = self._size_px
        across = sorted(min(max(round(place[0] * width), 0), width) for place in (start, self._end))
        down = sorted(min(max(round((1.0 - place[1]) * height), 0), height) for place in (start, self._end))
        return across[0], down[0], across[1], down[1]

    def follow(self, event: bpy.types.Event) -> str:
        """Take an event of the window: RUNNING, FINISHED or CANCELLED."""
        if event.type in ("ESC", "RIGHTMOUSE"):
            return "CANCELLED"
        region = _canvas(self._area)
        self._end = region.view2d.region_to_view(event.mouse_x - region.x, event.mouse_y - region.y)
        if event.type == "LEFTMOUSE" and event.value == "PRESS":
            self._start = self._end
        elif event.type == "LEFTMOUSE" and event.value == "RELEASE" and self._start is not None:
            return "FINISHED"
        self._area.tag_redraw()
        return "RUNNING"

    def forget(self) -> None:
        """Draw no more; all that can be done once Blender has closed the window."""
        bpy.types.SpaceImageEditor.draw_handler_remove(self._drawing, "WINDOW")

    def end(self) -> None:
        """Put everything back."""
        self.forget()
        self.window.cursor_modal_restore()
        self._area.header_text_set(None)
        self._area.tag_redraw()

    def _draw(self) -> None:
        if self._start is None or bpy.context.area != self._area:
            return
        import gpu
        from gpu_extras.batch import batch_for_shader

        view = _canvas(self._area).view2d
        (x0, y0), (x1, y1) = (view.view_to_region(*place, clip=False) for place in (self._start, self._end))
        shader = gpu.shader.from_builtin("UNIFORM_COLOR")
        shader.uniform_float("color", (1.0, 1.0, 1.0, 1.0))
        batch_for_shader(shader, "LINE_STRIP", {"pos": [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]}).draw(shader)


def _editors(context: bpy.types.Context) -> list[tuple[Any, Any]]:
    windows = context.window_manager.windows
    return [(window, area) for window in windows for area in window.screen.areas if area.ui_type == "IMAGE_EDITOR"]


def _opened(context: bpy.types.Context) -> tuple[Any, Any]:
    before = len(context.window_manager.windows)
    if not bpy.app.background:
        bpy.ops.wm.window_new()
    if len(context.window_manager.windows) == before:
        raise ReifyError("There is no Image Editor.", "Open one, and try again.")
    window = context.window_manager.windows[-1]
    area = window.screen.areas[0]
    area.ui_type = "IMAGE_EDITOR"
    return window, area


def _canvas(area: bpy.types.Area) -> Any:
    return next(region for region in area.regions if region.type == "WINDOW")
