"""A rule for all functions that report progress: what each says of itself never falls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from reify.backend.jobs.job import Job


@pytest.fixture(autouse=True)
def fractions_that_never_fall(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a function reports a smaller fraction than it, or a callee without a span of its own, has reported before."""
    report, span = Job.progress, Job.span
    heard: WeakKeyDictionary[Job, dict[tuple[str, int], float]] = WeakKeyDictionary()  # by stage and depth of spans

    def progress(self: Job, fraction: float, text: str = "", **figures: float) -> None:
        fractions, place = heard.setdefault(self, {}), (self._stage, len(self._spans))
        assert 0.0 <= fraction <= 1.0, f"{text!r} is at {fraction}"
        assert fraction >= fractions.get(place, 0.0), f"{text!r} falls back from {fractions[place]} to {fraction}"
        fractions[place] = fraction
        report(self, fraction, text, **figures)

    @contextmanager
    def fresh_span(self: Job, to: float, text: str = "") -> Iterator[Any]:
        fractions, stage, depth = heard.setdefault(self, {}), self._stage, len(self._spans)
        assert to >= fractions.get((stage, depth), 0.0), f"a span up to {to} begins at {fractions[stage, depth]}"
        fractions[stage, depth + 1] = 0.0
        with span(self, to, text) as value:
            yield value
        fractions[stage, depth] = to

    monkeypatch.setattr(Job, "progress", progress)
    monkeypatch.setattr(Job, "span", fresh_span)
