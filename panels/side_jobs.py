"""Work beside the queue: its bar and Cancel, and the self-test with its report."""

from __future__ import annotations

from typing import Any

import bpy

from ..session import self_test
from ..session.side_jobs import SELF_TEST, SideJob
from .parts import say, text


def draw_side_job(layout: Any, context: bpy.types.Context, side: SideJob) -> None:
    """Draw what runs: title, bar, what it does, time left, Cancel."""
    from ..backend.jobs.standing import standing

    task = side.task
    progress = task.progress
    stands = standing(progress)
    layout.label(text=task.title)
    layout.progress(factor=stands.fraction, text=stands.percent if progress is not None else "Starting")
    left = say("{time} left", time=stands.left) if stands.left else ""
    for line in filter(None, (stands.text, left)):
        text(layout, context, line)
    layout.operator(side.cancel_operator, icon="X")


def draw_self_test(layout: Any, context: bpy.types.Context) -> None:
    """Draw the running self-test, or its button and what the last one found."""
    if SELF_TEST.busy:
        draw_side_job(layout, context, SELF_TEST)
        return
    layout.operator("reify.self_test", icon="CHECKMARK")
    if report := self_test.report():
        box = layout.box()
        for line in report.splitlines():
            text(box, context, line)
        box.operator("reify.copy_self_test", icon="COPYDOWN")
