"""An order carried out on the terminal: progress and problems go to standard error."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from .. import api
from ..backend import orders, outputs
from ..backend.errors import ReifyError
from ..backend.jobs.job import Job
from ..backend.jobs.runner import Runner, State, Task
from ..backend.jobs.terminal import drain
from ..backend.orders import Order
from ..backend.streams import output_to_error
from ..backend.values import Result
from .job_file import check


def carry_out(order: Order, keep: bool) -> tuple[list[Task], list[Result]]:
    """Make and write what is ordered; one input that fails doesn't stop the rest. With `keep` finished stages are cached.

    Raises ReifyError where the order can't be understood, something that it needs is missing, or its outputs can't be written.
    """
    check(order)
    for path in order.outputs:
        check_output(path)
    with output_to_error():
        tasks = _perform(order, keep)
        results = [api.finished(task.result) for task in tasks if task.result is not None]
        for path in order.outputs if results else ():
            api.write(results, path)
    return tasks, results


def _perform(order: Order, keep: bool) -> list[Task]:
    """Run the jobs of an order one after another, up to the first that is canceled."""
    environment = api.environment(keep)
    orders.check(order, environment)
    if plan := orders.plan_of(order, environment):
        print(plan, file=sys.stderr)
    shares = orders.one_by_one(order)
    names = [one.name or (one.sources[0].stem if one.sources else one.method) for one in shares]
    outputs.check(order.outputs, order.sources, outputs.told_apart(names, [one.sources for one in shares]))
    waiting = [orders.task_of(one, environment, api.read) for one in shares]
    runner, done = Runner(), []
    for task in waiting:
        done.append(drain(runner.submit(task)))
        if task.failure is not None:
            print(f"{task.failure.what}\n{task.failure.fix}".strip(), file=sys.stderr)
            if not task.failure.expected:
                print(task.failure.details, file=sys.stderr)
        if task.state is State.CANCELLED:
            break
    runner.stop()
    return done


def check_output(path: Path, make: bool = False) -> None:
    """Raise ReifyError where no file can be written beside `path`; `make` makes its folder."""
    folder = path.absolute().parent
    try:
        if make:
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ReifyError(f"Nothing can be written to {folder}: {error.strerror}.", "Choose another folder for the output.") from error


def performed(title: str, work: Callable[[Job], Result]) -> Task:
    """A task at its end that belongs to no method; its progress goes to standard error."""
    runner = Runner()
    with output_to_error():
        task = drain(runner.submit(Task(title, work, lambda listener: Job(listener=listener))))
    runner.stop()
    return task
