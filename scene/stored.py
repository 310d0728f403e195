"""Properties of datablocks as they are read: of the wanted kind and finite, or absent. Scripts and other versions write what they like."""

from __future__ import annotations

import math
from typing import Any

MOST = 2**31 - 1


def number(owner: Any, key: str, default: float, low: float = 0, high: float = MOST) -> float:
    """A number that a datablock holds under `key`, within `low` and `high`; `default` where it holds none or something else."""
    found = owner.get(key) if owner is not None else None
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return default
    return min(max(found, low), high)


def whole(owner: Any, key: str, default: int, low: int = 0, high: int = MOST) -> int:
    """A whole number, likewise."""
    return int(number(owner, key, default, low, high))


def numbers(owner: Any, key: str, count: int) -> tuple[float, ...] | None:
    """So many finite numbers that a datablock holds under `key`; None where it holds none or something else."""
    try:
        found = tuple(float(value) for value in owner.get(key))
    except (TypeError, ValueError, OverflowError):
        return None
    return found if len(found) == count and all(map(math.isfinite, found)) else None


def text(owner: Any, key: str) -> str:
    """A text that a datablock holds under `key`; "" where it holds none or something else."""
    found = owner.get(key) if owner is not None else None
    return found if isinstance(found, str) else ""
