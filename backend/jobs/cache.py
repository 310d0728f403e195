"""Finished stages, training checkpoints and prepared photos, in folders named by what they were made from."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from .. import folders, locks
from . import store
from .identity import identity

TIMINGS, PICTURES = "timings.json", "pictures"
PROBE = "probe.tmp"
LEAST_FREE_BYTES = 64 << 20  # of the cache's disk, below which a stage's files and values go to the temporary folder
PICTURES_SHARE = 4  # most of the limit that prepared photos take is one part in so many


class Cache:
    """A folder of stages. A stage is whole once its value.json stands there; until then it may hold checkpoints."""

    def __init__(self, folder: Path, limit_bytes: int = 20 << 30) -> None:
        self.folder = folder / "stages"
        self.limit_bytes = limit_bytes

    @property
    def pictures(self) -> Path:
        """The folder of photos as stages look at them, which are quickly made again."""
        return self.folder.parent / PICTURES

    @property
    def timings(self) -> Path:
        """The file that keeps how long stages took on this machine; clearing the cache leaves it."""
        return self.folder.parent / TIMINGS

    def stage_folder(self, function: Callable[..., Any], inputs: tuple[Any, ...]) -> Path:
        """The folder that belongs to `function` called with `inputs`, in the present version of the code that it reaches."""
        key = store.digest(identity(function), inputs)
        return self.folder / f"{function.__name__.strip('_')}-{key[:24]}"

    def load(self, folder: Path) -> Any | None:
        """The value of a finished stage, None where there is none or it is damaged."""
        try:
            value = store.load(folder)
        except (OSError, ValueError):
            return None
        with suppress(OSError):  # another process may prune it meanwhile
            os.utime(folder)  # `prune` drops what was used longest ago
        return value

    def size(self) -> int:
        """Bytes in the cache."""
        return _size(self.folder) + _size(self.pictures)

    def prune(self) -> None:
        """Delete what was used longest ago until the cache fits its limit, prepared photos before any stage."""
        with suppress(OSError):  # what can't be listed can't be made smaller, which is no job's concern
            prune(self.pictures, max(0, min(self.limit_bytes // PICTURES_SHARE, self.limit_bytes - _size(self.folder))))
            prune(self.folder, self.limit_bytes)

    def clear(self) -> None:
        """Delete every stage and prepared photo."""
        for folder in (self.folder, self.pictures):
            prune(folder, 0)


def check_room(folder: Path) -> None:
    """Raise OSError where a file can't be written to a stage's folder, or where hardly any room is left there."""
    probe = folder / PROBE
    try:
        probe.write_bytes(b"\0" * 4096)
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    if shutil.disk_usage(folder).free < LEAST_FREE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def is_full(error: Exception) -> bool:
    """Whether an error, or its cause, is the system's refusal to write any more: a full disk or quota, a disk that became read-only."""
    cause = error.__cause__ or error
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def lock_of(folder: Path) -> Path:
    """The file whose lock is held by whoever computes the stage of a folder."""
    return folder.with_name(f"{folder.name}.lock")


def prune(folder: Path, limit_bytes: int) -> None:
    """Delete those of our folders in `folder` that were used longest ago, until the rest fits the limit; those in use stay."""
    own = [path for path in folder.iterdir() if folders.is_own(path, folder)] if folder.is_dir() else []
    sizes = {path: _size(path) for path in sorted(own, key=_last_use)}
    excess = sum(sizes.values()) - limit_bytes
    for old, size in sizes.items():
        if excess <= 0:
            break
        if not locks.is_held(lock_of(old)):
            folders.delete(old, folder)
            excess -= size


def _last_use(folder: Path) -> float:
    with suppress(FileNotFoundError):  # another process may prune meanwhile
        return folder.stat().st_mtime
    return 0.0


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # a job may write and delete there meanwhile
                total += os.stat(os.path.join(place, name)).st_size
    return total
