"""Recorded jobs played once more: what the bar and the time left would have shown, for tests and benchmarks."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..backend import settings as settings_of
from ..backend.jobs.forecast import Forecast, Moment, Timing

RECORDINGS = Path(__file__).parents[1] / "tests" / "data" / "progress"
AGAIN = [("armadillo", "rocker"), ("snowmiku", "fox"), ("fox", "snowmiku")]  # the run before on the same machine, and the job


class Row(NamedTuple):
    """What is seen at one moment."""

    seconds: float
    overall: float
    left: float | None


def replay(recording: Mapping[str, Any], timings: Mapping[str, Timing], kernels: str = "kernels") -> tuple[list[Row], dict[str, Timing]]:
    """What the forecast shows during a recorded job on a machine with these timings, and what it learns from it."""
    method = importlib.import_module(f"reify.backend.methods.{recording['method']}")
    settings = settings_of.with_values(method.Settings(), recording["settings"])
    forecast, rows, learned = Forecast(), [], {}
    forecast.learn(timings, kernels)
    forecast.expect(method.expected(settings))
    for place, (title, reports) in enumerate(recording["stages"].items()):
        if place == 1:
            forecast.expect(method.expected(settings, **recording["size"]))
        moments = [Moment(seconds, compiling) for seconds, _, compiling in reports]
        forecast.begin(title, moments[0])
        for moment, (_, fraction, _) in zip(moments, reports, strict=True):
            forecast.reach(fraction, moment)
            rows.append(Row(moment.seconds, *forecast.look(moment)))
        timing = forecast.end(moments[-1], from_cache=title in recording["cached"])
        if timing is not None:
            learned[title] = timing
        rows.append(Row(moments[-1].seconds, *forecast.look(moments[-1])))
    return rows, learned


def recorded(name: str) -> dict[str, Any]:
    """A recording by its name."""
    found: dict[str, Any] = json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def late(rows: list[Row]) -> Iterator[tuple[Row, float]]:
    """The rows from 20 % of the job to its end, each with the seconds that were really left."""
    end = rows[-1].seconds
    return ((row, end - row.seconds) for row in rows if 0.2 * end <= row.seconds and row.overall < 1.0)
