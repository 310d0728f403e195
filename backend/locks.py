"""Locks between processes and threads, which the system takes back however a process ends."""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.2
PASSING_S = 1.0  # for which a refusal that may pass is tried again
# The folder is deleted and made again by others; and Windows denies access to a file for as long as its deletion waits for who has it open.
PASSING = (FileNotFoundError, PermissionError) if os.name == "nt" else (FileNotFoundError,)
HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)  # what systems say of a lock that somebody else holds


def take(stream: IO[Any]) -> bool:
    """Lock an open file for whoever opened it, until it is closed; False, without waiting, where another one holds it.

    Raises OSError where the file's system knows no locks.
    """
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in HELD:
            return False
        raise
    return True


@contextmanager
def held(path: Path, wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock that the file `path` stands for, which is there only while somebody does.

    `wait` is called again and again while another one holds it, and may raise. Where no lock can be had, as in a folder that can't be
    written to, none is held, and the log says so.
    """
    with ExitStack() as opened:
        _wait_for(path, opened, wait)
        try:
            yield
        finally:
            if os.name != "nt":  # where an open file can go, it must go while it is locked: else the next holder's would
                with suppress(OSError):  # in a folder that can't be written to there is none
                    path.unlink(missing_ok=True)
    if os.name == "nt":
        with suppress(OSError):  # the next one has opened it already
            path.unlink(missing_ok=True)


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock that a file stands for; True also where there is a file and that can't be known."""
    try:
        with path.open("r+b") as stream:
            return not take(stream)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _wait_for(path: Path, opened: ExitStack, wait: Callable[[], None]) -> None:
    refused_since: float | None = None
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if _hold(path, opened):
                return
            refused_since = None
        except OSError as error:
            now = time.monotonic()
            refused_since = now if refused_since is None else refused_since
            if not isinstance(error, PASSING) or now - refused_since > PASSING_S:
                log.warning("No lock can be had at %s, and another process may do the same at once: %s", path, error)
                return
        wait()
        time.sleep(LOOK_EVERY_S)


def _hold(path: Path, opened: ExitStack) -> bool:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    with ExitStack() as unless:
        stream = unless.enter_context(open(os.open(path, flags, 0o666), "r+b"))
        # The one who held it may have deleted the file since it was opened here: then the lock is of no file.
        if take(stream) and _is_at(path, stream):
            opened.push(unless.pop_all())
            return True
    return False


def _is_at(path: Path, stream: IO[Any]) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False
