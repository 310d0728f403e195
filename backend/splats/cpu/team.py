"""A few threads that run kernels over ranges; cheap enough to start ten times a step."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from functools import lru_cache
from queue import SimpleQueue
from typing import Any


class Team:
    """Threads that share the ranges of one kernel at a time; the kernels must release the GIL.

    They start with the first kernel and end with `close`, or with the team; after `close` they start again where they are needed. So
    whoever owns a team closes it when it has nothing more to compute for now.

    Own threads, because numba's may not be used from two threads at once, and kernels without `parallel=True` compile several
    times faster. Ranges are handed out as threads get free, long ones first: every start of a kernel asks for the interpreter, which the
    other threads may hold, and short ones in the end let all threads finish together. Kernels write their results by range, so results
    don't depend on who ran what.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()
        self._helpers: list[threading.Thread] = []
        weakref.finalize(self, _dismiss, self._tasks, self._helpers)

    def run(self, kernel: Callable[..., Any], count: int, size: int, *args: Any) -> None:
        """Call `kernel(first, last, *args)` on ranges of `size` that cover `count`, and wait for all of them."""
        parts = -(-count // size)
        if parts <= 1 or self.threads == 1:
            if count:
                kernel(0, count, *args)
            return
        if not self._helpers:
            self._start()
        ranges = iter(_shares(parts, self.threads))

        def work() -> None:
            for first, last in ranges:
                kernel(first * size, min(last * size, count), *args)

        helpers = min(len(self._helpers), parts - 1)
        for _ in range(helpers):
            self._tasks.put(work)
        try:
            work()
        finally:
            problems = [self._done.get() for _ in range(helpers)]
        for problem in problems:
            if problem is not None:
                raise problem

    def close(self) -> None:
        """End the threads, and wait until they have ended."""
        helpers = self._helpers.copy()
        _dismiss(self._tasks, self._helpers)
        for helper in helpers:
            helper.join()

    def __enter__(self) -> Team:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _start(self) -> None:
        for _ in range(self.threads - 1):
            helper = threading.Thread(target=_serve, args=(self._tasks, self._done), name="reify-kernels", daemon=True)
            helper.start()
            self._helpers.append(helper)


def _dismiss(tasks: SimpleQueue[Callable[[], None] | None], helpers: list[threading.Thread]) -> None:
    for _ in helpers:
        tasks.put(None)
    helpers.clear()


@lru_cache(maxsize=256)
def _shares(parts: int, threads: int) -> tuple[tuple[int, int], ...]:
    """Ranges of parts, each as long as half of what were left for each thread."""
    ranges, first = [], 0
    while first < parts:
        last = first + max(1, (parts - first) // (2 * threads))
        ranges.append((first, last))
        first = last
    return tuple(ranges)


def _serve(tasks: SimpleQueue[Callable[[], None] | None], done: SimpleQueue[BaseException | None]) -> None:
    while (task := tasks.get()) is not None:
        problem: BaseException | None = None
        try:
            task()
        except BaseException as error:  # handed to the thread that waits for the result
            problem = error
        done.put(problem)
