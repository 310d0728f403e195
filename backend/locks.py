"""Locks between processes and threads, which the system takes back however a process ends."""

from __future__ import annotations

import errno
import os
from typing import IO, Any

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
