"""Paths that stand inside files: followed within the surroundings of what the user chose, and nowhere else by themselves.

What the user chose is theirs, and so is what a link in it leads to: paths are compared as they are written, and links are not resolved.
A path that isn't followed isn't looked at either: on Windows, asking whether a file on another computer exists sends credentials there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ..reading import is_file


def is_network(name: str) -> bool:
    r"""True for a path that another computer may be asked for: \\host\share, //host/share, and device paths, which may hide one."""
    return name.strip().replace("/", "\\").startswith("\\\\")


def is_inside(path: Path, places: Iterable[Path]) -> bool:
    """True where a path, relative steps taken, lies in one of the places; nothing on the disk is looked at."""
    written = _written(path)
    return any(written.is_relative_to(_written(place)) for place in places)


def file_inside(name: str, folder: Path, places: Iterable[Path] = ()) -> Path | None:
    """The file that `name` leads to from `folder`; None where it lies neither in there nor in one of the places, or doesn't exist."""
    path = folder / name
    if is_network(name) or not is_inside(path, (folder, *places)):
        return None
    return path if is_file(path) else None


def _written(path: Path) -> Path:
    return Path(os.path.normcase(os.path.abspath(path)))
