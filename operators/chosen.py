"""What the preferences say, or their defaults where Reify runs without being enabled as an add-on, as in scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..backend.device import cache_folder
from ..backend.jobs.cache import Cache

ADDON = __package__.rpartition(".")[0]


def preferences() -> Any:
    """Reify's preferences; None where it isn't enabled as an add-on."""
    entry: Any = bpy.context.preferences.addons.get(ADDON)
    return entry.preferences if entry is not None else None


def cache() -> Cache:
    """The cache as the preferences have it."""
    chosen = preferences()
    if chosen is None:
        return Cache(cache_folder())
    folder = Path(bpy.path.abspath(chosen.cache_folder)) if chosen.cache_folder else cache_folder()
    return Cache(folder, chosen.cache_limit_gb << 30)
