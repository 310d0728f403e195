"""What is asked for: a method, what it is made from, its settings, and where the result goes; and the one way from there to a job.

The panel, Python, the command line, batches and clusters make an `Order`, ask `check` whether it can begin, and run what `task_of`
makes of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import settings as settings_of
from .formats.given import read_given
from .jobs import store
from .jobs.environment import Environment
from .jobs.job import Event, Job
from .jobs.ledger import Kept
from .jobs.runner import Task
from .methods import Method, Reader, method_called
from .schema import conforming
from .values import Given, Result


@dataclass(frozen=True)
class FromObject:
    """The object of a .blend that something is made of, and how the result stands to it."""

    uid: int  # `Object.session_uid`, which outlives renaming; 0 in another session than the one that asked
    name: str
    file: str  # path of the .blend, empty where it had none yet
    beside: bool = False  # next to the object; else in its place
    modifiers: bool = True  # made of the object as its modifiers make it
    again: bool = False  # in the place of what the same method had made of it before


@dataclass(frozen=True)
class Target:
    """Where in a .blend a result goes."""

    scene: str  # its name
    replaces: str = ""  # name of the collection whose place it takes
    of: FromObject | None = None  # what is made of an object stands where that does
    scene_uid: int = 0  # `Scene.session_uid`, which outlives renaming; 0 in another session than the one that asked
    replaces_uid: int = 0  # that of the collection


@dataclass(frozen=True)
class Order:
    """What to make, of what, how, and where to: enough to do it, and to do it again."""

    method: str  # its id
    settings: Mapping[str, Any]  # every setting by its path
    sources: tuple[Path, ...] = ()  # files and folders, absolute; empty where it is made of an object
    seed: int = 0
    name: str = ""  # of the result; empty where it follows from the source
    given: Given | Kept | None = None  # what an object of a scene holds; with neither this nor sources it can't be done any more
    outputs: tuple[Path, ...] = ()  # files to write, absolute; what is written follows from their endings
    target: Target | None = None  # in a scene
    variants: int = 1  # so many results of the same sources, by this seed and those that follow it

    @property
    def possible(self) -> bool:
        """False where it isn't known any more what it was made of."""
        return bool(self.sources) or self.given is not None or not method_called(self.method).takes_files


def resolved(order: Order) -> tuple[Method, Any]:
    """The method and its settings; raises ReifyError for a method, setting or value that there isn't."""
    method = method_called(order.method)
    return method, settings_of.with_values(method.settings(), order.settings)


def one_by_one(order: Order) -> tuple[Order, ...]:
    """The orders for each of the results that its sources make, the variants of one after each other.

    Raises ReifyError where there is nothing in them, or variants would all be the same.
    """
    method, settings = resolved(order)
    seeds = method.seeds(order.seed, order.variants, settings)
    return tuple(replace(order, sources=share, seed=seed, variants=1) for share in method.shares(order.sources, settings) for seed in seeds)


def check(order: Order, environment: Environment) -> None:
    """Raise ReifyError, with the way to get it, where something is missing that the job needs."""
    method, settings = resolved(order)
    method.check(settings, environment)


def plan_of(order: Order, environment: Environment) -> str:
    """One sentence: how the job fits into the memory that is free; empty where the method doesn't adapt to that."""
    method, settings = resolved(order)
    return method.plan(settings, environment) if method.plan else ""


def task_of(order: Order, environment: Environment, read: Reader = read_given) -> Task:
    """The job for an order that makes one result, not yet started; the order is its `context`.

    What needs packages, weights or memory that aren't there fails when it begins, as `check` says beforehand. A file of a mesh, splats
    or points is read here, by `read`: Blender's importers belong to the main thread. Raises ReifyError where it can't be read.
    """
    method, settings = resolved(order)
    if order.given is None and method.changes_things and order.sources:
        order = replace(order, given=method.inputs(order.sources, order.name, read))

    def work(job: Job) -> Result:
        return method.perform(_inputs(order, method), settings, job)

    def make_job(listener: Callable[[Event], None]) -> Job:
        return Job(environment, listener, seed=order.seed)

    return Task(method.title, work, make_job, order)


def run(order: Order, environment: Environment, listener: Callable[[Event], None], read: Reader = read_given) -> Result:
    """Carry an order for one result out in this thread; raises ReifyError where it can't be done."""
    task = task_of(order, environment, read)
    job = task.make_job(listener)
    try:
        return task.work(job)
    finally:
        job.settle()


def plain(order: Order) -> dict[str, Any]:
    """The order as JSON has it, without what an object holds; `from_plain` makes it again."""
    target = None if order.target is None else dataclasses.asdict(order.target)
    if target is not None:
        del target["scene_uid"], target["replaces_uid"]
        if target["of"] is not None:
            del target["of"]["uid"]
    return {
        "method": order.method,
        "sources": [str(path) for path in order.sources],
        "settings": dict(order.settings),
        "seed": order.seed,
        "variants": order.variants,
        "name": order.name,
        "outputs": [str(path) for path in order.outputs],
        "target": target,
    }


def from_plain(stored: Mapping[str, Any]) -> Order:
    """The order that `plain` was given, also in its first form; raises ValueError for anything else."""
    try:
        found = _from_first_form(stored) if "inputs" in stored else dict(stored)
        if (target := found["target"]) is not None and target["of"] is not None:
            found["target"] = {**target, "of": {**target["of"], "uid": 0}}
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"it isn't an order: {error!r}") from error
    if "given" in found:
        raise ValueError("what an object holds doesn't stand in an order")
    return conforming(Order, found)


def _from_first_form(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What version 0.1.0 wrote: the inputs as the method takes them, and the scene beside the settings."""
    inputs, place = store.unplain(stored["inputs"]), stored["place"]
    of = None if place is None else {key: value for key, value in place.items() if key != "object"}
    return {
        **{key: stored[key] for key in ("method", "settings", "seed")},
        "sources": [str(path) for path in getattr(inputs, "sources", ())],
        "name": getattr(inputs, "name", ""),
        "outputs": [],
        "target": {"scene": stored["scene"], "replaces": stored["replaces"], "of": of},
    }


def _inputs(order: Order, method: Method) -> Any:
    """What the method's `run` takes; raises ReifyError where it can't be had any more."""
    if isinstance(order.given, Kept):
        return order.given.load()
    return method.inputs(order.sources, order.name) if order.given is None else order.given
