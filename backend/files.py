"""Writing a file whole or not at all, with the reason in a user's words where it fails."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from . import folders, whole
from .errors import ReifyError

IN_USE, TOO_LONG = (5, 32), 206  # Windows: access denied, which is what replacing an open file gives, and sharing; beyond 260 characters
LEAST_FREE = 1 << 20  # bytes; a disk with less is full: not all that write say why they failed


@contextmanager
def writing(path: Path, before_moving: Callable[[Path], None] = lambda written: None) -> Iterator[Path]:
    """The path to write to: the same name in a new folder beside `path`, whose files move there where the block ends well.

    Each is opened again first: it must be whole (`whole.check`), and `before_moving`, called last with the path that was written to,
    may raise ValueError. The folder's name is nobody else's, so that two may write one file, and what is half-written meets no link.

    Makes missing folders. Raises ReifyError where the system refuses: full disk, no permission, no such place; and for what isn't whole.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with folders.temporary(path.parent) as folder:
            yield folder / path.name
            made = [entry for entry in folder.iterdir() if entry.name != folders.MARKER]
            _check(path, made, before_moving)
            for entry in sorted(made, key=lambda entry: entry.name == path.name):  # what others name comes before them
                os.replace(entry, path.with_name(entry.name))
    except OSError as error:
        raise refusal(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all; raises ReifyError where the system refuses."""
    with writing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def refusal(path: Path, error: OSError) -> ReifyError:
    """Why `path` couldn't be written, as an error that a user understands."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or (error.errno is None and _is_full(path)):
        return ReifyError(f"The disk is full: {path} couldn't be written.", "Free some space or choose another folder.")
    if error.errno == errno.ENAMETOOLONG or getattr(error, "winerror", None) == TOO_LONG:
        return ReifyError(f"{path} is a longer name than the system takes.", "Choose a shorter name, or a folder nearer to the root.")
    if error.errno == errno.EACCES and getattr(error, "winerror", None) in IN_USE and path.is_file():
        return ReifyError(f"{path} can't be replaced: another program has it open, or it is read-only.", "Close it there, and try again.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ReifyError(f"There is no permission to write {path}.", "Choose a folder that you may write to.")
    if error.errno in (errno.ENOTDIR, errno.EISDIR, errno.EEXIST):
        return ReifyError(f"{path} can't be written: a file and a folder share a name there.", "Choose another name.")
    return ReifyError(f"{path} couldn't be written: {error.strerror or error}.", "Choose another folder.")


def _check(path: Path, made: list[Path], last: Callable[[Path], None]) -> None:
    try:
        if path.name not in (entry.name for entry in made):
            raise ValueError("nothing was written")
        for entry in made:
            whole.check(entry)
        last(next(entry for entry in made if entry.name == path.name))
    except ValueError as error:
        if _is_full(path):
            raise refusal(path, OSError(errno.ENOSPC, str(error))) from error
        raise ReifyError(f"{path} came out incomplete, and wasn't kept.", "Free some space or choose another folder.") from error


def _is_full(path: Path) -> bool:
    return path.parent.is_dir() and shutil.disk_usage(path.parent).free < LEAST_FREE
