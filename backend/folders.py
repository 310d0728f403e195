"""Folders that Reify makes for itself: each holds a marker, and one function deletes them."""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

MARKER = ".reify"  # file whose folder, with all that is in it, may be deleted
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


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        with suppress(OSError):
            entry.unlink()
