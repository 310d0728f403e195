"""A job without a window: run it to its end and show a progress bar on the terminal."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO

from .. import interrupts
from .job import Progress
from .runner import State, Task
from .standing import clock, standing

POLL_S = 0.1
QUIET_LINE_S = 15.0  # between two lines where the output is a file or a pipe


def drain(task: Task, stream: TextIO | None = None) -> Task:
    """Wait until a submitted `task` has ended, showing its progress on `stream`; Ctrl-C cancels it.

    After a second one, or where it takes long to end, as `interrupts.noticed` has it, it isn't waited for.
    """
    line = ProgressLine(stream or sys.stderr)
    shown_warnings, canceling = 0, False
    with interrupts.noticed() as interrupted:
        while not task.state.ended:
            time.sleep(POLL_S)
            for warning in task.warnings[shown_warnings:]:
                line.say(f"Note: {warning}")
            shown_warnings = len(task.warnings)
            if task.progress is not None:
                line.show(task.progress)
            if interrupted() and not canceling:
                canceling = True
                line.say("Canceling; what is finished is kept.")
                task.cancel()
    for warning in task.warnings[shown_warnings:]:
        line.say(f"Note: {warning}")
    line.close(task)
    return task


class ProgressLine:
    """A line that is drawn over on a terminal, and now and then a new one where the output is a file or a pipe."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._stage = ""
        self._next_quiet = 0.0

    def show(self, progress: Progress) -> None:
        """Say where the job stands."""
        text = describe(progress)
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write("\r" + text[:width].ljust(width))
            self._stream.flush()
        elif progress.stage != self._stage or time.monotonic() > self._next_quiet:
            self._stage = progress.stage
            self._next_quiet = time.monotonic() + QUIET_LINE_S
            print(text, file=self._stream, flush=True)

    def say(self, text: str) -> None:
        """Say something that stays."""
        self._clear()
        print(text, file=self._stream, flush=True)

    def close(self, task: Task) -> None:
        """Clear the line, and say so where the task is done."""
        self._clear()
        if task.state is State.DONE and task.result is not None:
            total = sum(task.result.report.seconds.values())
            print(f"{task.title}: done in {clock(total)}.", file=self._stream, flush=True)

    def _clear(self) -> None:
        if self._live:
            self._stream.write("\r" + " " * (shutil.get_terminal_size().columns - 1) + "\r")


def describe(progress: Progress) -> str:
    """One line of progress: bar, percent, stage, what it is doing, figures, time left."""
    stands = standing(progress)
    filled = round(20 * stands.fraction)
    figures = ", ".join(f"{name} {value:.4g}" for name, value in progress.figures.items())
    left = f"{stands.left} left" if stands.left else ""
    detail = " · ".join(part for part in (stands.text, figures, left) if part)
    return f"[{'#' * filled}{'.' * (20 - filled)}] {stands.percent:>4} {stands.stage}" + (f": {detail}" if detail else "")
