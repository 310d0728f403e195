"""What is remembered of jobs when Blender is closed, or gone: a small JSON file for each, in a folder of the user's.

What a job is made of may hold arrays, as objects of a scene do; those lie in a folder beside its file until the job has ended.

Several Blenders may share the folder. Each holds a lock of its own for as long as it lives, which the system takes
back however its process ends; a job that runs under a lock nobody holds was interrupted.

Who a job is, its file's name says, never its content: identities become paths that are written to and deleted.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import re
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import folders, locks
from ..errors import ReifyError
from ..files import refusal, write_text
from ..reading import read_json
from ..schema import conforming
from . import store
from .runner import Failure, Outcome, State, Task

log = logging.getLogger(__name__)

MOST = 50  # ended jobs that are remembered
EVERY_S = 5.0  # between two notes of a running job's progress
IDENTITY = re.compile("[0-9a-f]{32}")  # of jobs and of processes


@dataclass(frozen=True)
class Entry:
    """What is remembered of a job; `order` is the caller's, plain JSON that is enough to run it again."""

    id: str
    title: str
    order: Mapping[str, Any]
    owner: str
    state: str = State.QUEUED.value
    created: float = 0.0  # seconds since 1970
    stage: str = ""
    fraction: float = 0.0  # of the whole job
    outcome: Outcome | None = None
    failure: Failure | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError for what can't be a job's."""
        State(self.state)
        if not IDENTITY.fullmatch(self.id) or not IDENTITY.fullmatch(self.owner):
            raise ValueError(f"{self.id!r} of {self.owner!r} is no job")


@dataclass(frozen=True)
class Kept:
    """What a job of an earlier session was made of, in a folder of the ledger's."""

    folder: Path

    def load(self) -> Any:
        """Raises ReifyError where it is damaged."""
        try:
            return store.load(self.folder)
        except (OSError, ValueError) as error:
            raise ReifyError("What this was made of can't be read any more.", "Select the object, and convert it again.") from error


class Ledger:
    """The folder, held by this process. A folder that can't be written to costs the memory, never the job."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder and takes a lock in it; raises ReifyError where that can't be done."""
        self.folder = folder
        self.owner = uuid.uuid4().hex
        self._closed = False
        self._noted: dict[str, tuple[State, float]] = {}
        self._forgotten: set[str] = set()  # the worker may still be about to note them
        self._writing = threading.Lock()  # the worker and the window note alike
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = self._lock_file(self.owner).open("w")
            locks.take(self._lock)
        except OSError as error:
            raise ReifyError(
                f"Jobs can't be remembered in {folder}: {error.strerror}.", "Choose another folder for Blender's files."
            ) from error

    def close(self) -> None:
        """Give the lock back and note nothing more: what is queued or runs now was interrupted, for those who look later."""
        self._closed = True
        self._lock.close()
        self._lock_file(self.owner).unlink(missing_ok=True)

    def note(self, task: Task, order: Mapping[str, Any]) -> None:
        """Remember how a task stands; while it only progresses, every few seconds."""
        with self._writing:
            now = time.monotonic()
            state, last = self._noted.get(task.id, (None, 0.0))
            if self._closed or task.id in self._forgotten or (state is task.state and not task.state.ended and now - last < EVERY_S):
                return
            self._noted[task.id] = (task.state, now)
            self._write(_entry(task, order, self.owner))

    def forget(self, identifier: str) -> None:
        """Remember a job no longer."""
        with self._writing:
            self._forgotten.add(identifier)
            for path in (self._file(identifier), self.thumbnail(identifier)):
                path.unlink(missing_ok=True)
        self.drop(identifier)

    def keep(self, identifier: str, value: Any) -> None:
        """Keep what a job is made of; raises ReifyError where the system refuses."""
        folder = self.kept(identifier).folder
        try:
            folders.make_own(folder)
        except OSError as error:
            raise refusal(folder, error) from error
        store.save(value, folder)

    def keeps(self, identifier: str) -> bool:
        """True once the whole of it is kept."""
        return (self.kept(identifier).folder / "value.json").is_file()

    def kept(self, identifier: str) -> Kept:
        """What a job is made of."""
        return Kept(self.folder / identifier)

    def drop(self, identifier: str) -> None:
        """Keep what a job is made of no longer."""
        if not self._closed:
            folders.delete(self.kept(identifier).folder, self.folder)

    def thumbnail(self, identifier: str) -> Path:
        """Where the picture of a job's result lies, if it has one."""
        return self.folder / f"{identifier}.png"

    def take_over(self) -> list[Entry]:
        """The jobs of Blenders that are no more, oldest first, now ours; those that had not ended are INTERRUPTED."""
        found = []
        for entry in sorted(self._entries(), key=lambda entry: entry.created):
            if entry.owner == self.owner or self._lives(entry.owner):
                continue
            state = entry.state if State(entry.state).ended else State.INTERRUPTED.value
            found.append(replace(entry, owner=self.owner, state=state))
            self._write(found[-1])
        ended = [entry for entry in found if entry.state != State.INTERRUPTED.value]
        for entry in ended[:-MOST]:
            self.forget(entry.id)
            found.remove(entry)
        for entry in ended:
            self.drop(entry.id)
        return found

    def _entries(self) -> list[Entry]:
        entries = []
        for path in self.folder.glob("*.json"):
            try:
                stored = read_json(path)
                entries.append(conforming(Entry, {**stored, "id": path.stem}))
            except (OSError, ValueError, TypeError) as error:
                log.warning("%s is damaged and left out: %s", path, error)
        return entries

    def _write(self, entry: Entry) -> None:
        try:
            write_text(self._file(entry.id), json.dumps(dataclasses.asdict(entry)))
        except ReifyError as error:
            log.warning("%s", error)

    def _lives(self, owner: str) -> bool:
        path = self._lock_file(owner)
        try:
            with path.open("r+") as lock:
                if not locks.take(lock):
                    return True
        except FileNotFoundError:
            return False
        except OSError:
            return True
        path.unlink(missing_ok=True)
        return False

    def _file(self, identifier: str) -> Path:
        return self.folder / f"{identifier}.json"

    def _lock_file(self, owner: str) -> Path:
        return self.folder / f"{owner}.lock"


def restored(entry: Entry, task: Task) -> Task:
    """`task`, made anew from an entry's order, as far as it had come."""
    task.id, task.created, task.state, task.warnings = entry.id, entry.created, State(entry.state), entry.warnings
    task.reached = (entry.stage, entry.fraction)
    task.outcome, task.failure = entry.outcome, entry.failure
    return task


def _entry(task: Task, order: Mapping[str, Any], owner: str) -> Entry:
    stage, fraction = task.reached
    return Entry(
        id=task.id,
        title=task.title,
        order=order,
        owner=owner,
        state=task.state.value,
        created=task.created,
        stage=stage,
        fraction=fraction,
        outcome=_finite(task.outcome),
        failure=task.failure,
        warnings=task.warnings,
    )


def _finite(outcome: Outcome | None) -> Outcome | None:
    """An outcome without figures that JSON has no word for, as the infinite PSNR of equal pictures."""
    return outcome and replace(outcome, metrics={name: value for name, value in outcome.metrics.items() if math.isfinite(value)})
