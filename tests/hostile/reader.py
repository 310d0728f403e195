"""What a reader under attack is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reify.backend.errors import ReifyError


@dataclass(frozen=True)
class Reader:
    """One kind of file."""

    make: Callable[[Path], Path]  # writes a sound one, with what lies around it, into a folder; the file that is changed
    read: Callable[[Path], Any]
    expected: tuple[type[Exception], ...] = (ReifyError,)  # what its callers are ready for


def written(name: str, content: str | bytes) -> Callable[[Path], Path]:
    """What writes a file of this name and content into a folder."""

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder / name

    return make
