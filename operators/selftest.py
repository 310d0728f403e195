"""The self-test's buttons."""

from __future__ import annotations

import bpy

from ..session import engine, self_test
from ..session.side_jobs import SELF_TEST
from .reported import reported


class REIFY_OT_self_test(bpy.types.Operator):
    """Try everything that computes for a second each: does it work here, on what, and how fast"""

    bl_idname = "reify.self_test"
    bl_label = "Self-Test"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """With the engine, and not while something else computes."""
        reason = self_test.why_not() if engine.state().usable else "The engine isn't installed"
        cls.poll_message_set(reason)
        return not reason

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start and return at once."""
        self_test.start()
        return {"FINISHED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start and wait, as scripts want it."""

        def test() -> None:
            self_test.start()
            SELF_TEST.wait()
            self.report({"INFO"}, self_test.report())

        return reported(self, test)


class REIFY_OT_cancel_self_test(bpy.types.Operator):
    """End the self-test"""

    bl_idname = "reify.cancel_self_test"
    bl_label = "Cancel"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Cancel."""
        SELF_TEST.cancel()
        return {"FINISHED"}


class REIFY_OT_copy_self_test(bpy.types.Operator):
    """Copy what the self-test found, for a bug report"""

    bl_idname = "reify.copy_self_test"
    bl_label = "Copy Report"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """After a self-test."""
        cls.poll_message_set("Run the self-test first")
        return bool(self_test.report())

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Copy."""
        context.window_manager.clipboard = self_test.report()
        return {"FINISHED"}


CLASSES = (REIFY_OT_self_test, REIFY_OT_cancel_self_test, REIFY_OT_copy_self_test)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
