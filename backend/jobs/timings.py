"""What stages took on this machine: a small JSON file beside the cache, that forecasts are made from."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files import write_text
from ..reading import read_json
from .forecast import Expected, Profile, Timing


def timings_of(method: str, file: Path) -> dict[str, Timing]:
    """The timings of a method by stage title; without those that can't be read, which only costs the forecast."""
    found = {}
    for key, stored in _stored(file).items():
        owner, _, title = key.partition("/")
        if owner == method and (timing := _timing(stored)) is not None:
            found[title] = timing
    return found


def keep_timing(method: str, title: str, timing: Timing, file: Path) -> None:
    """Write what a stage took, in place of what it took before; raises ReifyError where the file can't be written."""
    write_text(file, json.dumps({**_stored(file), f"{method}/{title}": dataclasses.asdict(timing)}))


def _stored(file: Path) -> Mapping[str, Any]:
    try:
        stored = read_json(file)
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}


def _timing(stored: Any) -> Timing | None:
    try:
        expected = Expected(**{name: _seconds(value) for name, value in stored["expected"].items()})
        profile: Profile = tuple((_seconds(fraction), _seconds(share)) for fraction, share in stored["profile"])
        rises = all(a[0] < b[0] and a[1] <= b[1] for a, b in zip(profile, profile[1:], strict=False))
        if not rises or profile[0] != (0.0, 0.0) or profile[-1] != (1.0, 1.0):
            return None
        return Timing(expected, _seconds(stored["seconds"]), _seconds(stored["compiling"]), str(stored["kernels"]), profile)
    except (LookupError, TypeError, ValueError, AttributeError):
        return None


def _seconds(value: Any) -> float:
    number = float(value)
    if not (math.isfinite(number) and number >= 0.0):
        raise ValueError(f"{value} is no duration")
    return number
