"""Work beside the queue, which jobs don't wait for: the engine's installer, the self-test, and fetching weights.

Each is a task like those of the queue: it starts, progresses, and ends as exactly one of done, failed and canceled. Panels and the
status bar show all of them alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import bpy

from ..backend.errors import ReifyError
from .redraw import redraw

if TYPE_CHECKING:
    from ..backend.jobs.job import Job
    from ..backend.jobs.runner import Runner, Task
    from ..backend.values import Result

TICK_S = 0.25


class SideJob:
    """One kind of such work, of which one runs at a time; its thread is made when it first starts."""

    def __init__(self, cancel: str) -> None:
        """`cancel` is the id of the operator that cancels it."""
        self.cancel_operator = cancel
        self._runner: Runner | None = None
        self._ended: Callable[[], None] | None = None  # to be called once it has

    @property
    def task(self) -> Task | None:
        """The one that runs, or the last one that ended."""
        return self._runner.tasks[-1] if self._runner is not None and self._runner.tasks else None

    @property
    def busy(self) -> bool:
        """True while one runs."""
        return self._runner is not None and self._runner.busy

    def start(self, title: str, work: Callable[[Job], Result], ended: Callable[[], None] = lambda: None) -> Task:
        """Begin; `ended` is called on the main thread when it is over."""
        from ..backend.jobs.job import Job
        from ..backend.jobs.runner import Runner, Task

        self._runner = self._runner or Runner()
        self.forget()
        self._ended = ended
        task = self._runner.submit(Task(title, work, lambda listener: Job(listener=listener)))
        if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
            bpy.app.timers.register(_tick, first_interval=TICK_S, persistent=True)
        return task

    def wait(self) -> None:
        """Wait for it, with its progress on the terminal; raises ReifyError where it failed."""
        from ..backend.jobs.terminal import drain

        task = self.task
        assert task is not None, "nothing was started"
        drain(task)
        self.settle()
        if task.failure is not None:
            raise ReifyError(task.failure.what, task.failure.fix)

    def settle(self) -> None:
        """Call what is to be called, once, when it is over."""
        if not self.busy and self._ended is not None:
            ended, self._ended = self._ended, None
            ended()

    def cancel(self) -> None:
        """End it within half a second."""
        if self.task is not None:
            self.task.cancel()

    def forget(self) -> None:
        """Drop the one that ended."""
        if self._runner is not None:
            for ended in self._runner.tasks:
                self._runner.forget(ended)

    def stop(self) -> None:
        """Cancel it, end the thread, and forget all of it."""
        if self._runner is not None:
            self._runner.stop()
            self._runner, self._ended = None, None


INSTALLER = SideJob("reify.cancel_engine")
SELF_TEST = SideJob("reify.cancel_self_test")
MODELS = SideJob("reify.cancel_model")
ALL = (INSTALLER, SELF_TEST, MODELS)


def busy() -> bool:
    """True while any of them runs."""
    return any(side.busy for side in ALL)


def stop() -> None:
    """End all of them, and watch no more."""
    for side in ALL:
        side.stop()
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)


def _tick() -> float | None:
    running = busy()  # before they are settled: what ends in between is settled by the next tick
    for side in ALL:
        side.settle()
    redraw()
    return TICK_S if running else None
