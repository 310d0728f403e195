"""What waits: the order in which jobs come, and the job that Blender's end has interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..session import queue
from ..session.texts import name_of
from .parts import SidebarPanel, say, text

if TYPE_CHECKING:
    from ..backend.jobs.runner import Task


class VIEW3D_PT_reify_queue(SidebarPanel, bpy.types.Panel):
    """Jobs that wait."""

    bl_label = "Queue"
    bl_idname = "VIEW3D_PT_reify_queue"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where something waits."""
        return bool(_waiting())

    def draw(self, context: bpy.types.Context) -> None:
        """Draw a line for each waiting job."""
        waiting = _waiting()
        column = self.layout.column(align=True)
        for task in waiting:
            row = column.row(align=True)
            row.label(text=name_of(task), icon="TIME", translate=False)
            row.operator("reify.rename", text="", icon="GREASEPENCIL", emboss=False).number = task.number
            _draw_move(row, task, -1, "TRIA_UP", possible=task is not waiting[0])
            _draw_move(row, task, 1, "TRIA_DOWN", possible=task is not waiting[-1])
            row.operator("reify.cancel", text="", icon="X").number = task.number


def draw_interrupted(layout: Any, context: bpy.types.Context) -> None:
    """Offer to resume what ran when Blender went away."""
    from ..backend.jobs.standing import percent

    for task in (task for task in queue.tasks() if task.state.value == "interrupted"):
        box = layout.box()
        _stage, fraction = task.reached
        text(box, context, say("{job} was interrupted at {percent}.", job=name_of(task), percent=percent(fraction)), icon="RECOVER_LAST")
        row = box.row(align=True)
        row.operator("reify.retry", text="Resume", icon="PLAY").number = task.number
        row.operator("reify.forget", text="Discard", icon="X").number = task.number


def _draw_move(layout: Any, task: Task, by: int, icon: str, possible: bool) -> None:
    row = layout.row(align=True)
    row.enabled = possible
    button = row.operator("reify.move", text="", icon=icon)
    button.number, button.by = task.number, by


def _waiting() -> list[Task]:
    return [task for task in queue.tasks() if task.state.value == "queued"]


register, unregister = bpy.utils.register_classes_factory((VIEW3D_PT_reify_queue,))
