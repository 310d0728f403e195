"""Waiting for long work in a thread of its own, so that neither a cancel nor a pause waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar

from .computing import computing, follow
from .job import Job

Done = TypeVar("Done")
LOOK_EVERY_S = 0.2


def meanwhile(work: Callable[[], Done], job: Job, fraction: float | None = None, text: str = "") -> Done:
    """What `work` returns or raises; it runs in a thread of its own, so that the job can be canceled or paused meanwhile.

    Progress stays at `fraction` and `text`; without these it stays where it is, or `work` itself reports to the job. A job that is
    canceled doesn't wait for the work, whose thread ends with it, or at its next report, and whose result is dropped. So `work`
    must have nothing to write or to give back, and release the interpreter's lock now and then.
    """
    ended = threading.Event()
    returned: list[Done] = []
    raised: list[BaseException] = []
    abandoned = False

    def run() -> None:
        try:
            with computing():
                returned.append(work())
        except BaseException as error:  # raised again in the job's own thread
            if not abandoned:  # else nobody would take it, and it would keep itself and all arrays of its frames
                raised.append(error)
        ended.set()

    job.start(threading.Thread(target=run, name="reify-meanwhile", daemon=True))
    try:
        while not ended.is_set():
            if fraction is None:
                job.tick()
            else:
                job.progress(fraction, text)
            ended.wait(LOOK_EVERY_S)
    except BaseException:
        abandoned = True
        raise
    follow()
    if raised:
        raise raised.pop()
    return returned.pop()


def apart(stage: Callable[..., Done]) -> Callable[..., Done]:
    """The stage as a whole as such work: whatever it calls, and however long that takes, a cancel or pause doesn't wait for it.

    For stages that report to the job, and write nothing into its folder.
    """

    @wraps(stage)
    def run(*inputs: Any, job: Job) -> Done:
        return meanwhile(partial(stage, *inputs, job=job), job)

    return run
