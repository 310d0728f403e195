"""How a task stands and has ended, as panels, the status bar and bug reports have it."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

import bpy

from ..translations import told

if TYPE_CHECKING:
    from ..backend.jobs.runner import Task


def name_of(task: Task) -> str:
    """What a job is called: by its user, else after its result, the object or the capture that it is made of."""
    order = task.context
    if order.name:
        return str(order.name)
    if task.outcome is not None:
        return str(task.outcome.name)
    if order.target is not None and order.target.of is not None:
        return str(order.target.of.name)
    first = next(iter(order.sources), None)
    if first is None:
        return told(task.title)
    many = len(order.sources) > 1 and not first.is_dir()
    return str(first.parent.name if many else first.name if first.is_dir() else first.stem) or told(task.title)


def ending(task: Task) -> str:
    """How a task has ended, in a line."""
    from ..backend.jobs.standing import clock

    if task.outcome is not None:
        return told("{} is ready, after {}").format(name_of(task), clock(task.outcome.seconds))
    return f"{name_of(task)}: {told(task.failure.what if task.failure is not None else task.state.value)}"


def details(task: Task | None) -> str:
    """A task's end in full, with what a bug report needs to know of the machine."""
    if task is None:
        return "This job is no longer known."
    lines = [f"{name_of(task)} ({task.title}): {task.state.value}"]
    if task.failure is not None:
        lines += [task.failure.what, task.failure.fix, "", task.failure.details.rstrip()]
    if task.outcome is not None and task.outcome.metrics:
        lines += ["", *(f"{name}: {value:.4g}" for name, value in task.outcome.metrics.items())]
    lines += ["", *(f"Note: {warning}" for warning in task.warnings)] if task.warnings else []
    lines += ["", f"Blender {bpy.app.version_string}, Python {platform.python_version()}, {platform.platform()}"]
    lines += [f"torch {sys.modules['torch'].__version__}"] if "torch" in sys.modules else []
    return "\n".join(lines)
