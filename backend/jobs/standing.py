"""How far a job is, in figures for people: the same in the panel, in the status bar and on the terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .job import Progress


@dataclass(frozen=True)
class Standing:
    """What a bar shows."""

    fraction: float  # 0 to 1, of the whole job
    percent: str  # "42%"
    left: str  # "3 min 20 s"; empty while there is too little to tell from


def standing(progress: Progress | None, paused: bool = False) -> Standing:
    """That of a job's last report, None before the first one; what is paused has no time left to tell."""
    if progress is None:
        return Standing(0.0, percent(0.0), "")
    left = "" if paused or progress.seconds_left is None else clock(progress.seconds_left)
    return Standing(progress.overall, percent(progress.overall), left)


def percent(fraction: float) -> str:
    """A fraction in whole per cent, rounded down: 100% is shown at the very end."""
    return f"{math.floor(100 * fraction + 1e-9)}%"


def clock(seconds: float) -> str:
    """A duration for people: "48 s", "3 min 20 s", "1 h 05 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
