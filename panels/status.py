"""What runs, in Blender's status bar: there it can be seen from every editor and tab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..session import queue, side_jobs
from .parts import say

if TYPE_CHECKING:
    from ..backend.jobs.runner import Task
    from ..backend.jobs.standing import Standing

WIDTH = 14.0  # of the bar, in widths of a button


def draw(header: Any, context: bpy.types.Context) -> None:
    """Draw the bar of what runs, and the way to end it."""
    from ..backend.jobs.standing import standing

    shown = [(queue.current(), "reify.cancel"), *((side.task, side.cancel_operator) for side in side_jobs.ALL)]
    for task, cancel in shown:
        if task is not None and not task.state.ended:
            paused = task.job is not None and task.job.paused
            stands = standing(task.progress, paused)
            row = header.layout.row(align=True)
            bar = row.row(align=True)
            bar.ui_units_x = WIDTH
            bar.progress(factor=stands.fraction, text=_line(task, stands, paused))
            row.operator(cancel, text="", icon="X")


def _line(task: Task, stands: Standing, paused: bool) -> str:
    if task.progress is None:
        return say("Waiting")
    line = f"{say(stands.stage)} {stands.percent}"
    if paused:
        return say("{stage} (paused)", stage=line)
    return f"{line}, {say('{time} left', time=stands.left)}" if stands.left else line


def register() -> None:
    """Put it at the right end."""
    header: Any = bpy.types.STATUSBAR_HT_header
    header.append(draw)


def unregister() -> None:
    """Take it away."""
    header: Any = bpy.types.STATUSBAR_HT_header
    header.remove(draw)
