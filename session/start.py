"""Orders into the queue: from a panel, which returns at once, or from a script, which waits; and the same once more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..backend import settings as settings_of
from ..backend.errors import ReifyError
from ..scene import preferences
from . import pump, queue

if TYPE_CHECKING:
    from ..backend.jobs.runner import Task
    from ..backend.methods import Method
    from ..backend.orders import Order


def start(order: Order) -> Task:
    """Put the job for an order into the queue and see to it that it is watched.

    Raises ReifyError where something is missing that it needs, or what it is made of.
    """
    _check(order)
    if not bpy.app.background:
        queue.open_ledger()
    task = queue.submit(order)
    pump.start()
    return task


def start_all(
    method: Method, sources: tuple[Path, ...], settings: Any, scene: bpy.types.Scene, seed: int = 0, variants: int = 1
) -> list[Task]:
    """Put a job into the queue for each of the results that the sources make; raises ReifyError where they make none.

    `variants` of each, by as many seeds, stand beside each other.
    """
    from ..backend import orders
    from ..backend.orders import Order, Target

    if not sources and method.takes_files:
        raise ReifyError("There is nothing to start from yet.", "Choose a folder or files first.")
    target = Target(scene.name, scene_uid=scene.session_uid)
    order = Order(method.id, settings_of.values(settings), sources, seed, target=target, variants=variants)
    _check(order)
    ordered = orders.one_by_one(order)
    with queue.runner().held():
        return [start(_placed(one, scene) if variants == 1 else one) for one in ordered]


def _placed(order: Order, scene: bpy.types.Scene) -> Order:
    """The order with the place of the newest result of the same sources or sentence, where that is what the panel says."""
    from ..scene import versions

    sentence = versions.sentence_of(order.settings)
    older = versions.older(scene, order.method, map(str, order.sources), sentence) if scene.reify.version == "replace" else []
    if not older or order.target is None:
        return order
    return replace(order, target=replace(order.target, replaces=older[-1].name, replaces_uid=older[-1].session_uid))


def reuse(context: bpy.types.Context) -> Method:
    """Bring sources, settings and seed that made the active object into the panel; raises ReifyError where it says nothing of them."""
    from ..scene import provenance
    from . import properties, sources

    method, settings, stored = _made_by(provenance.read(context.object) or {})
    group = properties.group_of(context.scene, method)
    properties.write_settings(method, group, settings)
    context.scene.reify.seed = stored["seed"]
    if not method.changes_things:
        group.sources.clear()
        sources.add_paths(group, list(stored["inputs"]))
        context.scene.reify.method = method.id
    else:
        context.scene.reify_convert.method = method.id
    return method


def _made_by(stored: dict[str, Any]) -> tuple[Method, Any, dict[str, Any]]:
    from ..backend.methods import method_called

    method = method_called(stored.get("method", ""))
    known = {option.path for option in settings_of.options(method.settings)}
    kept = {path: value for path, value in stored["settings"].items() if path in known}
    return method, settings_of.with_values(method.settings(), kept), stored


def again(context: bpy.types.Context) -> Task:
    """Start the work that made the active object once more; raises ReifyError where that can't be done."""
    from ..backend.orders import Order, Target
    from ..scene import provenance
    from . import conversion

    method, settings, stored = _made_by(provenance.read(context.object) or {})
    if method.changes_things:
        return start(conversion.order_again(context, method, settings, stored["seed"]))
    collection = provenance.collection_of(context.object)
    target = Target(context.scene.name, scene_uid=context.scene.session_uid)
    if collection is not None:
        target = replace(target, replaces=collection.name, replaces_uid=collection.session_uid)
    sources = tuple(Path(path) for path in stored["inputs"])
    return start(Order(method.id, settings_of.values(settings), sources, stored["seed"], target=target))


def retry(task: Task) -> None:
    """Do an ended task once more; what is finished of it is taken from the cache. Raises ReifyError where it can't be done."""
    _check(task.context)
    pump.try_again(task)
    queue.resubmit(task)
    pump.start()


def wait(*tasks: Task) -> None:
    """Wait for tasks and put their results into the scene; then raises the ReifyError of the first that failed.

    Canceling one cancels those behind it.
    """
    from ..backend.jobs.runner import State
    from ..backend.jobs.terminal import drain

    problems = []
    for number, task in enumerate(tasks):
        drain(task)
        if task.state is State.CANCELLED:
            for behind in tasks[number + 1 :]:
                queue.runner().cancel(behind)
        try:
            _take(task)
        except ReifyError as problem:
            problems.append(problem)
    if problems:
        raise problems[0]


def _check(order: Order) -> None:
    from ..backend import orders

    if gone := [path for path in order.sources if not path.exists()]:
        raise ReifyError(f"{gone[0]} isn't there any more.", "Choose the sources again.")
    if not order.possible:
        of_object = order.target is not None and order.target.of is not None
        way = "Select the object, and convert it again." if of_object else "Choose the sources again."
        raise ReifyError("What this was made of is no longer known.", way)
    orders.check(order, preferences.environment())


def _take(task: Task) -> None:
    if task.failure is not None:
        raise ReifyError(task.failure.what, task.failure.fix)
    if task.result is None:
        raise ReifyError("The job was canceled.")
    pump.hand_over(task)
