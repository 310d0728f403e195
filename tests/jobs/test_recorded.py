"""The time left and the bar on real jobs, recorded by `tools/record_progress.py`; none of these was used to choose a constant."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from reify.backend import settings as settings_of
from reify.backend.jobs.forecast import Forecast, Moment, Timing

RECORDINGS = Path(__file__).parents[1] / "data" / "progress"
TOLERATED_S = 10.0
MOST_RISING_S = 15.0  # without a break
FIRST = ["temple"]  # on a machine with no kernels compiled and nothing timed
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
    return json.loads((RECORDINGS / f"{name}.json").read_text())


def late(rows: list[Row]) -> Iterator[tuple[Row, float]]:
    """The rows from 20 % of the job to its end, each with the seconds that were really left."""
    end = rows[-1].seconds
    return ((row, end - row.seconds) for row in rows if 0.2 * end <= row.seconds and row.overall < 1.0)


@pytest.mark.parametrize(("before", "name"), AGAIN)
def test_from_the_second_run_on_the_time_left_is_within_30_percent(before: str, name: str) -> None:
    _, timings = replay(recorded(before), {})
    rows, _ = replay(recorded(name), timings)
    for row, left in late(rows):
        assert row.left is not None and abs(row.left - left) <= max(0.3 * left, TOLERATED_S), f"{row}, but {left:.0f} s were left"


@pytest.mark.parametrize("name", FIRST)
def test_on_the_first_run_it_is_within_a_factor_of_two(name: str) -> None:
    rows, _ = replay(recorded(name), {})
    for row, left in late(rows):
        assert row.left is not None and 0.5 * left - TOLERATED_S <= row.left <= 2.0 * left + TOLERATED_S, (
            f"{row}, but {left:.0f} s were left"
        )


@pytest.mark.parametrize(("before", "name"), [("", name) for name in FIRST] + AGAIN)
def test_the_bar_of_a_real_job_never_falls_and_ends_full_and_its_time_does_not_count_up_for_long(before: str, name: str) -> None:
    timings = replay(recorded(before), {})[1] if before else {}
    rows, _ = replay(recorded(name), timings)
    overall = [row.overall for row in rows]
    assert overall == sorted(overall) and overall[-1] == 1.0 and rows[-1].left is None
    rising = longest = 0.0
    for earlier, row in zip(rows, rows[1:], strict=False):
        grows = earlier.left is not None and row.left is not None and row.left > earlier.left + 0.05
        rising = rising + row.seconds - earlier.seconds if grows else 0.0
        longest = max(longest, rising)
    assert longest < MOST_RISING_S
