"""Where a result stands, which way it faces and how large it is: one set of operators for splats, meshes and captures alike."""

from __future__ import annotations

import math
from typing import Any

import bpy
from mathutils import Vector

from ..backend.errors import ReifyError
from ..session import picking
from ..translations import told
from .reported import reported


class PlacingOperator:
    """What these share: they move the result that the active object belongs to, all of it."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Something that can be placed must be selected."""
        cls.poll_message_set("Select splats, a mesh, points or a result in Object Mode")
        return context.object is not None and context.mode == "OBJECT" and context.object.type in ("MESH", "POINTCLOUD", "EMPTY", "CAMERA")

    @property
    def root(self) -> bpy.types.Object:
        """What is moved."""
        from ..scene import placement

        return placement.root_of(bpy.context.object)


class REIFY_OT_rest_on_floor(PlacingOperator, bpy.types.Operator):
    """Move the result up or down until it rests on the floor"""

    bl_idname = "reify.rest_on_floor"
    bl_label = "Rest on Floor"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Move it."""
        from ..scene import placement

        return reported(self, lambda: placement.rest_on_floor(self.root))


class REIFY_OT_stand_up(PlacingOperator, bpy.types.Operator):
    """Stand the result on the widest face that it can stand on; the number below takes the next ones in turn"""

    bl_idname = "reify.stand_up"
    bl_label = "Stand Up"
    bl_options = {"REGISTER", "UNDO"}

    base: bpy.props.IntProperty(
        name="Base", description="Which of the faces that it can stand on, the widest first", default=1, min=1, options={"SKIP_SAVE"}
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Turn it."""
        from ..scene import placement

        return reported(self, lambda: placement.stand_up(self.root, self.base - 1))


class REIFY_OT_turn_to_front(PlacingOperator, bpy.types.Operator):
    """Turn the result about the vertical, so that what faces the view now is its front, which the front view (Numpad 1) shows"""

    bl_idname = "reify.turn_to_front"
    bl_label = "Turn to Front"
    bl_options = {"REGISTER", "UNDO"}

    angle: bpy.props.FloatProperty(name="Angle", description="How far to turn it", subtype="ANGLE", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Take the angle from the view."""
        if context.region_data is not None:
            toward = context.region_data.view_rotation @ Vector((0.0, 0.0, 1.0))
            self.angle = -math.pi / 2 - math.atan2(toward.y, toward.x)
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Turn it."""
        from ..scene import placement

        return reported(self, lambda: placement.turn(self.root, self.angle))


class REIFY_OT_set_size(PlacingOperator, bpy.types.Operator):
    """Scale the result so that its longest side is as long as in reality"""

    bl_idname = "reify.set_size"
    bl_label = "Set Size"
    bl_options = {"REGISTER", "UNDO"}

    size: bpy.props.FloatProperty(
        name="Longest Side", description="How long it is in reality", unit="LENGTH", default=1.0, min=1e-4, options={"SKIP_SAVE"}
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask, starting from how large it is."""
        from ..scene import placement

        def measure() -> None:
            self.size = placement.size_of(self.root)

        if reported(self, measure) == {"CANCELLED"}:
            return {"CANCELLED"}
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Scale it."""
        from ..scene import placement

        def scale() -> None:
            root = self.root
            placement.scale_by(root, self.size / placement.size_of(root))

        return reported(self, scale)


class ClickingOperator(PlacingOperator):
    """What the operators share that are told places by clicks into the viewport."""

    clicks = 2
    hint = ""

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Wait for the clicks."""
        if context.region_data is None:
            self.report({"ERROR"}, "Start this from a 3D viewport.")
            return {"CANCELLED"}
        self.places: list[Vector] = []
        self._tell(context)
        context.window.cursor_modal_set("CROSSHAIR")
        operator: Any = self
        context.window_manager.modal_handler_add(operator)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Take a place with each click; the view can be turned meanwhile."""
        if event.type in ("ESC", "RIGHTMOUSE"):
            self.cancel(context)
            return {"CANCELLED"}
        if event.type != "LEFTMOUSE" or event.value != "PRESS":
            return {"PASS_THROUGH"}
        region = next(region for region in context.area.regions if region.type == "WINDOW")
        try:
            with context.temp_override(region=region):
                self.places.append(picking.place_at(context, self.root, event.mouse_x - region.x, event.mouse_y - region.y))
        except ReifyError as error:
            self.report({"WARNING"}, told(str(error)))
        if len(self.places) < self.clicks:
            self._tell(context)
            return {"RUNNING_MODAL"}
        self.cancel(context)
        return self.chosen(context)

    def cancel(self, context: bpy.types.Context) -> None:
        """Give the mouse back."""
        context.window.cursor_modal_restore()
        context.area.header_text_set(None)

    def chosen(self, context: bpy.types.Context) -> set[Any]:
        """Do it with the places."""
        raise NotImplementedError

    def _tell(self, context: bpy.types.Context) -> None:
        context.area.header_text_set(f"{told(self.hint)} ({len(self.places) + 1}/{self.clicks})")


class REIFY_OT_set_ground(ClickingOperator, bpy.types.Operator):
    """Click three places of the ground that the result stands on: it is turned and moved onto the floor"""

    bl_idname = "reify.set_ground"
    bl_label = "Set Ground"
    bl_options = {"REGISTER", "UNDO"}

    clicks = 3
    hint = "Click a place of the ground; Esc cancels"

    first: bpy.props.FloatVectorProperty(name="First", description="A place of the ground", subtype="XYZ", options={"SKIP_SAVE"})
    second: bpy.props.FloatVectorProperty(name="Second", description="A place of the ground", subtype="XYZ", options={"SKIP_SAVE"})
    third: bpy.props.FloatVectorProperty(name="Third", description="A place of the ground", subtype="XYZ", options={"SKIP_SAVE"})

    def chosen(self, context: bpy.types.Context) -> set[Any]:
        """Stand it on them."""
        self.first, self.second, self.third = self.places
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Turn and move it."""
        from ..scene import placement

        ground = [Vector(place) for place in (self.first, self.second, self.third)]
        return reported(self, lambda: placement.stand_on(self.root, ground))


class REIFY_OT_set_length(ClickingOperator, bpy.types.Operator):
    """Click two places whose distance is known, and enter it: the result is scaled to its real size"""

    bl_idname = "reify.set_length"
    bl_label = "Set Size by a Length"
    bl_options = {"REGISTER", "UNDO"}

    hint = "Click an end of what has a known length; Esc cancels"

    measured: bpy.props.FloatProperty(name="Now", description="How long it is now", unit="LENGTH", options={"SKIP_SAVE", "HIDDEN"})
    length: bpy.props.FloatProperty(
        name="Length", description="How long it is in reality", unit="LENGTH", default=1.0, min=1e-4, options={"SKIP_SAVE"}
    )

    def chosen(self, context: bpy.types.Context) -> set[Any]:
        """Ask for the length."""
        self.measured = self.length = (self.places[1] - self.places[0]).length
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Scale it."""
        from ..scene import placement

        def scale() -> None:
            if self.measured <= 0:
                raise ReifyError("The two places are the same.", "Choose two that are apart.")
            placement.scale_by(self.root, self.length / self.measured)

        return reported(self, scale)


CLASSES = (REIFY_OT_rest_on_floor, REIFY_OT_stand_up, REIFY_OT_turn_to_front, REIFY_OT_set_size, REIFY_OT_set_ground, REIFY_OT_set_length)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
