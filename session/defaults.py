"""Settings that a user has made the default for a kind of files: they come by themselves as soon as such files are the sources."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..backend import settings as settings_of
from ..backend.errors import ReifyError
from ..backend.files import write_text
from ..backend.formats import endings
from .properties import changed, group_of, read_settings, write_settings

if TYPE_CHECKING:
    import bpy

    from ..backend.methods import Method

KINDS = (
    ("videos", "Videos", endings.VIDEOS),
    ("raw", "Raw Photos", endings.RAW),
    ("drawings", "Drawings", endings.VECTORS),
    ("pictures", "Pictures", endings.PICTURES),
)
LABELS = {"folders": "Folders", **{kind: label for kind, label, _ in KINDS}}


def kind_of(paths: Iterable[Path]) -> str:
    """What the first of the files is: one of `LABELS`, or "" where no default can be for it."""
    first = next(iter(paths), None)
    if first is None:
        return ""
    return next((kind for kind, _, fitting in KINDS if endings.has(first, fitting)), "" if first.suffix else "folders")


def keep(method: Method, group: Any, kind: str) -> None:
    """Make the method's settings, as the panel has them, the default for a kind of files; raises ReifyError where they can't be used."""
    values = settings_of.values(read_settings(method, group))
    own = {option.path: values[option.path] for option in changed(method, group)}
    _write({**_stored(), f"{method.id}/{kind}": {"preset": group.preset, "values": own}})


def forget(method: Method, kind: str) -> None:
    """Let a kind of files have the panel's settings again."""
    _write({name: value for name, value in _stored().items() if name != f"{method.id}/{kind}"})


def is_kept(method: Method, kind: str) -> bool:
    """True where the method has a default for a kind of files."""
    return f"{method.id}/{kind}" in _stored()


def apply(scene: bpy.types.Scene, method: Method, paths: Iterable[Path]) -> str:
    """Show the default for the files, where there is one; returns the label of their kind then, and "" where nothing was changed."""
    kind = kind_of(paths)
    kept = _stored().get(f"{method.id}/{kind}")
    if not isinstance(kept, dict) or kept.get("preset") not in method.presets:
        return ""
    known = {option.path for option in settings_of.options(method.settings)}
    own = {path: value for path, value in kept.get("values", {}).items() if path in known}  # another version may know others
    try:
        settings = settings_of.with_values(method.preset(kept["preset"]), own)
    except ReifyError:
        return ""
    group = group_of(scene, method)
    group.preset = kept["preset"]
    write_settings(method, group, settings)
    return LABELS[kind]


def _stored() -> dict[str, Any]:
    file = _file()
    try:
        return _read(file, file.stat().st_mtime_ns)
    except (OSError, ValueError):
        return {}


@functools.lru_cache(maxsize=1)
def _read(file: Path, _written_ns: int) -> dict[str, Any]:
    """What the file holds: panels ask with every drawing."""
    found = json.loads(file.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}


def _write(stored: dict[str, Any]) -> None:
    _file().parent.mkdir(parents=True, exist_ok=True)
    write_text(_file(), json.dumps(stored, indent=1))


def _file() -> Path:
    from ..scene.preferences import user_folder

    return user_folder("defaults") / "defaults.json"
