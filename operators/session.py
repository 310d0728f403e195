"""The extension's runner, how work gets into it, and what is remembered of it when Blender is closed.

The runner is made on first use and ended when the extension is disabled. The ledger is opened where there is a window:
what runs in background mode is its caller's to run again.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, fields, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..backend.errors import ReifyError
from ..scene import chosen
from . import pump

if TYPE_CHECKING:
    from ..backend.jobs.job import Job
    from ..backend.jobs.ledger import Entry, Ledger
    from ..backend.jobs.runner import Runner, Task
    from ..backend.methods import Method
    from ..backend.values import Result

log = logging.getLogger(__name__)

JOBS = "jobs"  # name of the user's folder for them

_runner: Runner | None = None
_ledger: Ledger | None = None


@dataclass(frozen=True)
class Order:
    """What was asked for, and where its result goes: enough to do it again."""

    method: str  # id
    inputs: Any  # what the method takes, or Kept; None where that is no longer known
    settings: dict[str, Any]  # flat
    seed: int
    scene: str  # name of the scene
    replaces: str = ""  # name of the collection whose place the result takes
    place: dict[str, Any] | None = None  # of what is made of an object: which one, and where (`convert.start`)

    @cached_property
    def written(self) -> dict[str, Any]:
        """The same as JSON has it; without inputs that hold arrays."""
        from ..backend.jobs import store

        try:
            plain = store.plain(self.inputs)
        except TypeError:
            plain = None
        return {entry.name: getattr(self, entry.name) for entry in fields(self)} | {"inputs": plain}


@dataclass(frozen=True)
class Kept:
    """Inputs of a job of an earlier session, in a folder of the ledger's."""

    folder: Path

    def load(self) -> Any:
        """Raises ReifyError where they are damaged."""
        from ..backend.jobs import store

        try:
            return store.load(self.folder)
        except (OSError, ValueError) as error:
            raise ReifyError("What this was made of can't be read any more.", "Select the object, and convert it again.") from error


def runner() -> Runner:
    """The one runner.

    While it has Blender evaluate the scene, and so lets go of the interpreter, the main thread doesn't go well with Python that runs in
    another thread: the wheel crashed now and then. So nothing begins while objects are read or made.
    """
    global _runner
    if _runner is None:
        from ..backend.jobs.runner import Runner

        _runner = Runner(note, hands_over=True)
    return _runner


def tasks() -> tuple[Task, ...]:
    """All tasks, oldest first."""
    return _runner.tasks if _runner is not None else ()


def find(number: int) -> Task | None:
    """The task with a number, None where it was forgotten."""
    return next((task for task in tasks() if task.number == number), None)


def current() -> Task | None:
    """The task that runs or runs next."""
    return next((task for task in tasks() if not task.state.ended), None)


def start(
    method: Method,
    inputs: Any,
    settings: Any,
    scene: bpy.types.Scene,
    seed: int = 0,
    replaces: str = "",
    place: dict[str, Any] | None = None,
) -> Task:
    """Put work into the queue and see to it that it is watched."""
    from ..backend import settings as settings_of

    if not bpy.app.background:
        open_ledger()
    order = Order(method.id, inputs, settings_of.values(settings), seed, scene.name, replaces, place)
    task = runner().submit(_task(order, method, settings))
    _keep_inputs(task)
    pump.start()
    return task


def retry(task: Task) -> None:
    """Do an ended task once more; what is finished of it is taken from the cache. Raises ReifyError where it can't be done."""
    gone = [path for path in sources(task) if not path.exists()]
    if gone:
        raise ReifyError(f"{gone[0]} isn't there any more.", "Choose the sources again.")
    if not can_retry(task):
        raise ReifyError("What this was made of is no longer known.", "Select the object, and convert it again.")
    pump.try_again(task)
    runner().retry(task)
    _keep_inputs(task)
    pump.start()


def can_retry(task: Task) -> bool:
    """False for an ended conversion of an earlier session."""
    return task.context.inputs is not None


def forget(task: Task) -> None:
    """Drop an ended task, here and in what is remembered."""
    runner().forget(task)
    if _ledger is not None:
        _ledger.forget(task.id)


def sources(task: Task) -> tuple[Path, ...]:
    """The files and folders that a task is made from."""
    return tuple(getattr(task.context.inputs, "sources", ()))


