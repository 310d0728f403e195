"""How far a job is, in figures for people: the same in the panel, in the status bar and on the terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .. import device
from .job import Progress

COMPILES = "Makes the fast code for this processor; it is kept for all later jobs"


@dataclass(frozen=True)
class Standing:
    """What a bar shows."""

    fraction: float  # 0 to 1, of the whole job
    percent: str  # "42%"
    left: str  # "3 min 20 s"; empty while there is too little to tell from
    stage: str = ""  # title; compiling kernels is a stage of its own, whichever one waits for it
    text: str = ""  # what the stage does


def standing(progress: Progress | None, paused: bool = False) -> Standing:
    """That of a job's last report, None before the first one; what is paused has no time left to tell."""
    if progress is None:
        return Standing(0.0, percent(0.0), "")
    left = "" if paused or progress.seconds_left is None else clock(progress.seconds_left)
    stage, text = (device.COMPILING, COMPILES) if progress.compiling else (progress.stage, progress.text)
    return Standing(progress.overall, percent(progress.overall), left, stage, text)


def percent(fraction: float) -> str:
    """A fraction in whole per cent, rounded down: 100% is shown at the very end."""
    return f"{math.floor(100 * fraction + 1e-9)}%"


def about(seconds: float) -> str:
    """An estimated duration, no more exact than estimates are: "45 s", "4 min", "1 h 05 min"."""
    if seconds < 60:
        return clock(5 * math.ceil(seconds / 5)) if seconds <= 55 else "1 min"
    return clock(seconds) if seconds >= 3570 else f"{round(seconds / 60)} min"


def clock(seconds: float) -> str:
    """A duration for people: "48 s", "3 min 20 s", "1 h 05 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
