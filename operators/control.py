"""While a job waits or runs, and after: order, cancel, keep, pause, try again, forget, and the whole text of what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..scene import preferences
from ..session import queue, results, start, texts
from ..translations import told
from .reported import reported

if TYPE_CHECKING:
    from ..backend.jobs.runner import Task

DETAILS_WIDTH = 640


class TaskOperator:
    """What the operators on one task share."""

    number: bpy.props.IntProperty(name="Task", description="Number of the task; 0 for the running one", default=0, options={"SKIP_SAVE"})

    @property
    def task(self) -> Task | None:
        """The task meant."""
        return queue.find(self.number) if self.number else queue.current()


class RunningOperator(TaskOperator):
    """What the operators on a task that hasn't ended share."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """While there is one."""
        cls.poll_message_set("Nothing is running")
        return queue.current() is not None


class REIFY_OT_cancel(RunningOperator, bpy.types.Operator):
    """End the job; finished stages are kept, so that starting again goes on from there"""

    bl_idname = "reify.cancel"
    bl_label = "Cancel"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Cancel."""
        if self.task is not None:
            queue.runner().cancel(self.task)
        return {"FINISHED"}


class REIFY_OT_keep(RunningOperator, bpy.types.Operator):
    """End the training now and go on with the splats as they are"""

    bl_idname = "reify.keep"
    bl_label = "Stop and Keep"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask the job."""
        if self.task is not None and self.task.job is not None:
            self.task.job.keep()
        return {"FINISHED"}


class REIFY_OT_pause(RunningOperator, bpy.types.Operator):
    """Hold the job, or let it go on"""

    bl_idname = "reify.pause"
    bl_label = "Pause"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Pause or resume."""
        job = self.task.job if self.task is not None else None
        if job is not None:
            job.resume() if job.paused else job.pause()
        return {"FINISHED"}


class REIFY_OT_forget(TaskOperator, bpy.types.Operator):
    """Remove this line; objects in the scene stay"""

    bl_idname = "reify.forget"
    bl_label = "Dismiss"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Forget an ended task."""
        if self.task is not None:
            queue.forget(self.task)
        return {"FINISHED"}


class REIFY_OT_retry(TaskOperator, bpy.types.Operator):
    """Do this once more with the same sources and settings; what was finished, and training until a minute before it ended, is kept"""

    bl_idname = "reify.retry"
    bl_label = "Try Again"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put it at the end of the queue."""
        task = self.task
        return reported(self, lambda: start.retry(task)) if task is not None else {"CANCELLED"}


class REIFY_OT_move(TaskOperator, bpy.types.Operator):
    """Change the order in which waiting jobs come"""

    bl_idname = "reify.move"
    bl_label = "Move in Queue"

    by: bpy.props.IntProperty(name="By", description="1 for later, -1 for earlier", default=-1, min=-1, max=1, options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Let it change places with its neighbor."""
        if self.task is not None:
            queue.runner().move(self.task, self.by)
        return {"FINISHED"}


class REIFY_OT_rename(TaskOperator, bpy.types.Operator):
    """Call this job, and what it makes, by another name"""

    bl_idname = "reify.rename"
    bl_label = "Rename"
    bl_options = {"REGISTER", "UNDO"}

    name: bpy.props.StringProperty(name="Name", description="The new name", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask for it."""
        if self.task is None:
            return {"CANCELLED"}
        self.name = texts.name_of(self.task)
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Rename the job, and its result in this file."""
        if self.task is None or not self.name:
            return {"CANCELLED"}
        collection = results.collection_of(self.task.id)
        if collection is not None:
            collection.name = self.name
        queue.rename(self.task, self.name if collection is None else collection.name)
        return {"FINISHED"}


class REIFY_OT_show_details(TaskOperator, bpy.types.Operator):
    """Show the whole text, and copy it for a bug report"""

    bl_idname = "reify.show_details"
    bl_label = "What Happened"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Open a dialog."""
        return context.window_manager.invoke_props_dialog(self, width=DETAILS_WIDTH, confirm_text="Copy")

    def draw(self, context: bpy.types.Context) -> None:
        """Draw every line of it."""
        column = self.layout.column(align=True)
        for line in texts.details(self.task).splitlines():
            column.label(text=line)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Copy it."""
        context.window_manager.clipboard = texts.details(self.task)
        self.report({"INFO"}, told("Copied"))
        return {"FINISHED"}


class REIFY_OT_notify(TaskOperator, bpy.types.Operator):
    """Say in the status bar how a job has ended"""

    bl_idname = "reify.notify"
    bl_label = "Notify"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Wait for the next event: only what is reported from there gets into the status bar."""
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Report it."""
        if self.task is not None:
            self.report({"WARNING" if self.task.failure is not None else "INFO"}, texts.ending(self.task))
        return {"FINISHED", "PASS_THROUGH"}


class REIFY_OT_clear_cache(bpy.types.Operator):
    """Delete every kept stage and checkpoint; results in .blend files stay"""

    bl_idname = "reify.clear_cache"
    bl_label = "Clear Cache"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Clear."""
        preferences.cache().clear()
        preferences.forget_size()
        self.report({"INFO"}, told("The cache is empty"))
        return {"FINISHED"}


class REIFY_OT_open_preferences(bpy.types.Operator):
    """Open Reify's preferences"""

    bl_idname = "reify.open_preferences"
    bl_label = "Open Preferences"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Open them."""
        bpy.ops.preferences.addon_show(module=preferences.ADDON)
        return {"FINISHED"}


CLASSES = (
    REIFY_OT_cancel,
    REIFY_OT_keep,
    REIFY_OT_pause,
    REIFY_OT_forget,
    REIFY_OT_retry,
    REIFY_OT_move,
    REIFY_OT_rename,
    REIFY_OT_show_details,
    REIFY_OT_notify,
    REIFY_OT_clear_cache,
    REIFY_OT_open_preferences,
)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
