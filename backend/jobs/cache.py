"""Finished stages, training checkpoints and prepared photos, in folders named by what they were made from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import store
from .identity import identity

TIMINGS, PICTURES = "timings.json", "pictures"
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
        prune(self.pictures, max(0, min(self.limit_bytes // PICTURES_SHARE, self.limit_bytes - _size(self.folder))))
        prune(self.folder, self.limit_bytes)

    def clear(self) -> None:
        """Delete every stage and prepared photo."""
        for folder in (self.folder, self.pictures):
            shutil.rmtree(folder, ignore_errors=True)


def prune(folder: Path, limit_bytes: int) -> None:
    """Delete those of the folders in `folder` that were used longest ago, until the rest fits the limit."""
    inner = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    excess = sum(map(_size, inner)) - limit_bytes
    for old in sorted(inner, key=_last_use):
        if excess <= 0:
            break
        excess -= _size(old)
        shutil.rmtree(old, ignore_errors=True)


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
