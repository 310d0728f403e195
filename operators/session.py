"""The extension's runner, and how work gets into it. Made on first use, ended when the extension is disabled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from ..backend.jobs.job import Job
from ..backend.jobs.runner import Runner, Task
from ..backend.methods import Method
from . import chosen, pump

_runner: Runner | None = None


@dataclass(frozen=True)
class Order:
    """Where a task's result goes."""

    scene: str  # name of the scene
    replaces: str = ""  # name of the collection whose place the result takes


def runner() -> Runner:
    """The one runner."""
    global _runner
    if _runner is None:
        _runner = Runner()
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


def start(method: Method, inputs: Any, settings: Any, scene: bpy.types.Scene, seed: int = 0, replaces: str = "") -> Task:
    """Put work into the queue and see to it that it is watched."""
    cache = chosen.cache()
    task = Task(
        title=method.title,
        work=lambda job: method.perform(inputs, settings, job),
        make_job=lambda listener: Job(cache, listener, seed=seed, weights=method.stages),
        context=Order(scene.name, replaces),
    )
    runner().submit(task)
    pump.start()
    return task


def stop() -> None:
    """Cancel everything, wait for the worker, and forget it all."""
    global _runner
    if _runner is not None:
        _runner.stop()
        _runner = None
