"""An order carried out on the terminal: progress and problems go to standard error."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from .. import api
from ..backend.errors import ReifyError
from ..backend.jobs.job import Job
from ..backend.jobs.runner import Runner, State, Task
from ..backend.jobs.terminal import drain
from ..backend.methods import Method
from ..backend.values import Result
from .order import Order
from .streams import output_to_error


def carry_out(order: Order, keep: bool) -> tuple[list[Task], list[Result]]:
    """Make and write what is ordered; one input that fails doesn't stop the rest.

    Raises ReifyError where the order can't be understood or its outputs can't be written.
    """
    method, settings = order.resolved()
    for path in order.outputs:
        check_output(path)
    with output_to_error():
        tasks = perform(method, api.jobs(method, order.inputs, settings, order.name), settings, order.seed, keep)
        results = [api.finished(task.result) for task in tasks if task.result is not None]
        for path in order.outputs if results else ():
            api.write(results, path)
    return tasks, results


def perform(method: Method, jobs: Sequence[Any], settings: Any, seed: int, keep: bool) -> list[Task]:
    """Run the jobs one after another; one that fails doesn't stop the rest. With `keep` finished stages are cached."""
    runner = Runner()
    environment = api.environment(keep)
    tasks = []
    for inputs in jobs:
        task = Task(
            title=method.title,
            work=partial(method.perform, inputs, settings),
            make_job=lambda listener: Job(environment, listener, seed=seed),
        )
        tasks.append(drain(runner.submit(task)))
        if task.failure is not None:
            print(f"{task.failure.what}\n{task.failure.fix}".strip(), file=sys.stderr)
            if not task.failure.expected:
                print(task.failure.details, file=sys.stderr)
        if task.state is State.CANCELLED:
            break
    runner.stop()
    return tasks


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
