"""The engine: what is there, one button to install it, and in the same place the running installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..operators import engine
from .parts import say, text
from .side_jobs import draw_self_test

if TYPE_CHECKING:
    from ..backend.engine.place import State
    from ..backend.jobs.runner import Task


def draw_engine(layout: Any, context: bpy.types.Context) -> None:
    """Draw it into the preferences, or into the panel as long as the engine is missing."""
    task = engine.task()
    if task is not None and not task.state.ended:
        _draw_running(layout, context, task)
        return
    if task is not None and task.failure is not None:
        text(layout, context, f"{task.failure.what} {task.failure.fix}", icon="ERROR")
        layout.operator("reify.open_engine_log", icon="TEXT")
    state = engine.state()
    if state.usable:
        _draw_installed(layout, context, state)
    else:
        _draw_absent(layout, context, state)


def _draw_absent(layout: Any, context: bpy.types.Context, state: State) -> None:
    plan, why = engine.plan()
    if state.name != "ABSENT":
        text(layout, context, say(state.value) + ".", icon="INFO")
    text(layout, context, "The engine is what computes: torch, numba, pycolmap and others. It is installed once.")
    chosen = {"build": say(plan.build.title), "why": say(why), "size": f"{engine.size_gib():.1f}", "folder": plan.place.root}
    text(layout, context, say("For: {build}. {why}. About {size} GB, in {folder}", **chosen))
    if not plan.online:
        text(layout, context, "Blender's online access is off.", icon="INFO")
    row = layout.row()
    row.scale_y = 1.6
    if plan.online:
        row.operator("reify.install_engine", text=_verb(state), icon="IMPORT")
    else:
        row.operator("extensions.userpref_allow_online", text="Allow Online Access", icon="INTERNET")
    layout.operator("reify.install_engine_from_folder", icon="FILE_FOLDER")


def _verb(state: State) -> str:
    return {"UNFINISHED": "Repair Engine", "OUTDATED": "Update Engine"}.get(state.name, "Install Engine")


def _draw_installed(layout: Any, context: bpy.types.Context, state: State) -> None:
    text(layout, context, say(state.value) + ".", icon="CHECKMARK")
    if state.name == "READY":
        place = engine.place()
        text(layout, context, ", ".join(f"{name} {version}" for name, version in place.stamp()["versions"].items() if version))
        text(layout, context, say("In {folder}", folder=place.folder))
        layout.operator("reify.remove_engine", icon="TRASH")
    draw_self_test(layout, context)


def _draw_running(layout: Any, context: bpy.types.Context, task: Task) -> None:
    progress = task.progress
    layout.label(text=task.title)
    layout.progress(factor=progress.fraction if progress else 0.0, text=f"{progress.fraction:.0%}" if progress else "Starting")
    if progress is not None and progress.text:
        text(layout, context, progress.text)
    layout.operator("reify.cancel_engine", icon="X")
