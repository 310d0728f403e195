"""Progress of pure functions: they report to a callable, and need no job."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float, str], None]  # fraction, 0 to 1 of the function that reports, and what it does


def silent(fraction: float, text: str) -> None:
    """For callers that show no progress."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """A callee's progress: its 0 to 1 is the caller's `start` to `end`."""
    return lambda fraction, text: progress(start + (end - start) * fraction, text)
