"""Ctrl-C and termination of a command: one handler from its first line on, which never raises into what is running.

An exception out of a handler hits whatever Python runs just then, as Blender's module while it loads, and has crashed it. So a signal
is either noticed by who waits for a job, or ends the process at once: what is half-written has no final name, and children end with us.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

EXIT_CODE = 130  # what a shell expects of a command that was interrupted
SIGNALS = (signal.SIGINT, signal.SIGTERM)
PARENT = "REIFY_PARENT"  # variable: the number of a pipe that is open for as long as the process that started this one lives
PATIENCE_S = 20.0  # for which a job may go on after a signal: what takes longer, as a compiler does, notices none
SAME_S = 0.5  # two signals as near are one: a terminal sends it to a command and to the one who passes it on


@contextmanager
def ending() -> Iterator[None]:
    """Inside, a signal that nobody notices ends the process at once, with EXIT_CODE; so does the end of the process that started it."""
    _watch_parent()
    with _handled_by(lambda number, frame: _leave()):
        yield


def end_from_now() -> None:
    """As `ending`, for all that the process still does; to be called before anything else registers what runs at its exit.

    What comes while Python itself is taken down is ignored: all is done then, no handler can run any more, and the system's own way
    would end a finished command by a signal.
    """
    _watch_parent()
    for number in SIGNALS:
        signal.signal(number, lambda number, frame: _leave())
    atexit.register(_ignore)  # runs last, since it was registered first


def _ignore() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def noticed() -> Iterator[Callable[[], bool]]:
    """Gives what says whether a signal has come; a second one, or being asked PATIENCE_S later, does what it would do outside."""
    came: list[tuple[int, float]] = []
    outside: dict[int, Any] = {}

    def act(number: int, frame: Any = None) -> None:
        if callable(outside.get(number)):
            outside[number](number, frame)

    def notice(number: int, frame: Any) -> None:
        if not came:
            came.append((number, time.monotonic()))
        elif time.monotonic() - came[0][1] > SAME_S:
            act(number, frame)

    def interrupted() -> bool:
        if came and time.monotonic() - came[0][1] > PATIENCE_S:
            act(came[0][0])
        return bool(came)

    with _handled_by(notice) as before:
        outside.update(before)
        yield interrupted


@contextmanager
def _handled_by(handler: Callable[[int, Any], None]) -> Iterator[dict[int, Any]]:
    """Handle SIGNALS meanwhile; gives what handled them before. Other threads than the main one can't, and change nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield {}
        return
    before: dict[int, Any] = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield before
    finally:
        for number, old in before.items():
            signal.signal(number, signal.SIG_DFL if old is None else old)


def _watch_parent() -> None:
    number = os.environ.pop(PARENT, "")
    if number.isdecimal():
        threading.Thread(target=_follow, args=(int(number),), name="reify-parent", daemon=True).start()


def _follow(pipe: int) -> None:
    try:
        while os.read(pipe, 1):
            pass
    except OSError:  # closed by somebody else: then nothing is known
        return
    _leave()


def _leave() -> None:
    # Taking Python and Blender down in order, with threads in the middle of kernels, is what crashes.
    with suppress(OSError, RuntimeError, AttributeError, ValueError):  # the stream is gone, or was being written to
        sys.stderr.write("\nInterrupted.\n")
    os._exit(EXIT_CODE)
