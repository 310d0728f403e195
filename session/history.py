"""The sentences that this user has generated last, the newest first: in a file of the user's own, and nowhere else."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from ..backend import private
from ..backend.files import write_text
from ..backend.reading import exists, read_json
from ..scene import preferences

log = logging.getLogger(__name__)

FOLDER, FILE = "sentences", "history.json"
MOST = 30

_read: dict[Path, tuple[str, ...]] = {}  # menus ask at every drawing


def sentences() -> tuple[str, ...]:
    """What was generated last, the newest first."""
    file = preferences.user_folder(FOLDER) / FILE
    if file not in _read:
        try:
            stored = read_json(file) if exists(file) else []
        except (OSError, ValueError):
            stored = []
        _read[file] = tuple(text for text in stored if isinstance(text, str) and text)[:MOST] if isinstance(stored, list) else ()
    return _read[file]


def remember(sentence: str) -> None:
    """Put a sentence in front; the same one stands there once."""
    text = " ".join(sentence.split())
    if text:
        _keep((text, *(other for other in sentences() if other != text))[:MOST])


def forget() -> None:
    """Delete all of them."""
    _keep(())


def _keep(kept: tuple[str, ...]) -> None:
    folder = preferences.user_folder(FOLDER)
    _read[folder / FILE] = kept
    try:
        write_text(private.folder_in(folder.parent, folder.name) / FILE, json.dumps(kept, ensure_ascii=False))
    except OSError as error:  # a full or a shared disk keeps nobody from generating
        log.warning("the sentences can't be kept: %s", error)
