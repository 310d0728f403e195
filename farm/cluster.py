"""A batch on the machines of a Ray cluster that runs already: one task for each capture.

The captures and the folder for the results must be at the same path on every machine, and Reify importable there.
Stages and checkpoints are kept beside the results, so that another machine goes on where one has died.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..backend import interrupts
from ..backend.errors import ReifyError
from ..backend.orders import Order
from .batch import CANCELLED, FAILED, Outcome, attempt

LOOK_EVERY_S = 0.5  # for Ctrl-C
RETRIES = 3  # after a worker or its machine has died; a capture that fails isn't tried again

Work = Callable[[Order, bool], Outcome]


def on_cluster(
    todo: Sequence[Order], address: str, *, cache: Path, keep: bool, say: Callable[[str], None], work: Work = attempt
) -> Iterator[Outcome]:
    """Make the captures on the cluster at `address` ("auto", "host:6379"), yielding each as it ends.

    `cache` is a folder that all machines see. Raises ReifyError where Ray isn't installed or there is no such cluster.
    """
    ray = _ray()
    try:
        _knock(address)
        ray.init(address=address, log_to_driver=False, logging_level="warning")
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise ReifyError(f"There is no Ray cluster at {address}: {reason}.", "Start one with `ray start`, or check the address.") from error
    try:
        task = ray.remote(max_retries=RETRIES, max_calls=1, **share([node["Resources"] for node in ray.nodes() if node["Alive"]]))(_task)
        waiting = {task.remote(work, order, keep, str(cache)): order for order in todo}
        yield from _ended(ray, waiting, say)
    finally:
        ray.shutdown()


def share(machines: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """What a capture takes of a machine: one graphics card and its part of the cores, or all cores of the smallest machine."""
    with_cards = [machine for machine in machines if machine.get("GPU")]
    if with_cards:
        return {"num_gpus": 1, "num_cpus": min(machine.get("CPU", 0) // machine["GPU"] for machine in with_cards)}
    return {"num_cpus": min((machine["CPU"] for machine in machines if machine.get("CPU")), default=1)}


def _knock(address: str) -> None:
    """Raise OSError where nobody listens: Ray itself would wait for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), timeout=10.0).close()


def _task(work: Work, order: Order, keep: bool, cache: str) -> Outcome:
    os.environ["REIFY_CACHE"] = cache
    return work(order, keep)


def _ended(ray: Any, waiting: dict[Any, Order], say: Callable[[str], None]) -> Iterator[Outcome]:
    count = len(waiting)
    with interrupts.noticed() as interrupted:
        while waiting and not interrupted():
            ended, _rest = ray.wait(list(waiting), num_returns=1, timeout=LOOK_EVERY_S)
            for done in ended:
                order = waiting.pop(done)
                outcome = _outcome(ray, done, order)
                say(f"Capture {count - len(waiting)} of {count}: {order.name} {outcome.state}")
                yield outcome
        for running, order in waiting.items():
            with contextlib.suppress(ray.exceptions.RayError):
                ray.cancel(running, force=True)
            yield Outcome(order.name, CANCELLED, str(order.outputs[-1].parent))


def _outcome(ray: Any, done: Any, order: Order) -> Outcome:
    try:
        return ray.get(done)
    except ray.exceptions.RayError as error:
        reason = str(error).strip().splitlines()[-1]
        return Outcome(order.name, FAILED, str(order.outputs[-1].parent), error=f"The cluster gave up: {reason}", expected=False)


def _ray() -> Any:
    try:
        import ray  # type: ignore[import-not-found]
    except ImportError as error:
        raise ReifyError(
            "The package ray isn't installed, which --address needs.",
            "Install it with `pip install ray` into this Python and the cluster's.",
        ) from error
    return ray
