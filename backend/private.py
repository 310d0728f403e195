"""Folders that nobody but the user can write to: for what is executed when it is read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from . import folders


def folder_in(parent: Path, name: str) -> Path:
    """A folder of ours in `parent`, made where it is missing; raises OSError where it can't be, or where others can write to it."""
    folder = parent / name
    parent.mkdir(parents=True, exist_ok=True)
    try:
        os.mkdir(folder, 0o700)
        folders.mark(folder)
    except FileExistsError:
        pass
    if reason := why_not(folder):
        raise PermissionError(f"{folder} isn't the user's alone: {reason}")
    return folder


def why_not(folder: Path) -> str:
    """Why others may write to a folder or replace it, or have put files into it; "" where nobody else can."""
    if os.name == "nt":  # whose rights lie in lists; those of the profile are the user's
        return "" if folder.resolve().is_relative_to(Path.home().resolve()) else "it lies outside of the user's profile"
    user = os.getuid()
    for place in dict.fromkeys((*_above(folder), *_above(folder.resolve()))):
        status = place.stat()
        if status.st_uid not in (user, 0):
            return f"{place} belongs to somebody else"
        shared = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if shared and (place == folder.resolve() or not status.st_mode & stat.S_ISVTX):  # a sticky one, as /tmp, keeps others' hands off
            return f"others can write to {place}"
    foreign = next((path for path, status in _entries(folder) if status.st_uid not in (user, 0)), None)
    return "" if foreign is None else f"{foreign} belongs to somebody else"


def _above(folder: Path) -> Iterator[Path]:
    """A folder as it is written and those that hold it; of a link, those that hold the link."""
    absolute = Path(os.path.abspath(folder))
    yield from absolute.parents
    if not absolute.is_symlink():
        yield absolute


def _entries(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for place, names, files in os.walk(folder):
        for name in (*names, *files):
            path = Path(place, name)
            yield path, path.lstat()
