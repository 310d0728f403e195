"""A job: what a method's stages run in.

A stage is a function `stage(*inputs, job)` of immutable inputs; inside it, `job.progress(…)` is called at
least every half second: there a canceled job ends and a paused one waits.
"""

from __future__ import annotations

import gc
import importlib.util
import inspect
import sys
import threading
import time
import types
import typing
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from .. import device, folders, kernel_cache, locks
from ..errors import Cancelled, ReifyError
from ..values import Report
from . import store
from .cache import check_room, is_full, lock_of
from .computing import computing
from .environment import Environment
from .forecast import Expected, Forecast, Moment
from .timings import keep_timing, timings_of

Value = TypeVar("Value")
TICK_S = 0.5  # between two reports of a stage that says nothing
WAITING = "another job computes the same; waiting for its result"


@dataclass(frozen=True)
class Progress:
    """Where a job stands."""

    stage: str
    fraction: float  # of the stage, 0 to 1
    overall: float  # of the job, 0 to 1, as a share of its time; never falls
    text: str  # "photo 12 of 50"
    figures: Mapping[str, float] = field(default_factory=dict)  # "psnr" -> 24.1
    seconds_left: float | None = None  # of the job; None while there is too little to tell from, and at its end
    can_keep: bool = False  # the stage ends early with what it has where the user wants that
    compiling: bool = False  # kernels are compiled, and the stage waits for them


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
    ) -> None:
        """Without a cache in the `environment` nothing is kept."""
        self.environment = environment or Environment()
        self.picture_sides_px: tuple[int, ...] = ()  # longer sides at which stages look at photos, so that all are made along with one
        self._report = Report(seed=seed)
        self._listener = listener
        self._forecast = Forecast()
        self._stage = ""
        self._in_stage = self._can_keep = False
        self._spans = [(0.0, 1.0)]  # of the stage: where the running function's 0 and 1 lie, the innermost last
        self._reached = 0.0  # of the stage
        self._said: tuple[str, Mapping[str, float]] = ("", {})  # text and figures of the last report
        self._told = 0.0  # when that was, on the job's clock
        self._folder: Path | None = None
        self._keeps = True  # until the cache can't be written
        self._temporary: Path | None = None
        self._threads: list[threading.Thread] = []
        self._torch: Any = None  # once a stage has run where torch was loaded
        self._lock = threading.Lock()  # a stage reports from its thread, time passes in the job's own
        self._paused_at, self._paused_s = 0.0, 0.0
        self._cancelled = threading.Event()
        self._running = threading.Event()
        self._running.set()
        self._keep = threading.Event()

    @property
    def report(self) -> Report:
        """What the job has done so far."""
        return self._report

    @property
    def seed(self) -> int:
        """Of everything random, for the method to hand to its random stages; a stage that isn't told it has none."""
        if self._in_stage:
            raise RuntimeError("a random stage takes the seed as an input: what isn't in its key must not change its value")
        return self._report.seed

    @property
    def folder(self) -> Path:
        """The running stage's own folder, kept with its value: for checkpoints, and files that the value names."""
        assert self._folder is not None, "only a running stage has a folder"
        return folders.make_own(self._folder)

    @property
    def keep_requested(self) -> bool:
        """True once the user pressed "Stop and keep": a stage that can be kept ends early with what it has."""
        return self._keep.is_set()

    @property
    def seconds(self) -> float:
        """The job's clock, which stands still while it is paused and while kernels are compiled."""
        now = self._now()
        return now.seconds - now.compiling

    def expect(self, stages: Mapping[str, Expected]) -> None:
        """Say which stages the job has in all, in their order, and how long each should take; again once its input is known better."""
        cache = self.environment.cache
        with self._lock:
            if cache is not None and not self._forecast.timings:
                self._forecast.learn(timings_of(self._report.method, cache.timings), kernel_cache.version())
            self._forecast.expect(stages)

    def stage(
        self, title: str, function: Callable[..., Value], *inputs: Any, depends: Any = None, keepable: bool = False, kept: bool = True
    ) -> Value:
        """The value of `function(*inputs, job=self)`, from the cache where the same was computed before.

        `depends` is what else the value depends on: things outside the inputs that the function looks at. With `keepable` the function
        heeds `keep_requested`. One that takes no longer than reading its value back would is run with `kept=False`, past the cache and
        without a folder of its own.

        With a cache, raises TypeError where the function isn't annotated to return what `store.save` can write. Metrics, warnings and
        choices that the stage reports are kept with the value.
        """
        if not kept:
            return self._passing(title, function, inputs, keepable)
        cache = self.environment.cache
        if cache:
            store.check_storable(_returned(function))
        started = time.perf_counter()
        self._begin(title, keepable)
        self._folder = self._stage_folder(function, (*inputs, depends))
        found = cache.load(self._folder) if cache else None
        if found is None:
            with self._alone():
                found = cache.load(self._folder) if cache else None  # another job may have had the folder
                if found is None:
                    value = self._computed(function, inputs)
        if found is not None:
            value = found["value"]
            self._note(cached=(*self._report.cached, title), **_merged(self._report, found))
        self._note(seconds={**self._report.seconds, title: time.perf_counter() - started})
        self._end(title, from_cache=found is not None)
        return value

    def progress(self, fraction: float, text: str = "", **figures: float) -> None:
        """Say how far the running function is, 0 to 1 of its own work; raises Cancelled where the user canceled, waits while paused.

        Its caller says by `span` which part of its own work that is. The stage's fraction never falls.
        """
        self._running.wait()
        self.check()
        start, end = self._spans[-1]
        self._reached = max(self._reached, start + (end - start) * min(max(fraction, 0.0), 1.0))
        self._said = (text, figures)
        self._emit()

    def tick(self) -> None:
        """Let those who watch see time pass, and raise Cancelled where the user canceled: for code that waits for what says nothing."""
        self.check()
        if self._running.is_set() and self._now().seconds - self._told > TICK_S:
            self._emit()

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

    def record_choice(self, what: str, choice: str) -> None:
        """Say in the report what was chosen automatically, and why."""
        self._note(choices={**self._report.choices, what: choice})

    def describe(self, **fields: Any) -> None:
        """Set fields of the report that the edge knows: method, settings, inputs, versions."""
        self._note(**fields)

    def cancel(self) -> None:
        """End the job at its next report of progress."""
        self._cancelled.set()
        self.resume()

    def pause(self) -> None:
        """Hold the job at its next report of progress; its clock stands still at once."""
        with self._lock:
            if self._running.is_set():
                self._paused_at = time.monotonic()
                self._running.clear()

    def resume(self) -> None:
        """Let a paused job go on."""
        with self._lock:
            if not self._running.is_set():
                self._paused_s += time.monotonic() - self._paused_at
                self._running.set()

    def keep(self) -> None:
        """Ask the running stage to end early with what it has, which it does where its progress says `can_keep`."""
        self._keep.set()
        self.resume()

    @property
    def paused(self) -> bool:
        """True while the job is held."""
        return not self._running.is_set()

    @property
    def cancelled(self) -> bool:
        """True once `cancel` was called; for code that watches a child process and can't raise."""
        return self._cancelled.is_set()

    def start(self, thread: threading.Thread) -> None:
        """Start a thread that works for the job, and may do so for a moment after the job was canceled."""
        self._threads = [other for other in self._threads if other.is_alive()] + [thread]
        thread.start()

    def settle(self) -> None:
        """Wait for threads that a canceled job has left behind, and free the tensors that it held; before another job begins."""
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        if self._torch is not None:
            gc.collect()  # modules and closures often refer to each other; it takes 0.1 s, during which nothing else runs
            if self._torch.cuda.is_initialized():
                self._torch.cuda.empty_cache()

    def _begin(self, title: str, can_keep: bool) -> None:
        with self._lock:
            self._forecast.begin(title, self._now())
        self._stage, self._can_keep, self._spans, self._reached = title, can_keep, [(0.0, 1.0)], 0.0
        self.progress(0.0)

    def _end(self, title: str, from_cache: bool) -> None:
        with self._lock:
            timing = self._forecast.end(self._now(), from_cache)
        cache = self.environment.cache
        if timing is not None and cache is not None and self._report.method and not self._keep.is_set():
            with self.keeping():
                keep_timing(self._report.method, title, timing, cache.timings)
        self._keep.clear()
        self._reached, self._can_keep, self._said = 1.0, False, ("", {})
        self._emit()

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """What is written inside only saves time later, as checkpoints do: where the system refuses, the job warns once and goes on."""
        try:
            yield
        except _refusals() as error:
            if self._keeps:
                self._keeps = False
                reason = getattr(error, "strerror", None) or getattr(error, "what", None) or str(error)
                self.warn(f"The cache can't be written ({reason.rstrip('.')}): the job goes on, and isn't kept for another time.")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the running stage's folder against other jobs, also of other processes; a cancel ends the wait for it."""
        assert self._folder is not None
        if self.environment.cache is None:  # the folder is this job's own
            yield
            return
        with locks.held(lock_of(self._folder), wait=lambda: self.progress(0.0, WAITING)):
            yield

    def _passing(self, title: str, function: Callable[..., Value], inputs: tuple[Any, ...], keepable: bool) -> Value:
        """A stage's value, computed and not kept."""
        started = time.perf_counter()
        self._begin(title, keepable)
        with computing(), self._running_stage():
            value = function(*inputs, job=self)
        self.progress(1.0)
        self._note(seconds={**self._report.seconds, title: time.perf_counter() - started})
        self._end(title, from_cache=False)
        return value

    def _computed(self, function: Callable[..., Value], inputs: tuple[Any, ...]) -> Value:
        """What the running stage's function returns, kept in its folder where there is a cache."""
        assert self._folder is not None
        if self._folder.is_dir() and any(entry.name != folders.MARKER for entry in self._folder.iterdir()):
            self._forecast.resume()
        before = self._report
        if self.environment.cache is not None and self._keeps:
            with self.keeping():
                check_room(self.folder)
        if self.environment.cache is not None and not self._keeps:
            self._folder = self._temporary_folder()
        with computing(), self._running_stage():
            try:
                value = function(*inputs, job=self)
            except (OSError, ReifyError) as error:
                if self.environment.cache is None or not self._keeps or not is_full(error):
                    raise
                with self.keeping():
                    raise
                self._folder = self._temporary_folder()  # the cache's disk filled up meanwhile: once more elsewhere
                value = function(*inputs, job=self)
        self.progress(1.0)
        if self.environment.cache is not None and self._keeps:
            with self.keeping():
                store.save({"value": value, **_news(before, self._report)}, self.folder)
        return value

    @contextmanager
    def _running_stage(self) -> Iterator[None]:
        self._in_stage = True
        try:
            yield
        finally:
            self._in_stage = False
            self._torch = sys.modules.get("torch")

    def _stage_folder(self, function: Callable[..., Any], inputs: tuple[Any, ...]) -> Path:
        if self.environment.cache:
            return self.environment.cache.stage_folder(function, inputs)
        return self._temporary_folder()

    def _temporary_folder(self) -> Path:
        if self._temporary is None:
            lasting = ExitStack()
            self._temporary = lasting.enter_context(folders.temporary(self.environment.temporary_folder))
            weakref.finalize(self, lasting.close)  # a result may name files in it for as long as the job is there
        return self._temporary / f"{len(self._report.seconds)}"

    def _emit(self) -> None:
        text, figures = self._said
        with self._lock:
            now = self._now()
            self._told = now.seconds
            if self._stage:
                self._forecast.reach(self._reached, now)
            overall, left = self._forecast.look(now)
        self._listener(Progress(self._stage, self._reached, overall, text, figures, left, self._can_keep, device.is_compiling()))

    def _now(self) -> Moment:
        now = time.monotonic() if self._running.is_set() else self._paused_at
        return Moment(now - self._paused_s, device.compiling_seconds())

    def _note(self, **changes: Any) -> None:
        self._report = replace(self._report, **changes)


def _returned(function: Callable[..., Any]) -> Any:
    """What a stage is annotated to return; raises TypeError where it isn't, or not by names that its module knows when it runs."""
    inner = inspect.unwrap(function)
    try:
        annotation = inner.__annotations__["return"]
        holder = types.SimpleNamespace(__annotations__={"return": annotation})
        return typing.get_type_hints(holder, globalns=inner.__globals__)["return"]
    except (AttributeError, KeyError, NameError) as error:
        raise TypeError(f"{inner!r} doesn't say what it returns, and a stage must: {error}") from error


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


def _refusals() -> tuple[type[Exception], ...]:
    """How the system's refusal to write is raised; by safetensors, too, where it is installed."""
    if importlib.util.find_spec("safetensors") is None:
        return OSError, ReifyError
    from safetensors import SafetensorError

    return OSError, ReifyError, SafetensorError
