"""The self-test from the preferences. It has a runner of its own, and refuses to run beside a job, which would slow both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from . import engine, session
from .redraw import redraw

if TYPE_CHECKING:
    from ..backend.jobs.runner import Runner, Task

_runner: Runner | None = None


def task() -> Task | None:
    """The self-test that runs, or the last one that ended."""
    return _runner.tasks[-1] if _runner is not None and _runner.tasks else None


def report() -> str:
    """What the last one found, as text; empty where none has ended."""
    last = task()
    if last is None or not last.state.ended:
        return ""
    if last.failure is not None:
        return f"{last.failure.what} {last.failure.fix}\n{last.failure.details}"
    if last.result is None:
        return ""
    from ..backend import selftest

    return f"Blender {bpy.app.version_string}\n{selftest.described(last.result.report)}"


class REIFY_OT_self_test(bpy.types.Operator):
    """Try everything that computes for a second each: does it work here, on what, and how fast"""

    bl_idname = "reify.self_test"
    bl_label = "Self-Test"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """With the engine, and not while something else computes."""
        if not engine.state().usable:
            cls.poll_message_set("The engine isn't installed")
            return False
        cls.poll_message_set("Wait until nothing else is computing")
        return not engine.busy() and session.current() is None and (_runner is None or not _runner.busy)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start and return at once."""
        _start()
        bpy.app.timers.register(_tick, first_interval=engine.TICK_S, persistent=True)
        return {"FINISHED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start and wait, as scripts want it."""
        from ..backend.jobs.terminal import drain

        drain(_start())
        self.report({"INFO"}, report())
        return {"FINISHED"}


class REIFY_OT_cancel_self_test(bpy.types.Operator):
    """End the self-test"""

    bl_idname = "reify.cancel_self_test"
    bl_label = "Cancel"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Cancel."""
        if running := task():
            running.cancel()
        return {"FINISHED"}


class REIFY_OT_copy_self_test(bpy.types.Operator):
    """Copy what the self-test found, for a bug report"""

    bl_idname = "reify.copy_self_test"
    bl_label = "Copy Report"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """After a self-test."""
        cls.poll_message_set("Run the self-test first")
        return bool(report())

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Copy."""
        context.window_manager.clipboard = report()
        return {"FINISHED"}


def _start() -> Task:
    from ..backend import selftest
    from ..backend.jobs.job import Job
    from ..backend.jobs.runner import Runner, Task

    global _runner
    _runner = _runner or Runner()
    for ended in _runner.tasks:
        _runner.forget(ended)
    return _runner.submit(Task("Self-Test", selftest.run, lambda listener: Job(listener=listener)))


def _tick() -> float | None:
    redraw()
    return engine.TICK_S if _runner is not None and _runner.busy else None


CLASSES = (REIFY_OT_self_test, REIFY_OT_cancel_self_test, REIFY_OT_copy_self_test)


def register() -> None:
    """Make the operators known."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """End a self-test, and take everything back."""
    global _runner
    if _runner is not None:
        _runner.stop()
        _runner = None
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
