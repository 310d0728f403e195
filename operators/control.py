"""While a job runs, and after: cancel, keep, pause, forget, and the whole text of what went wrong."""

from __future__ import annotations

import platform
import sys
from typing import Any

import bpy

from ..backend.jobs.runner import State, Task
from . import chosen, session

DETAILS_WIDTH = 640


class _TaskOperator:
    """What the operators on one task share."""

    number: bpy.props.IntProperty(name="Task", description="Number of the task; 0 for the running one", default=0)

    @property
    def task(self) -> Task | None:
        """The task meant."""
        return session.find(self.number) if self.number else session.current()


class REIFY_OT_cancel(_TaskOperator, bpy.types.Operator):
    """End the job; finished stages are kept, so that starting again goes on from there"""

    bl_idname = "reify.cancel"
    bl_label = "Cancel"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Cancel."""
        if self.task is not None:
            self.task.cancel()
        return {"FINISHED"}


class REIFY_OT_keep(_TaskOperator, bpy.types.Operator):
    """End the training now and go on with the splats as they are"""

    bl_idname = "reify.keep"
    bl_label = "Stop and Keep"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask the job."""
        if self.task is not None and self.task.job is not None:
            self.task.job.keep()
        return {"FINISHED"}


class REIFY_OT_pause(_TaskOperator, bpy.types.Operator):
    """Hold the job, or let it go on"""

    bl_idname = "reify.pause"
    bl_label = "Pause"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Pause or resume."""
        job = self.task.job if self.task is not None else None
        if job is not None:
            job.resume() if job.paused else job.pause()
        return {"FINISHED"}


class REIFY_OT_forget(_TaskOperator, bpy.types.Operator):
    """Remove this line; objects in the scene stay"""

    bl_idname = "reify.forget"
    bl_label = "Dismiss"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Forget an ended task."""
        if self.task is not None:
            session.runner().forget(self.task)
        return {"FINISHED"}


class REIFY_OT_show_details(_TaskOperator, bpy.types.Operator):
    """Show the whole text, and copy it for a bug report"""

    bl_idname = "reify.show_details"
    bl_label = "What Happened"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Open a dialog."""
        return context.window_manager.invoke_props_dialog(self, width=DETAILS_WIDTH, confirm_text="Copy")

    def draw(self, context: bpy.types.Context) -> None:
        """Draw every line of it."""
        column = self.layout.column(align=True)
        for line in details(self.task).splitlines():
            column.label(text=line)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Copy it."""
        context.window_manager.clipboard = details(self.task)
        self.report({"INFO"}, "Copied")
        return {"FINISHED"}


class REIFY_OT_clear_cache(bpy.types.Operator):
    """Delete every kept stage and checkpoint; results in .blend files stay"""

    bl_idname = "reify.clear_cache"
    bl_label = "Clear Cache"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Clear."""
        chosen.cache().clear()
        self.report({"INFO"}, "The cache is empty")
        return {"FINISHED"}


class REIFY_OT_open_preferences(bpy.types.Operator):
    """Open Reify's preferences"""

    bl_idname = "reify.open_preferences"
    bl_label = "Open Preferences"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Open them."""
        bpy.ops.preferences.addon_show(module=chosen.ADDON)
        return {"FINISHED"}


def details(task: Task | None) -> str:
    """A task's end in full, with what a bug report needs to know of the machine."""
    if task is None:
        return "This job is no longer known."
    lines = [f"{task.title}: {task.state.value}"]
    if task.state is State.FAILED and task.failure is not None:
        lines += [task.failure.what, task.failure.fix, "", task.failure.details.rstrip()]
    lines += ["", *(f"Note: {warning}" for warning in task.warnings)] if task.warnings else []
    lines += ["", f"Blender {bpy.app.version_string}, Python {platform.python_version()}, {platform.platform()}"]
    lines += [f"torch {sys.modules['torch'].__version__}"] if "torch" in sys.modules else []
    return "\n".join(lines)


CLASSES = (
    REIFY_OT_cancel,
    REIFY_OT_keep,
    REIFY_OT_pause,
    REIFY_OT_forget,
    REIFY_OT_show_details,
    REIFY_OT_clear_cache,
    REIFY_OT_open_preferences,
)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
