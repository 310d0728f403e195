"""Splats selected in the viewport by drawing around, or over, them."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ..translations import number, told
from .reported import reported
from .select_splats import ACTIONS, has_splats

SHAPES = (
    ("BOX", "Box", "From corner to corner"),
    ("LASSO", "Lasso", "Around them"),
    ("CIRCLE", "Circle", "From the center to the rim"),
    ("BRUSH", "Brush", "Over them"),
)
LINE = (1.0, 0.6, 0.1, 1.0)


class REIFY_OT_outline_splats(bpy.types.Operator):
    """Select splats in the viewport by dragging the mouse; Shift extends the selection, Ctrl subtracts"""

    bl_idname = "reify.outline_splats"
    bl_label = "Outline Splats"
    bl_options = {"REGISTER", "UNDO"}

    shape: bpy.props.EnumProperty(name="Shape", description="What dragging draws", items=SHAPES, default="LASSO")
    action: bpy.props.EnumProperty(name="Mode", description="What happens to the present selection", items=ACTIONS, default="SET")
    visible: bpy.props.BoolProperty(name="Visible Only", description="Leave out splats that others hide", default=False)
    brush: bpy.props.IntProperty(name="Brush", description="Radius of the brush", default=24, min=1, soft_max=200, subtype="PIXEL")
    path: bpy.props.CollectionProperty(type=bpy.types.OperatorMousePath, options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be splats, and a viewport."""
        if not has_splats(cls, context):
            return False
        cls.poll_message_set("This works in a 3D viewport")
        return context.region_data is not None

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Follow the mouse if its button was pressed, as the tool has it, else wait for that."""
        self._down = False
        self._handle: Any = bpy.types.SpaceView3D.draw_handler_add(self._draw_path, (context.region,), "WINDOW", "POST_PIXEL")
        context.workspace.status_text_set("Drag over the splats; Shift extends, Ctrl subtracts, Esc ends")
        context.window.cursor_modal_set("CROSSHAIR")
        context.window_manager.modal_handler_add(self)
        return self.modal(context, event) if event.value in ("PRESS", "CLICK_DRAG") else {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Follow the mouse."""
        if event.type in ("ESC", "RIGHTMOUSE"):
            self._end(context)
            return {"CANCELLED"}
        if event.type == "LEFTMOUSE" and event.value in ("PRESS", "CLICK_DRAG"):
            self._down = True
            self.action = "ADD" if event.shift else "SUBTRACT" if event.ctrl else self.action
        if self._down and event.type in ("MOUSEMOVE", "LEFTMOUSE"):
            self.path.add().loc = event.mouse_region_x, event.mouse_region_y
            context.area.tag_redraw()
        if self._down and event.type == "LEFTMOUSE" and event.value == "RELEASE":
            self._end(context)
            return self.execute(context)
        return {"RUNNING_MODAL"} if self._down or event.type in ("LEFTMOUSE", "MOUSEMOVE") else {"PASS_THROUGH"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Select what the path outlines."""
        return reported(self, lambda: self._select(context))

    def _select(self, context: bpy.types.Context) -> None:
        from ..scene import splat_edits, splat_screen, splat_selection

        if not self.path:
            return
        path = np.array([tuple(point.loc) for point in self.path], np.float64)
        cloud = splat_edits.cloud_of(context.object)
        mask = splat_screen.outlined(context, context.object, self.shape, path, self.brush, self.visible)
        changed = splat_selection.combined(splat_edits.selection(cloud), mask, self.action)
        splat_edits.select(cloud, changed)
        self.report({"INFO"}, told("{count} of {total} splats selected").format(count=number(changed.sum()), total=number(len(changed))))

    def _end(self, context: bpy.types.Context) -> None:
        bpy.types.SpaceView3D.draw_handler_remove(self._handle, "WINDOW")
        context.workspace.status_text_set(None)
        context.window.cursor_modal_restore()
        context.area.tag_redraw()

    def _draw_path(self, region: Any) -> None:
        import gpu
        from gpu_extras.batch import batch_for_shader

        if bpy.context.region != region or len(self.path) < 2:
            return
        points = [tuple(point.loc) for point in self.path]
        (ax, ay), (bx, by) = points[0], points[-1]
        if self.shape == "BOX":
            points = [(ax, ay), (bx, ay), (bx, by), (ax, by), (ax, ay)]
        elif self.shape == "CIRCLE":
            radius = float(np.hypot(bx - ax, by - ay))
            points = [(ax + radius * np.cos(t), ay + radius * np.sin(t)) for t in np.linspace(0, 2 * np.pi, 48)]
        shader = gpu.shader.from_builtin("UNIFORM_COLOR")
        shader.uniform_float("color", LINE)
        batch_for_shader(shader, "LINE_STRIP", {"pos": points}).draw(shader)


register, unregister = bpy.utils.register_classes_factory((REIFY_OT_outline_splats,))
