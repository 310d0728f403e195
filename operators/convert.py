"""Convert the selected objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..session import conversion, properties, queue, start
from .reported import reported

if TYPE_CHECKING:
    from ..backend.jobs.runner import Task


class REIFY_OT_convert(bpy.types.Operator):
    """Clean, simplify or turn the selected objects into others; the originals are kept"""

    bl_idname = "reify.convert"
    bl_label = "Convert"
    bl_options = {"REGISTER"}

    method: bpy.props.StringProperty(
        name="Method", description="Id of the method; empty for the one that the panel shows", options={"SKIP_SAVE"}
    )
    preset: bpy.props.StringProperty(name="Preset", description="Name of a preset; empty for the panel's settings", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be something that a method takes."""
        if reason := conversion.why_not(context):
            cls.poll_message_set(reason)
        return not reason

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start and return at once."""
        return reported(self, lambda: self._start(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start and wait."""
        return reported(self, lambda: start.wait(*self._start(context)))

    def _start(self, context: bpy.types.Context) -> list[Task]:
        from ..backend.methods import method_called

        method = method_called(self.method) if self.method else conversion.chosen(context)
        group = properties.group_of(context.scene, method)
        settings = method.preset(self.preset) if self.preset else properties.read_settings(method, group)
        with queue.runner().held():
            return [start.start(order) for order in conversion.orders(context, method, settings)]


register, unregister = bpy.utils.register_classes_factory((REIFY_OT_convert,))
