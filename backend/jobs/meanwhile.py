"""Waiting for work that can't report its progress by itself: one long call into a library."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from .job import Job

Done = TypeVar("Done")
LOOK_EVERY_S = 0.2


def meanwhile(work: Callable[[], Done], job: Job, fraction: float | None = None, text: str = "") -> Done:
    """What `work` returns or raises; it runs in a thread of its own, so that the job can be canceled or paused meanwhile.

    Progress stays at `fraction` and `text`, by default where it was. A job that is canceled doesn't wait for the work: the thread
    ends with it, and its result is dropped. So `work` must be computation only, with nothing to write or to give back, and
    release the interpreter's lock while it lasts.
    """
    future: Future[Done] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # raised again in the job's own thread
            future.set_exception(error)

    threading.Thread(target=run, name="reify-meanwhile", daemon=True).start()
    if fraction is None:
        fraction, text = job.told
    while not future.done():
        job.progress(fraction, text)
        wait([future], timeout=LOOK_EVERY_S)
    return future.result()
