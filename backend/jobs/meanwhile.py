"""Waiting for work that can't report its progress by itself: one long call into a library."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from .job import Job

Done = TypeVar("Done")
LOOK_EVERY_S = 0.2


def meanwhile(work: Callable[[], Done], job: Job, fraction: float, text: str) -> Done:
    """What `work` returns or raises; it runs in a thread of its own, so that the job can be canceled or paused meanwhile.

    A job that is canceled doesn't wait for it: the thread ends with the work, whose result is dropped. `work` must therefore be
    computation only, with nothing to write or to give back, and release the interpreter's lock while it lasts.
    """
    future: Future[Done] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # raised again in the job's own thread
            future.set_exception(error)

    threading.Thread(target=run, name="reify-meanwhile", daemon=True).start()
    while not future.done():
        job.progress(fraction, text)
        wait([future], timeout=LOOK_EVERY_S)
    return future.result()
