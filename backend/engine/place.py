"""The folder of a part of the engine: its name, its state, and how its packages become importable."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from .. import folders
from ..reading import read_json
from . import requirements
from .requirements import ENGINE, Part, Requirement

STAMP = "engine.json"  # written last: a folder with it was whole and worked
PARTIAL, TRASH = ".partial", ".trash"


class State(Enum):
    """What there is of a part of the engine."""

    SYSTEM = "Everything needed is there without an engine of Reify's own"
    READY = "Installed"
    OUTDATED = "Installed, but made for another version of Reify"
    UNFINISHED = "An installation was cut off"
    ABSENT = "Not installed"

    @property
    def usable(self) -> bool:
        """True where jobs can run."""
        return self in (State.SYSTEM, State.READY)


@dataclass(frozen=True)
class Place:
    """Where a part of the engine lies for this Python and system, inside the extension's user folder."""

    root: Path  # of all parts
    part: Part = ENGINE

    @property
    def folder(self) -> Path:
        """The part's own folder; another Python has another one, so leftovers never mix."""
        system = sysconfig.get_platform().replace(".", "_")
        name = f"py{sys.version_info[0]}{sys.version_info[1]}-{system}"
        return self.root / (name if self.part.name == ENGINE.name else f"{name}-{self.part.name}")

    @property
    def partial(self) -> Path:
        """Where it grows until it is verified."""
        return self.folder.with_name(self.folder.name + PARTIAL)

    @property
    def log(self) -> Path:
        """Everything that pip said, the last time."""
        return self.root / "install.log"

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """What belongs into it."""
        return requirements.read(self.part.listed)

    def has(self, name: str) -> bool:
        """True where a distribution of this name belongs into it."""
        return any(requirement.name == name for requirement in self.requirements)

    @property
    def fingerprint(self) -> str:
        """Of the pinned versions; another one means that the part is outdated."""
        return _fingerprint(self.requirements)

    def stamp(self) -> dict[str, Any]:
        """What was installed; empty where nothing whole is there."""
        try:
            return dict(read_json(self.folder / STAMP))
        except (OSError, TypeError, ValueError):
            return {}

    def state(self) -> State:
        """What there is; looks at files and imports nothing."""
        if stamp := self.stamp():
            return State.READY if stamp.get("fingerprint") in self._fitting() else State.OUTDATED
        if not requirements.missing(self.requirements):
            return State.SYSTEM
        return State.UNFINISHED if self.partial.exists() or self.folder.exists() else State.ABSENT

    def _fitting(self) -> tuple[str, ...]:
        """Fingerprints of a part that isn't outdated: its own, and that of a folder which holds another part's packages, too."""
        if self.part.formerly_with is None:
            return (self.fingerprint,)
        return self.fingerprint, _fingerprint((*requirements.read(self.part.formerly_with), *self.requirements))

    def use(self) -> bool:
        """Put the part at the end of `sys.path`; False where none is whole. An outdated one still serves."""
        if not self.stamp():
            return False
        if str(self.folder) not in sys.path:
            sys.path.append(str(self.folder))
            importlib.invalidate_caches()
        return True

    def leave(self) -> None:
        """Take it off the path; what is imported stays so until Blender is closed."""
        with contextlib.suppress(ValueError):
            sys.path.remove(str(self.folder))
        importlib.invalidate_caches()

    def size(self) -> int:
        """Bytes on the disk."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    def sweep(self) -> None:
        """Delete what was set aside because files of it were in use; Windows locks loaded libraries."""
        for old in self.root.glob(f"*{TRASH}*"):
            folders.delete(old, self.root)


def _fingerprint(pinned: Sequence[Requirement]) -> str:
    from ..jobs import store  # with numpy, which Blender's start needn't wait for

    return store.digest([requirement.pinned for requirement in pinned])


def discard(folder: Path) -> None:
    """Take a folder out of the way at once, and delete what can be deleted; `Place.sweep` gets the rest.

    Raises OSError where it can't even be renamed.
    """
    if folder.exists():
        aside = folder.with_name(f"{folder.name}{TRASH}{os.getpid()}")
        folders.delete(aside, folder.parent)
        folder.rename(aside)
        folders.mark(aside)  # pip's downloads, and engines of older versions, have none
        folders.delete(aside, folder.parent)
