"""What runs, in Blender's status bar: there it can be seen from every editor and tab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..operators import engine, selftest, session
from .parts import say

if TYPE_CHECKING:
    from ..backend.jobs.runner import Task

WIDTH = 14.0  # of the bar, in widths of a button


def draw(header: Any, context: bpy.types.Context) -> None:
    """Draw the bar of what runs, and the way to end it."""
    for task, cancel in (
        (session.current(), "reify.cancel"),
        (engine.task(), "reify.cancel_engine"),
        (selftest.task(), "reify.cancel_self_test"),
    ):
        if task is not None and not task.state.ended:
            row = header.layout.row(align=True)
            bar = row.row(align=True)
            bar.ui_units_x = WIDTH
            bar.progress(factor=task.progress.overall if task.progress is not None else 0.0, text=_line(task))
            row.operator(cancel, text="", icon="X")


def _line(task: Task) -> str:
    from ..backend.jobs.terminal import clock

    if task.progress is None:
        return say("Waiting")
    line = f"{say(task.progress.stage)} {task.progress.overall:.0%}"
    if task.job is not None and task.job.paused:
        return say("{stage} (paused)", stage=line)
    left = task.progress.seconds_left
    return line if left is None else f"{line}, {say('{time} left', time=clock(left))}"


def register() -> None:
    """Put it at the right end."""
    header: Any = bpy.types.STATUSBAR_HT_header
    header.append(draw)


def unregister() -> None:
    """Take it away."""
    header: Any = bpy.types.STATUSBAR_HT_header
    header.remove(draw)