def thumbnail(task: Task) -> Path | None:
    """The file with the picture of a task's result, None where there is none."""
    path = _ledger.thumbnail(task.id) if _ledger is not None else None
    return path if path is not None and path.is_file() else None


def note(task: Task) -> None:
    """Remember how a task stands, where there is a ledger; one whose inputs hold arrays once these are kept."""
    if _ledger is None or not isinstance(task.context, Order):
        return
    if task.context.written["inputs"] is None:
        if task.state.ended and not isinstance(task.context.inputs, Kept):  # those are needed to try again, and dropped at the next start
            _ledger.drop(task.id)
        elif not _ledger.keeps(task.id):
            return
    _ledger.note(task, task.context.written)


def remember(folder: Path) -> None:
    """Remember jobs in `folder` from now on, and take those of earlier sessions out of it."""
    global _ledger
    from ..backend.jobs import ledger

    _ledger = ledger.Ledger(folder)
    for entry in _ledger.take_over():
        try:
            runner().adopt(ledger.restored(entry, _task_of(_order_of(entry))))
        except (ReifyError, TypeError, KeyError, ValueError) as error:  # of another version of Reify
            log.warning("a job of an earlier session is left out: %s", error)
            _ledger.forget(entry.id)


def open_ledger() -> None:
    """Remember jobs in the user's folder; where it can't be written to they are forgotten when Blender is closed."""
    if _ledger is None:
        try:
            remember(chosen.user_folder(JOBS))
        except ReifyError as error:
            log.warning("%s", error)


def remembering() -> bool:
    """True once jobs are remembered."""
    return _ledger is not None


def stop() -> None:
    """Cancel everything, wait for the worker, and forget it all; what hadn't ended is remembered as interrupted."""
    global _runner, _ledger
    if _ledger is not None:
        _ledger.close()
        _ledger = None
    if _runner is not None:
        _runner.stop()
        _runner = None


def _keep_inputs(task: Task) -> None:
    """Keep inputs that hold arrays, in a thread of its own: millions of points take a moment."""
    if _ledger is not None and task.context.written["inputs"] is None and not isinstance(task.context.inputs, Kept):
        threading.Thread(target=_keep, args=(_ledger, task), name="reify-keep", daemon=True).start()


def _keep(ledger: Ledger, task: Task) -> None:
    try:
        ledger.keep(task.id, task.context.inputs)
    except ReifyError as error:
        log.warning("%s", error)
    note(task)


def _order_of(entry: Entry) -> Order:
    from ..backend.jobs import store
    from ..backend.jobs.runner import State

    order = Order(**entry.order)
    inputs = store.unplain(order.inputs)
    if inputs is None and _ledger is not None and entry.state == State.INTERRUPTED.value:
        inputs = Kept(_ledger.kept(entry.id))
    place = None if order.place is None else {**order.place, "object": 0}  # numbers of objects are each session's own
    return replace(order, inputs=inputs, place=place)


def _task_of(order: Order) -> Task:
    from ..backend import settings as settings_of
    from ..backend.methods import method_called

    method = method_called(order.method)
    return _task(order, method, settings_of.with_values(method.settings(), order.settings))


def _task(order: Order, method: Method, settings: Any) -> Task:
    from ..backend.jobs.environment import Environment
    from ..backend.jobs.job import Job
    from ..backend.jobs.runner import Task

    environment = Environment(cache=chosen.cache())
    task = Task(
        title=method.title,
        work=lambda job: method.perform(order.inputs.load() if isinstance(order.inputs, Kept) else order.inputs, settings, job),
        make_job=lambda listener: Job(environment, listener, seed=order.seed),
        context=order,
    )
    task.work = partial(_pictured, task, task.work)
    return task


def _pictured(task: Task, work: Any, job: Job) -> Result:
    """Do the work, and keep a picture of what came of it."""
    result: Result = work(job)
    if _ledger is not None:
        from ..backend.formats.images import write_png
        from ..backend.methods._thumbnail import thumbnail as picture_of

        try:
            picture = picture_of(result)
            if picture is not None:
                write_png(_ledger.thumbnail(task.id), picture)
        except Exception:  # the result matters, its picture doesn't
            log.exception("there is no thumbnail of %s", result.name)
    return result
