"""What the preferences say, or their defaults where Reify runs without being enabled as an add-on, as in scripts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from ..backend.jobs.cache import Cache
    from ..backend.jobs.environment import Environment

MEASURE_EVERY_S = 30.0
ADDON = __package__.rpartition(".")[0]

_measured: list[float] = []  # when the cache's size was looked at, and what it was


def of_addon() -> Any:
    """Reify's preferences; None where it isn't enabled as an add-on."""
    entry: Any = bpy.context.preferences.addons.get(ADDON)
    return entry.preferences if entry is not None else None


def cache() -> Cache:
    """The cache as the preferences have it."""
    from ..backend.device import cache_folder
    from ..backend.jobs.cache import Cache

    found = of_addon()
    if found is None:
        return Cache(cache_folder())
    folder = Path(bpy.path.abspath(found.cache_folder)) if found.cache_folder else None
    return Cache(cache_folder(folder), found.cache_limit_gb << 30)


def environment() -> Environment:
    """What jobs are run with: the cache, whether Blender's online access is on, and the user's folder."""
    from ..backend.jobs.environment import Environment

    return Environment(cache=cache(), online=bpy.app.online_access, user_folder=user_folder(""), weights_folders=_weights_folders())


def _weights_folders() -> tuple[Path, ...]:
    from ..backend.networks.library.places import folders_named

    chosen = getattr(of_addon(), "weights_folder", "")
    return (*((Path(bpy.path.abspath(chosen)),) if chosen else ()), *folders_named())


def cache_gb() -> float:
    """About how many gigabytes the cache holds; looked at twice a minute at most, since that takes a while."""
    now = time.monotonic()
    if not _measured or now - _measured[0] > MEASURE_EVERY_S:
        _measured[:] = [now, cache().size() / 1e9]
    return _measured[1]


def forget_size() -> None:
    """Look at the cache again when it is next asked for."""
    _measured.clear()


def user_folder(name: str) -> Path:
    """The folder for what Reify keeps for the user beside results: the engine, the jobs."""
    try:
        return Path(bpy.utils.extension_path_user(ADDON, path=name))
    except ValueError:  # not loaded as an extension: scripts and tests
        return Path(bpy.utils.user_resource("DATAFILES")) / "reify" / name
