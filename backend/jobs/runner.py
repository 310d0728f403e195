"""The queue: one worker thread runs tasks one after another, and whoever shows them polls.

The runner belongs to the extension, not to an operator or a scene; it knows nothing of Blender.
"""

from __future__ import annotations

import itertools
import logging
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any

from ..errors import Cancelled, ReifyError
from ..values import Result
from .job import Event, Job, Preview, Progress, Warn

log = logging.getLogger(__name__)


class State(Enum):
    """Where a task stands; it ends as exactly one of DONE, FAILED and CANCELLED."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """True for the three ends."""
        return self in (State.DONE, State.FAILED, State.CANCELLED)


@dataclass(frozen=True)
class Failure:
    """Why a task failed: a sentence, a way out, and the traceback for a bug report."""

    what: str
    fix: str
    details: str
    expected: bool = True  # False: a defect of ours, worth a bug report


@dataclass(eq=False)
class Task:
    """A piece of work in the queue. The worker writes, everyone else only reads; each field is replaced whole."""

    title: str
    work: Callable[[Job], Result]  # runs in the worker thread
    make_job: Callable[[Callable[[Event], None]], Job]  # makes the job that reports to the given listener
    context: Any = None  # what the one who submitted wants back with the result
    number: int = field(default_factory=itertools.count(1).__next__)
    state: State = State.QUEUED
    job: Job | None = None
    progress: Progress | None = None
    preview: Any = None
    preview_count: int = 0  # grows with each preview, so that a poller sees what is new
    warnings: tuple[str, ...] = ()
    result: Result | None = None
    failure: Failure | None = None

    def cancel(self) -> None:
        """End the task: at once while it is queued, within half a second while it runs."""
        if self.state is State.QUEUED:
            self.state = State.CANCELLED
        elif self.job is not None:
            self.job.cancel()


class Runner:
    """Runs tasks in the order of `submit`, one at a time, in a daemon thread that starts with the first task."""

    def __init__(self) -> None:
        self._tasks: list[Task] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks, oldest first, ended ones included until they are forgotten."""
        return tuple(self._tasks)

    @property
    def busy(self) -> bool:
        """True while a task runs or waits."""
        return any(not task.state.ended for task in self._tasks)

    def submit(self, task: Task) -> Task:
        """Put a task at the end of the queue."""
        with self._changed:
            self._stopping = False
            self._tasks.append(task)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="reify-worker", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return task

    def forget(self, task: Task) -> None:
        """Drop an ended task from the list."""
        with self._changed:
            if task.state.ended and task in self._tasks:
                self._tasks.remove(task)

    def stop(self, timeout_s: float = 5.0) -> None:
        """Cancel everything and wait for the worker to end; finished stages and checkpoints stay in the cache."""
        with self._changed:
            self._stopping = True
            for task in self._tasks:
                task.cancel()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopping and self._next() is None:
                    self._changed.wait()
                if self._stopping:
                    self._thread = None
                    return
                task = self._next()
                assert task is not None
                task.job = task.make_job(partial(_hear, task))
                task.state = State.RUNNING
            _finish(task)

    def _next(self) -> Task | None:
        return next((task for task in self._tasks if task.state is State.QUEUED), None)


def _finish(task: Task) -> None:
    assert task.job is not None
    try:
        task.result = task.work(task.job)
        task.state = State.DONE
    except Cancelled:
        task.state = State.CANCELLED
    except ReifyError as error:
        task.failure = Failure(error.what, error.fix, traceback.format_exc())
        task.state = State.FAILED
    except MemoryError:
        what = "The memory ran out."
        task.failure = Failure(what, "Choose a smaller picture size or fewer splats.", traceback.format_exc())
        task.state = State.FAILED
    except Exception as error:  # whatever it is, it must reach the user and must not take Blender with it
        log.exception("%s failed", task.title)
        what = f"Something unexpected went wrong: {type(error).__name__}: {error}."
        task.failure = Failure(what, "Copy the details into a bug report.", traceback.format_exc(), expected=False)
        task.state = State.FAILED


def _hear(task: Task, event: Event) -> None:
    match event:
        case Progress():
            task.progress = event
        case Preview(value):
            task.preview = value
            task.preview_count += 1
        case Warn(text):
            task.warnings = (*task.warnings, text)
