"""Folders that Reify makes for itself: each holds a marker, and one function deletes them."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from . import locks

log = logging.getLogger(__name__)

MARKER = ".reify"  # file whose folder, with all that is in it, may be deleted
PREFIX = ".reify-"  # of the names of temporary ones
NEWEST_S = 5.0  # age below which a temporary folder may be about to be locked
NOTE = "Reify made this folder, and deletes it when it is no longer needed.\n"


def make_own(folder: Path) -> Path:
    """Make a folder, with its parents, that `delete` may delete; one that holds something already is left unmarked.

    Raises OSError where the system refuses.
    """
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        if not folder.is_dir():
            raise
    if not any(folder.iterdir()):
        mark(folder)
    return folder


def mark(folder: Path) -> None:
    """Say of a folder, which may hold something, that Reify made it; a link is never ours. Raises OSError."""
    if not folder.is_symlink():
        (folder / MARKER).write_text(NOTE, encoding="utf-8")


def is_own(folder: Path, root: Path) -> bool:
    """Whether `folder` is ours: no link, its resolved path inside `root`, and a marker in it or in a folder between the two.

    `root` is the folder that the caller works in; a marker in it counts for all that it holds.
    """
    try:
        top, place = root.resolve(), folder.parent.resolve() / folder.name
        if folder.is_symlink() or place != folder.resolve() or not place.is_dir() or top not in place.parents:
            return False
    except (OSError, RuntimeError, ValueError):  # loops of links, null bytes
        return False
    between = [place, *place.parents]
    return any((holder / MARKER).is_file() for holder in between[: between.index(top) + 1])


def delete(folder: Path, root: Path) -> bool:
    """Delete a folder of ours with all that it holds; nothing outside of it is touched, whatever it links to.

    False where there is something that isn't ours (`is_own`), or that the system doesn't let go of; that stays ours.
    """
    if not os.path.lexists(folder):
        return True
    if not is_own(folder, root):
        log.warning("%s wasn't made by Reify and stays", folder)
        return False
    with suppress(OSError):  # another process may delete it meanwhile; Windows keeps files that are in use
        # The marker goes last, so that what a crash leaves is still known to be ours.
        for name in (name for name in os.listdir(folder) if name != MARKER):
            _remove(folder / name)
        if os.listdir(folder) == [MARKER]:
            (folder / MARKER).unlink()
        folder.rmdir()
    return not folder.exists()


@contextmanager
def temporary(parent: Path | None = None) -> Iterator[Path]:
    """A new folder in `parent`, or the system's place for such, which is deleted at the end.

    What processes that were killed have left in `parent` goes before, once in each process. Raises OSError where none can be made.
    """
    place = parent or Path(tempfile.gettempdir())
    _sweep_once(place)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    try:
        mark(folder)
        with (folder / MARKER).open("r+b") as held:
            with suppress(OSError):  # a file system without locks: what a killed process leaves there stays
                locks.take(held)
            yield folder
    finally:
        delete(folder, place)


def sweep(parent: Path) -> None:
    """Delete the temporary folders in `parent` whose processes are no more, and the files beside them that share their names."""
    with suppress(OSError):
        for folder in [Path(entry) for entry in os.scandir(parent) if entry.name.startswith(PREFIX)]:
            if is_own(folder, parent) and time.time() - folder.stat().st_mtime > NEWEST_S and not locks.is_held(folder / MARKER):
                for beside in parent.glob(f"{folder.name}.*"):
                    beside.unlink(missing_ok=True)
                delete(folder, parent)


@cache
def _sweep_once(parent: Path) -> None:
    sweep(parent)


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        with suppress(OSError):
            entry.unlink()
