"""The kernels, compiled once for the present code: when the engine is installed, or in a child process beside a job's first stages.

A program of `backend/compiling.py` that has run leaves a note in the folder of compiled kernels. While one runs, a mark there is renewed,
so that no second one begins, and so that a job waits for it instead of compiling the same.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from .. import device, kernel_cache
from ..jobs.identity import PACKAGE, ROOT
from ..jobs.job import Job
from .process import child_of, lines_of

PROGRAMS = ("splats", "surfaces")  # in the order in which a job needs them; each takes about half of the time
OWN = "REIFY_COMPILES"  # names, in the environment of a child process, the program that it runs: that one doesn't wait for itself
DEAD_S = 15.0  # since a mark was renewed, after which its process has died
LOOK_EVERY_S = 0.2
log = logging.getLogger(__name__)


def missing() -> tuple[str, ...]:
    """The programs whose kernels aren't there for the present code."""
    return tuple(program for program in PROGRAMS if not _note(program).is_file())


def compile_missing(*, job: Job) -> None:
    """Run the missing programs, each in a process of its own; where one fails, its kernels are compiled when they are needed."""
    reached = dict.fromkeys(missing(), 0.0)
    ended = threading.Event()

    def run(program: str) -> None:
        for fraction in _running(program):
            reached[program] = fraction
            if ended.is_set():
                return
        reached[program] = 1.0

    threads = [threading.Thread(target=run, args=(program,), name="reify-compiling", daemon=True) for program in reached]
    for thread in threads:
        job.start(thread)
    try:
        while any(thread.is_alive() for thread in threads):
            job.progress(sum(reached.values()) / len(reached), device.COMPILING)
            time.sleep(LOOK_EVERY_S)
    finally:
        ended.set()


def compile_beside(job: Job) -> None:
    """Run the missing programs one after another, in a child process, while the job goes on."""

    def run() -> None:
        for program in waiting:
            for _fraction in _running(program):
                if job.cancelled:
                    return

    if waiting := missing():
        job.start(threading.Thread(target=run, name="reify-compiling", daemon=True))


def wait_for(program: str, *, job: Job) -> None:
    """Return once no other process compiles this program's kernels."""
    while os.environ.get(OWN) != program and _is_alive(_mark(program)):
        job.progress(0.0, device.COMPILING)
        time.sleep(LOOK_EVERY_S)


def _running(program: str) -> Iterator[float]:
    """Run a program to its end, yielding five times a second how far it is; its process ends where nobody asks on."""
    if _is_alive(_mark(program)):
        return
    request = {"path": [entry for entry in sys.path if entry], "package": PACKAGE, "root": str(ROOT), "program": program}
    fraction, last = 0.0, ""
    try:
        with child_of(sys.executable, ["compile", json.dumps(request)]) as child:
            for line in lines_of(child):
                _mark(program).touch()
                if line.startswith('{"done"'):
                    told = json.loads(line)
                    fraction = told["done"] / told["total"]
                last = line.strip() or last
                yield fraction
        if child.returncode == 0:
            _note(program).touch()
        else:
            log.warning("Kernels of %s couldn't be compiled in advance: %s", program, last)
    finally:
        with suppress(OSError):
            _mark(program).unlink(missing_ok=True)


def _note(program: str) -> Path:
    return device.kernel_folder() / f"{program}-{kernel_cache.version()}.compiled"


def _mark(program: str) -> Path:
    return device.kernel_folder() / f"{program}-{kernel_cache.version()}.compiling"


def _is_alive(mark: Path) -> bool:
    with suppress(OSError):
        return time.time() - mark.stat().st_mtime < DEAD_S
    return False
