"""What came of it: the ended jobs of this session, and the result that the selected object belongs to."""

from __future__ import annotations

from typing import Any

import bpy

from ..backend.jobs.runner import State, Task
from ..backend.jobs.terminal import clock
from ..operators import session
from ..scene import provenance
from .parts import SidebarPanel, headline, text

ICONS = {State.DONE: "CHECKMARK", State.FAILED: "ERROR", State.CANCELLED: "PANEL_CLOSE"}
ROLES = ("splats", "mesh", "points")


class VIEW3D_PT_reify_results(SidebarPanel, bpy.types.Panel):
    """Ended jobs and their figures."""

    bl_label = "Results"
    bl_idname = "VIEW3D_PT_reify_results"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw ended jobs, newest first, and the selected result."""
        ended = [task for task in reversed(session.tasks()) if task.state.ended]
        stored = provenance.read(context.object)
        for task in ended:
            _draw_task(self.layout.box(), context, task)
        if stored is not None:
            _draw_selected(self.layout.box(), context, stored)
        if not ended and stored is None:
            text(self.layout, context, "What you generate appears here. Select an object of a result to see how it was made.")


def _draw_task(layout: Any, context: bpy.types.Context, task: Task) -> None:
    row = layout.row(align=True)
    name = task.result.name if task.result is not None else task.title
    row.label(text=f"{name}: {task.state.value}", icon=ICONS[task.state])
    row.operator("reify.show_details", text="", icon="TEXT", emboss=False).number = task.number
    row.operator("reify.forget", text="", icon="X", emboss=False).number = task.number
    if task.failure is not None:
        text(layout, context, task.failure.what)
        text(layout, context, task.failure.fix)
        layout.operator("reify.show_details", text="Show Details").number = task.number
    if task.result is not None:
        report = task.result.report
        text(layout, context, f"In {clock(sum(report.seconds.values()))}. {headline(report.metrics)}")
    for warning in task.warnings:
        text(layout, context, warning, icon="INFO")


def _draw_selected(layout: Any, context: bpy.types.Context, stored: dict[str, Any]) -> None:
    collection = provenance.collection_of(context.object)
    layout.label(text=collection.name if collection is not None else context.object.name, icon="OUTLINER_COLLECTION")
    if line := headline(stored["metrics"]):
        text(layout, context, line)
    if collection is not None:
        row = layout.row(align=True)
        present = {provenance.role(member) for member in collection.objects}
        for role in ROLES:
            if role in present:
                row.operator("reify.show", text=role.capitalize()).role = role
    layout.operator("reify.regenerate", icon="FILE_REFRESH")


register, unregister = bpy.utils.register_classes_factory((VIEW3D_PT_reify_results,))
