"""A job: what a method's stages run in.

A stage is a function `stage(*inputs, job)` of immutable inputs; inside it, `job.progress(…)` is called at
least every half second: there a canceled job ends and a paused one waits.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from ..errors import Cancelled
from ..values import Report
from . import store
from .environment import Environment

Value = TypeVar("Value")


@dataclass(frozen=True)
class Progress:
    """Where a job stands."""

    stage: str
    fraction: float  # of the stage, 0 to 1
    overall: float  # of the job, 0 to 1
    text: str  # "photo 12 of 50"
    figures: Mapping[str, float] = field(default_factory=dict)  # "psnr" -> 24.1
    seconds_left: float | None = None  # None while there is too little to tell from


@dataclass(frozen=True)
class Preview:
    """A value on its way to the result: Splats, Points or a picture [H,W,3] uint8."""

    value: Any


@dataclass(frozen=True)
class Warn:
    """Something the user should know, which doesn't stop the job."""

    text: str


Event = Progress | Preview | Warn


class Job:
    """Runs stages one after another, for one worker thread; `cancel`, `pause` and `keep` may come from any thread."""

    def __init__(
        self,
        environment: Environment | None = None,
        listener: Callable[[Event], None] = lambda event: None,
        seed: int = 0,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        """`weights` are the stages' expected shares of the time, for the overall fraction; without a cache nothing is kept."""
        self.seed = seed
        self.environment = environment or Environment()
        self._report = Report(seed=seed)
        self._listener = listener
        self._weights = dict(weights or {})
        self._done_weight = 0.0
        self._stage = ""
        self._spans = [(0.0, 1.0)]  # of the stage: where the running function's 0 and 1 lie, the innermost last
        self._reached = 0.0  # of the stage
        self._folder: Path | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._history: deque[tuple[float, float]] = deque(maxlen=200)
        self._cancelled = threading.Event()
        self._running = threading.Event()
        self._running.set()
        self._keep = threading.Event()

    @property
    def report(self) -> Report:
        """What the job has done so far."""
        return self._report

    @property
    def folder(self) -> Path:
        """The running stage's own folder, kept with its value: for checkpoints, and files that the value names."""
        assert self._folder is not None, "only a running stage has a folder"
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    @property
    def keep_requested(self) -> bool:
        """True once the user pressed "Stop and keep": training ends early with what it has."""
        return self._keep.is_set()

    def stage(self, title: str, function: Callable[..., Value], *inputs: Any, depends: Any = None) -> Value:
        """The value of `function(*inputs, job=self)`, from the cache where the same was computed before.

        `depends` is what else the value depends on: things outside the inputs that the function looks at.

        The value must be one that `store.save` can write. Metrics, warnings and choices that the stage
        reports are kept with it.
        """
        self._begin(title)
        self._folder = self._stage_folder(function, (*inputs, depends))
        started = time.perf_counter()
        kept = self.environment.cache.load(self._folder) if self.environment.cache else None
        if kept is None:
            before = self._report
            value = function(*inputs, job=self)
            self.progress(1.0)
            if self.environment.cache:
                store.save({"value": value, **_news(before, self._report)}, self._folder)
        else:
            value = kept["value"]
            self._note(cached=(*self._report.cached, title), **_merged(self._report, kept))
        self._note(seconds={**self._report.seconds, title: time.perf_counter() - started})
        self._done_weight += self._weights.get(title, 0.0)
        self._emit(0.0 if self._weights else 1.0, "")
        return value

    def progress(self, fraction: float, text: str = "", **figures: float) -> None:
        """Say how far the running function is, 0 to 1 of its own work; raises Cancelled where the user canceled, waits while paused.

        Its caller says by `span` which part of its own work that is. The stage's fraction never falls.
        """
        if not self._running.is_set():
            self._running.wait()
            self._history.clear()
        self.check()
        start, end = self._spans[-1]
        self._reached = max(self._reached, start + (end - start) * min(max(fraction, 0.0), 1.0))
        self._emit(self._reached, text, figures)

    @contextmanager
    def span(self, to: float, text: str = "") -> Iterator[None]:
        """What is reported inside as 0 to 1 leads from where the calling function stands to its own fraction `to`.

        with job.span(0.3, "reading"):
            photos = read(paths, job=job)  # reports 0 to 1 of itself
        with job.span(1.0):
            return fused(photos, job=job)
        """
        start, end = self._spans[-1]
        target = max(start + (end - start) * to, self._reached)
        self._spans.append((self._reached, target))
        try:
            self.progress(0.0, text)
            yield
            self._reached = target
        finally:
            self._spans.pop()

    def check(self) -> None:
        """Raise Cancelled where the user canceled; for code that waits, as `progress` has it checked."""
        if self._cancelled.is_set():
            raise Cancelled

    def preview(self, value: Any) -> None:
        """Show an intermediate value: Splats, Points or a picture [H,W,3] uint8."""
        self.check()
        self._listener(Preview(value))

    def warn(self, text: str) -> None:
        """Tell the user something that doesn't stop the job; it also stands in the report."""
        self.check()
        self._note(warnings=(*self._report.warnings, text))
        self._listener(Warn(text))

    def metric(self, name: str, value: float) -> None:
        """Put a figure into the report."""
        self._note(metrics={**self._report.metrics, name: float(value)})

    def choose(self, what: str, chosen: str) -> None:
        """Say in the report what was chosen automatically, and why."""
        self._note(choices={**self._report.choices, what: chosen})

    def describe(self, **fields: Any) -> None:
        """Set fields of the report that the edge knows: method, settings, inputs, versions."""
        self._note(**fields)

    def cancel(self) -> None:
        """End the job at its next report of progress."""
        self._cancelled.set()
        self._running.set()

    def pause(self) -> None:
        """Hold the job at its next report of progress."""
        self._running.clear()

    def resume(self) -> None:
        """Let a paused job go on."""
        self._running.set()

    def keep(self) -> None:
        """Ask the running stage to end early with what it has; only training does."""
        self._keep.set()
        self._running.set()

    @property
    def paused(self) -> bool:
        """True while the job is held."""
        return not self._running.is_set()

    @property
    def cancelled(self) -> bool:
        """True once `cancel` was called; for code that watches a child process and can't raise."""
        return self._cancelled.is_set()

    def _begin(self, title: str) -> None:
        self._stage, self._spans, self._reached = title, [(0.0, 1.0)], 0.0
        self.progress(0.0)

    def _stage_folder(self, function: Callable[..., Any], inputs: tuple[Any, ...]) -> Path:
        if self.environment.cache:
            return self.environment.cache.stage_folder(function, inputs, self.seed)
        if self._temporary is None:
            place = self.environment.temporary_folder
            self._temporary = tempfile.TemporaryDirectory(prefix="reify-", dir=place, ignore_cleanup_errors=True)
        return Path(self._temporary.name) / f"{len(self._report.seconds)}"

    def _emit(self, fraction: float, text: str, figures: Mapping[str, float] | None = None) -> None:
        weight = self._weights.get(self._stage, 0.0)
        total = sum(self._weights.values()) or 1.0
        overall = (self._done_weight + fraction * weight) / total if self._weights else fraction
        now = time.monotonic()
        self._history.append((now, overall))
        self._listener(Progress(self._stage, fraction, min(overall, 1.0), text, dict(figures or {}), self._seconds_left(now, overall)))

    def _seconds_left(self, now: float, overall: float) -> float | None:
        then, before = self._history[0]
        if now - then < 2.0 or overall - before < 1e-3:
            return None
        return (1.0 - overall) * (now - then) / (overall - before)

    def _note(self, **changes: Any) -> None:
        self._report = replace(self._report, **changes)


def _news(before: Report, after: Report) -> dict[str, Any]:
    return {
        "metrics": {k: v for k, v in after.metrics.items() if before.metrics.get(k) != v},
        "choices": {k: v for k, v in after.choices.items() if before.choices.get(k) != v},
        "warnings": after.warnings[len(before.warnings) :],
    }


def _merged(report: Report, kept: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "metrics": {**report.metrics, **kept["metrics"]},
        "choices": {**report.choices, **kept["choices"]},
        "warnings": (*report.warnings, *kept["warnings"]),
    }
