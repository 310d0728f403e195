"""The self-test from the preferences: refused beside a job, which would slow both."""

from __future__ import annotations

import bpy

from . import queue, side_jobs
from .side_jobs import SELF_TEST


def start() -> None:
    """Begin it."""
    from ..backend import selftest

    SELF_TEST.start("Self-Test", selftest.run)


def why_not() -> str:
    """Why it can't begin now beside what runs, empty where it can."""
    return "Wait until nothing else is computing" if side_jobs.busy() or queue.current() is not None else ""


def report() -> str:
    """What the last one found, as text; empty where none has ended."""
    last = SELF_TEST.task
    if last is None or not last.state.ended:
        return ""
    if last.failure is not None:
        return f"{last.failure.what} {last.failure.fix}\n{last.failure.details}"
    if last.result is None:
        return ""
    from ..backend import selftest

    return f"Blender {bpy.app.version_string}\n{selftest.described(last.result.report)}"
