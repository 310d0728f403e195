"""Writing a file whole or not at all, with the reason in a user's words where it fails."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import ReifyError


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """The path to write to: `path` with ".partial" behind it, which becomes `path` where the block ends well.

    Makes missing folders. Raises ReifyError where the system refuses: full disk, no permission, no such place.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        os.replace(partial, path)
    except OSError as error:
        raise refusal(path, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all; raises ReifyError where the system refuses."""
    with writing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def refusal(path: Path, error: OSError) -> ReifyError:
    """Why `path` couldn't be written, as an error that a user understands."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ReifyError(f"The disk is full: {path} couldn't be written.", "Free some space or choose another folder.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ReifyError(f"There is no permission to write {path}.", "Choose a folder that you may write to.")
    if error.errno in (errno.ENOTDIR, errno.EISDIR, errno.EEXIST):
        return ReifyError(f"{path} can't be written: a file and a folder share a name there.", "Choose another name.")
    return ReifyError(f"{path} couldn't be written: {error.strerror or error}.", "Choose another folder.")
