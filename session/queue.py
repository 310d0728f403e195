"""The extension's queue: its one runner, the tasks in it, and what is remembered of them when Blender is closed.

The runner is made on first use and ended when the extension is disabled. The ledger is opened where there is a window:
what runs in background mode is its caller's to run again.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..backend.errors import ReifyError
from ..scene import preferences

if TYPE_CHECKING:
    from ..backend.jobs.job import Job
    from ..backend.jobs.ledger import Entry, Ledger
    from ..backend.jobs.runner import Runner, Task
    from ..backend.orders import Order
    from ..backend.values import Result

log = logging.getLogger(__name__)

JOBS = "jobs"  # name of the user's folder for them

_runner: Runner | None = None
_ledger: Ledger | None = None


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


def submit(order: Order) -> Task:
    """Put the job for an order at the end of the queue."""
    task = runner().submit(_task_of(order))
    _keep_given(task)
    return task


def resubmit(task: Task) -> None:
    """Put an ended task at the end of the queue once more; what is finished of it is taken from the cache."""
    runner().retry(task)
    _keep_given(task)


def forget(task: Task) -> None:
    """Drop an ended task, here and in what is remembered."""
    runner().forget(task)
    if _ledger is not None:
        _ledger.forget(task.id)


def rename(task: Task, name: str) -> None:
    """Call a job, and what it makes, by another name; what it has made already is the caller's to rename."""
    task.context = replace(task.context, name=name)
    if task.outcome is not None:
        task.outcome = replace(task.outcome, name=name)
    note(task)


def thumbnail(task: Task) -> Path | None:
    """The file with the picture of a task's result, None where there is none."""
    path = _ledger.thumbnail(task.id) if _ledger is not None else None
    return path if path is not None and path.is_file() else None


def note(task: Task) -> None:
    """Remember how a task stands, where there is a ledger; one that is made of what an object holds once that is kept."""
    from ..backend import orders

    order = task.context
    if _ledger is None or not isinstance(order, orders.Order):
        return
    if _is_to_be_kept(order):
        if task.state.ended:
            _ledger.drop(task.id)
        elif not _ledger.keeps(task.id):
            return
    _ledger.note(task, orders.plain(order))


def remember(folder: Path) -> None:
    """Remember jobs in `folder` from now on, and take those of earlier sessions out of it."""
    global _ledger
    from ..backend.jobs import ledger

    _ledger = ledger.Ledger(folder)
    for entry in _ledger.take_over():
        try:
            runner().adopt(ledger.restored(entry, _task_of(_order_of(entry, _ledger))))
        except (ReifyError, ValueError) as error:  # of another version of Reify
            log.warning("a job of an earlier session is left out: %s", error)
            _ledger.forget(entry.id)


def open_ledger() -> None:
    """Remember jobs in the user's folder; where it can't be written to they are forgotten when Blender is closed."""
    if _ledger is None:
        try:
            remember(preferences.user_folder(JOBS))
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


def _is_to_be_kept(order: Order) -> bool:
    """True for what an object holds, which is kept until its job has ended; what is kept already stays, to try again."""
    from ..backend.jobs.ledger import Kept

    return order.given is not None and not isinstance(order.given, Kept)


def _keep_given(task: Task) -> None:
    """Keep what an object holds, in a thread of its own: millions of points take a moment."""
    if _ledger is not None and _is_to_be_kept(task.context):
        threading.Thread(target=_keep, args=(_ledger, task), name="reify-keep", daemon=True).start()


def _keep(ledger: Ledger, task: Task) -> None:
    try:
        ledger.keep(task.id, task.context.given)
    except ReifyError as error:
        log.warning("%s", error)
    note(task)


def _order_of(entry: Entry, ledger: Ledger) -> Order:
    from ..backend import orders
    from ..backend.jobs.runner import State

    order = orders.from_plain(entry.order)
    interrupted = entry.state == State.INTERRUPTED.value
    return replace(order, given=ledger.kept(entry.id)) if interrupted and not order.sources else order


def _task_of(order: Order) -> Task:
    from ..backend import orders

    task = orders.task_of(order, preferences.environment())
    task.work = partial(_pictured, task, task.work)
    return task


def _pictured(task: Task, work: Any, job: Job) -> Result:
    """Do the work, encode textures, which would hold up the main thread, and keep a picture of what came of it."""
    from ..backend.formats import encoded

    result: Result = work(job)
    encoded.encode_ahead(picture for mesh in (result.mesh, *result.lods) if mesh is not None for picture in mesh.textures.values())
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
