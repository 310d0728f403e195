"""Many attacks, each in a process of its own; a crash costs one input, after which the next is tried."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from reify.backend.device import available_threads
from reify.tests.hostile.readers import READERS

MOST_CRASHES = 5  # of one reader, after which it is given up


def attack(names: Sequence[str], count: int) -> list[dict[str, Any]]:
    """The faults that `count` mutated files of each reader show; a crash costs its seed, and what comes after is tried."""
    faults: list[dict[str, Any]] = []
    waiting, first = list(names), 0
    while waiting:
        said = _run(waiting if first == 0 else waiting[:1], first, count)
        faults += [line for line in said if "kind" in line]
        if "done" in said[-1]:
            waiting = [] if first == 0 else waiting[1:]
            first = 0
            continue
        crashed = said[-1]
        waiting = waiting[waiting.index(crashed["reader"]) :]
        faults.append({"reader": waiting[0], "seed": crashed["seed"], "kind": "crash", "what": crashed["words"]})
        first = crashed["seed"] + 1
        if sum(fault["kind"] == "crash" and fault["reader"] == waiting[0] for fault in faults) == MOST_CRASHES or first == count:
            waiting, first = waiting[1:], 0
    return faults


def campaign(count: int, names: Sequence[str] = tuple(READERS), names_each: int = 0) -> list[dict[str, Any]]:
    """The faults of all readers, `count` inputs each, on all cores; a process takes `names_each` readers, or 0 an equal share.

    Starting a process takes two seconds, and readers differ in time by ten times: one at a time is better for many inputs.
    """
    cores = available_threads()
    shares = [names[start::cores] for start in range(cores)] if not names_each else _portions(names, names_each)
    with ThreadPoolExecutor(cores) as pool:
        return [fault for found in pool.map(lambda share: attack(share, count), shares) for fault in found]


def _portions(names: Sequence[str], size: int) -> list[Sequence[str]]:
    return [names[start : start + size] for start in range(0, len(names), size)]


def _run(names: Sequence[str], first: int, end: int) -> list[dict[str, Any]]:
    """The lines of one process, the last of them with its last words where it didn't come to its end."""
    with tempfile.TemporaryDirectory(prefix="reify-hostile-") as folder:
        command = [sys.executable, "-m", "reify.tests.hostile.attack", str(first), str(end), folder, *names]
        run = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    said = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    words = f"code {run.returncode}: {run.stderr[-2000:]}"
    if not said:
        raise RuntimeError(f"the attack on {names[0]} didn't begin: {words}")
    return said if "done" in said[-1] else [*said, {**said[-1], "words": words}]
