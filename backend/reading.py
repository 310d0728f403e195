"""Reading what others may have damaged: JSON within bounds, paths of any form, the files of a folder."""

from __future__ import annotations

import io
import json
import lzma
import math
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from .errors import ReifyError

LARGEST_JSON = 256 << 20  # bytes; a file of 100,000 camera poses has a third of it
DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])\s*([.:]|$)", re.IGNORECASE)
# What Python's own modules raise where an archive is damaged: encrypted members, unknown compressions, odd headers, ends in the middle.
DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, ValueError, RuntimeError, OverflowError, LookupError),
)
DEEPEST_JSON = 64  # arrays and objects inside each other


def parse_json(text: str | bytes, finite: bool = True) -> Any:
    """The value of a JSON text; raises ValueError, whatever is wrong with it.

    Refused are more than LARGEST_JSON bytes, more than DEEPEST_JSON levels and, where they must be `finite`, the numbers NaN and
    infinity. Whole numbers beyond 64 bits are read as floats.
    """
    if len(text) > LARGEST_JSON:
        raise ValueError(f"it is larger than {LARGEST_JSON >> 20} MB")
    number = _finite if finite else float
    try:
        value = json.loads(text, parse_float=number, parse_constant=number, parse_int=lambda digits: _whole(digits, number))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    level = [value]
    for _ in range(DEEPEST_JSON):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return value
    raise ValueError("it is nested too deeply")


def read_json(path: Path, finite: bool = True) -> Any:
    """The value in a JSON file in UTF-8; raises OSError where it can't be read, else as `parse_json` does."""
    with open_file(path) as stream:
        return parse_json(stream.read(LARGEST_JSON + 1), finite)


def is_file(path: Path) -> bool:
    """True for a regular file or a link to one; False, too, for a name that no system takes and in a folder that may not be entered."""
    return _has_mode(path, stat.S_ISREG)


def is_folder(path: Path) -> bool:
    """True for a folder or a link to one; False where `is_file` would be for such a name or place."""
    return _has_mode(path, stat.S_ISDIR)


def exists(path: Path) -> bool:
    """True for whatever lies there; False where `is_file` would be for such a name or place."""
    return _has_mode(path, lambda mode: True)


def is_device(name: str, windows: bool = os.name == "nt") -> bool:
    """True for a path that leads through a name which Windows keeps for a device, in whatever folder: NUL, aux.png, COM1."""
    return windows and any(DEVICES.match(part) for part in re.split(r"[\\/]", name))


def is_locked(path: Path) -> bool:
    """True where a folder on the way to it may not be entered, so that nothing can be told of it."""
    try:
        os.stat(path)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return False


def read_bytes(path: Path, most: int) -> bytes:
    """The bytes of a file; raises ReifyError where there are more than `most`, and else as `open_file` does."""
    with open_file(path) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise ReifyError(f"{path.name} is larger than {most >> 20} MB.", "Choose another file.")
    return data


def open_file(path: Path) -> BinaryIO:
    """A regular file, opened for reading; raises OSError also for pipes and devices, which would be waited for."""
    return open(path, "rb", opener=_open_regular)


@contextmanager
def own_file(path: Path) -> Iterator[bytes]:
    """The bytes of a file that comes with Reify; raises ReifyError where it can't be read, or something in it stops the block."""
    try:
        yield path.read_bytes()
    except (OSError, *DAMAGED) as error:
        raise ReifyError(f"{path.name}, a file of Reify's own, is damaged.", "Install Reify again.") from error


class Within(io.BufferedReader):
    """A file opened for reading that never makes room for more than it holds: decoders ask for the lengths that files state."""

    def __init__(self, path: Path) -> None:
        file = io.FileIO(path)
        super().__init__(file)
        self._bytes = os.fstat(file.fileno()).st_size

    def read(self, size: int | None = -1) -> bytes:  # noqa: D102
        return super().read(size if size is None or size < 0 else min(size, self._bytes))


def walk(folder: Path, check: Callable[[], None] = lambda: None, strict: bool = False) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Each folder from `folder` down with the names of the folders and the regular files in it; take folders off the list to pass them.

    Links to folders are followed when all else is done, and a folder that several lead to is entered once. Pipes, sockets and devices are
    left out. `check` is called for each folder and may raise. Raises OSError where `folder` can't be listed, or with `strict` one below it.
    """
    seen: set[tuple[int, int]] = set()
    waiting: list[Path] = [folder]
    linked: list[Path] = []
    while waiting or linked:
        check()
        place = waiting.pop() if waiting else linked.pop()
        folders: list[str] = []
        files: list[str] = []
        try:
            status = os.stat(place)
            if (status.st_dev, status.st_ino) in seen:
                continue
            with os.scandir(place) as entries:
                for entry in entries:
                    _sort_in(entry, folders, files)
        except OSError:
            if strict or place == folder:
                raise
            continue
        seen.add((status.st_dev, status.st_ino))
        folders.sort()
        yield place, folders, sorted(files)
        for path in (place / name for name in reversed(folders)):
            (linked if path.is_symlink() else waiting).append(path)


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _whole(digits: str, number: Callable[[str], float]) -> int | float:
    if len(digits) > 19:
        return number(digits)
    value = int(digits)
    return value if -(1 << 63) <= value < 1 << 63 else float(value)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is no number")
    return value


def _has_mode(path: Path, fits: Callable[[int], bool]) -> bool:
    if is_device(str(path)):  # asking of COM1 opens it
        return False
    try:
        return fits(os.stat(path).st_mode)
    except (OSError, ValueError):  # too long, a null in it, a loop of links, no permission
        return False


def _open_regular(path: str, flags: int) -> int:
    if is_device(path):
        raise OSError(22, "not a regular file", path)
    file = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe without a writer would be waited for
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(22, "not a regular file", path)
    return file


def _sort_in(entry: os.DirEntry[str], folders: list[str], files: list[str]) -> None:
    try:
        if entry.is_dir():
            folders.append(entry.name)
        elif entry.is_file():
            files.append(entry.name)
    except OSError:  # a link that leads to itself
        return
