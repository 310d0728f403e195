"""The queue: one worker thread runs tasks one after another, and whoever shows them polls.

The runner belongs to the extension, not to an operator or a scene; it knows nothing of Blender.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any

from ..errors import Cancelled, ReifyError
from ..values import Result
from .job import Event, Job, Preview, Progress, Warn

log = logging.getLogger(__name__)


CURVED = ("psnr", "loss")  # the figure that is kept as a curve: the first of these that a job reports
CURVE_POINTS = 512  # beyond that every second one is dropped


class State(Enum):
    """Where a task stands; it ends as exactly one of DONE, FAILED and CANCELLED, or INTERRUPTED where Blender went away."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "canceled"
    INTERRUPTED = "interrupted"

    @property
    def ended(self) -> bool:
        """True unless it waits or runs."""
        return self not in (State.QUEUED, State.RUNNING)


@dataclass(frozen=True)
class Failure:
    """Why a task failed: a sentence, a way out, and the traceback for a bug report."""

    what: str
    fix: str
    details: str
    expected: bool = True  # False: a defect of ours, worth a bug report


@dataclass(frozen=True)
class Outcome:
    """What stays of a result when its arrays are gone."""

    name: str
    seconds: float
    metrics: Mapping[str, float]
    file: str = ""  # the .blend that it was put into, empty where that had no name yet


@dataclass(frozen=True)
class Curve:
    """How a figure has developed."""

    name: str = ""  # "psnr"
    values: tuple[float, ...] = ()  # at about even distances, the oldest first


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
    outcome: Outcome | None = None  # of a result, also of one from before Blender was closed
    reached: tuple[str, float] = ("", 0.0)  # stage and fraction of the whole job
    curve: Curve = Curve()
    awaited: bool = False  # its result is to be taken over before anything else begins
    created: float = field(default_factory=time.time)  # seconds since 1970
    id: str = field(default_factory=lambda: uuid.uuid4().hex)  # the same for as long as the job is remembered

    def cancel(self) -> None:
        """End the task: at once while it is queued, within half a second while it runs."""
        if self.state is State.QUEUED:
            self.state = State.CANCELLED
        elif self.job is not None:
            self.job.cancel()


class Runner:
    """Runs tasks in their order, one at a time, in a daemon thread that starts with the first task.

    `changed` hears of each change of a task, in the thread that makes it. With `hands_over` no task begins before the last one's
    result was `taken`, nor while the runner is `held`.
    """

    def __init__(self, changed: Callable[[Task], None] = lambda task: None, hands_over: bool = False) -> None:
        self._tasks: list[Task] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._hear_of = changed
        self._hands_over = hands_over
        self._holds = 0

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
        self._hear_of(task)
        return task

    @contextmanager
    def held(self) -> Iterator[None]:
        """No task begins meanwhile; one that runs goes on."""
        with self._changed:
            self._holds += 1
        try:
            yield
        finally:
            with self._changed:
                self._holds -= 1
                self._changed.notify_all()

    def taken(self, task: Task) -> None:
        """A task's result is where it belongs, or can't get there: the next one may begin."""
        with self._changed:
            task.awaited = False
            self._changed.notify_all()

    def adopt(self, task: Task) -> None:
        """Take an ended task into the list, as one of before Blender was closed."""
        with self._changed:
            self._tasks.append(task)

    def retry(self, task: Task) -> None:
        """Put an ended task at the end of the queue once more; finished stages and checkpoints are taken from the cache."""
        with self._changed:
            if not task.state.ended:
                return
            self._tasks.remove(task)
            task.state, task.job, task.progress, task.preview, task.awaited = State.QUEUED, None, None, None, False
            task.result, task.failure, task.warnings, task.curve = None, None, (), Curve()
        self.submit(task)

    def move(self, task: Task, by: int) -> None:
        """Let a waiting task change places with the next (1) or the previous (-1) waiting one."""
        with self._changed:
            waiting = [i for i, other in enumerate(self._tasks) if other.state is State.QUEUED]
            place = next((i for i in waiting if self._tasks[i] is task), None)
            if place is None or not 0 <= (target := waiting.index(place) + by) < len(waiting):
                return
            other = waiting[target]
            self._tasks[place], self._tasks[other] = self._tasks[other], self._tasks[place]

    def cancel(self, task: Task) -> None:
        """End a task: at once while it is queued, within half a second while it runs."""
        task.cancel()
        self._hear_of(task)

    def forget(self, task: Task) -> None:
        """Drop an ended task from the list."""
        with self._changed:
            if task.state.ended and task in self._tasks:
                self._tasks.remove(task)
                self._changed.notify_all()

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
                task.job = task.make_job(partial(self._hear, task))
                task.state = State.RUNNING
            self._hear_of(task)
            _finish(task, self._hands_over)
            self._hear_of(task)
            task.job.settle()

    def _hear(self, task: Task, event: Event) -> None:
        _take_note(task, event)
        self._hear_of(task)

    def _next(self) -> Task | None:
        if self._holds or any(task.awaited for task in self._tasks):
            return None
        return next((task for task in self._tasks if task.state is State.QUEUED), None)


def _finish(task: Task, hands_over: bool) -> None:
    assert task.job is not None
    try:
        task.result = task.work(task.job)
        report = task.result.report
        task.outcome = Outcome(task.result.name, sum(report.seconds.values()), dict(report.metrics))
        task.awaited = hands_over
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


def _take_note(task: Task, event: Event) -> None:
    match event:
        case Progress():
            task.progress = event
            task.reached = (event.stage, event.overall)
            task.curve = _longer(task.curve, event.figures)
        case Preview(value):
            task.preview = value
            task.preview_count += 1
        case Warn(text):
            task.warnings = (*task.warnings, text)


def _longer(curve: Curve, figures: Mapping[str, float]) -> Curve:
    name = curve.name or next((name for name in CURVED if name in figures), "")
    if name not in figures:
        return curve
    values = (*curve.values, float(figures[name]))
    return Curve(name, values[::2] if len(values) > CURVE_POINTS else values)
