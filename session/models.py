"""Pretrained weights as this Blender has them, and fetching, importing and checking them beside the queue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..scene import preferences
from .side_jobs import MODELS

if TYPE_CHECKING:
    from ..backend.networks.library.entry import Entry
    from ..backend.networks.library.places import Found

_seen: dict[str, Found | None] = {}  # panels ask at every redraw


def entries() -> tuple[Entry, ...]:
    """All models, in the order of the library."""
    from ..backend.networks.library.catalog import ENTRIES

    return ENTRIES


def entry(name: str) -> Entry:
    """The model with this id; raises ReifyError for an unknown one."""
    from ..backend.networks.library.catalog import entry_called

    return entry_called(name)


def found(name: str) -> Found | None:
    """Where a model's weights lie, as of the last change by us; None where they aren't there."""
    if name not in _seen:
        from ..backend.networks.library.places import find

        _seen[name] = find(entry(name), preferences.environment())
    return _seen[name]


def get(name: str, accepted: bool) -> None:
    """Begin to fetch a model's weights; `accepted` says that its license was read and agreed to."""
    from ..backend.networks.library import keeping

    _start(name, keeping.get, preferences.environment(), accepted)


def import_from(name: str, place: Path) -> None:
    """Begin to import a model's weights from a file or folder."""
    from ..backend.networks.library import keeping

    _start(name, keeping.import_from, place, preferences.environment())


def verify(name: str) -> None:
    """Begin to check a model's files."""
    from ..backend.networks.library import keeping

    _start(name, keeping.verify, preferences.environment())


def remove(name: str) -> None:
    """Delete what was fetched of a model; raises ReifyError where the system refuses."""
    from ..backend.networks.library import keeping

    keeping.remove(entry(name), preferences.environment())
    forget()


def forget() -> None:
    """Look at the disk again when it is next asked for."""
    _seen.clear()


def _start(name: str, action: Callable[..., Found], *inputs: Any) -> None:
    from ..backend.networks.library.keeping import worked

    title = entry(name).title
    MODELS.start(title, worked(title, action, entry(name), *inputs), ended=forget)
