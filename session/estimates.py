"""How long a job would take on this machine, told before it is started: of what its stages took here before, else of what is expected."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..scene import preferences

if TYPE_CHECKING:
    from ..backend.methods import Method

KEPT_S = 20.0  # panels ask at every redraw, and photos of a folder are counted

_planned: dict[Any, tuple[float, str]] = {}
_known: dict[Any, tuple[float, float | None]] = {}


def seconds(method: Method, settings: Any, sources: tuple[Path, ...]) -> float | None:
    """The seconds of a job with nothing in the cache; None where the method says nothing of it."""
    key, now = (method.id, settings, sources), time.monotonic()
    if key not in _known or now - _known[key][0] > KEPT_S:
        _known.clear() if len(_known) > 50 else None
        _known[key] = now, _seconds(method, settings, sources)
    return _known[key][1]


def memory(method: Method, settings: Any) -> str:
    """One sentence: how a job fits into the memory that is free; empty where the method doesn't adapt to that."""
    key, now = (method.id, settings, "memory"), time.monotonic()
    if key not in _planned or now - _planned[key][0] > KEPT_S:
        _planned.clear() if len(_planned) > 50 else None
        _planned[key] = now, method.plan(settings, preferences.environment()) if method.plan else ""
    return _planned[key][1]


def of_presets(method: Method, sources: tuple[Path, ...]) -> list[tuple[str, float]]:
    """The method's presets with their seconds, the shortest first; those without are left out."""
    found = [(name, seconds(method, method.preset(name), sources)) for name in method.presets]
    return sorted(((name, taken) for name, taken in found if taken is not None), key=lambda pair: pair[1])


def _seconds(method: Method, settings: Any, sources: tuple[Path, ...]) -> float | None:
    from ..backend import kernel_cache
    from ..backend.jobs.forecast import Forecast, Moment
    from ..backend.jobs.timings import timings_of

    if method.expect is None or method.changes_things:
        return None
    stages = method.expect(method.takes[0](sources=sources), settings)
    forecast, start = Forecast(), Moment(0.0, 0.0)
    forecast.learn(timings_of(method.id, preferences.cache().timings), kernel_cache.version())
    forecast.expect(stages)
    forecast.begin(next(iter(stages)), start)
    return forecast.look(start)[1]
