"""Progress of pure functions: they report to a callable, and need no job."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float, str], None]  # fraction, 0 to 1 of the function that reports, and what it does


def silent(fraction: float, text: str) -> None:
    """For callers that show no progress."""
