"""The time left and the bar, on jobs that are made up to be awkward."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from reify.backend.jobs.cache import Cache
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.forecast import EVEN, Expected, Forecast, Moment, Timing
from reify.backend.jobs.job import Job, Progress
from reify.backend.jobs.timings import keep_timing, timings_of

STEP_S = 0.25


@dataclass(frozen=True)
class Made:
    """A stage as it really goes."""

    seconds: float
    fraction: Callable[[float], float] = lambda share: share  # that it reports when a share of its time has passed
    compiling: float = 0.0  # seconds of its time, at its beginning
    cached: bool = False


@dataclass(frozen=True)
class Row:
    """What is seen at one moment."""

    seconds: float
    overall: float
    left: float | None
    true_left: float


def play(
    stages: Mapping[str, Made], expected: Mapping[str, Expected], timings: Mapping[str, Timing] | None = None
) -> tuple[list[Row], dict[str, Timing]]:
    """What a forecast shows while the stages run, and the timings that it makes of them."""
    forecast = Forecast()
    forecast.learn(timings or {}, "kernels")
    forecast.expect(expected)
    rows, made, began, compiled = [], {}, 0.0, 0.0
    whole = sum(stage.seconds for stage in stages.values() if not stage.cached)

    def look(now: float, compiling: float) -> None:
        overall, left = forecast.look(Moment(now, compiling))
        rows.append(Row(now, overall, left, whole - now))

    for title, stage in stages.items():
        forecast.begin(title, Moment(began, compiled))
        for step in range(0 if stage.cached else round(stage.seconds / STEP_S) + 1):
            now = step * STEP_S
            compiling = min(now, stage.compiling)
            if stage.seconds > stage.compiling:
                forecast.reach(
                    stage.fraction((now - compiling) / (stage.seconds - stage.compiling)), Moment(began + now, compiled + compiling)
                )
            look(began + now, compiled + compiling)
        began, compiled = (began, compiled) if stage.cached else (began + stage.seconds, compiled + stage.compiling)
        timing = forecast.end(Moment(began, compiled), from_cache=stage.cached)
        if timing is not None:
            made[title] = timing
        look(began, compiled)
    return rows, made


def lying(share: float) -> float:
    """A stage whose first half of the time brings it to 90 %."""
    return 1.8 * share if share < 0.5 else 0.9 + 0.2 * (share - 0.5)


USUAL = {"Reading": Made(2.0), "Finding": Made(70.0, lying), "Training": Made(60.0), "Texturing": Made(25.0)}
GUESSED = {"Reading": Expected(1.0), "Finding": Expected(40.0), "Training": Expected(2.0, budget=57.0), "Texturing": Expected(20.0)}


def late(rows: list[Row]) -> list[Row]:
    """The rows from 20 % of the job on."""
    return [row for row in rows if row.seconds >= 0.2 * rows[-1].seconds and row.true_left > 0.0]


def test_the_bar_never_falls_and_fills_as_time_passes() -> None:
    rows, timings = play(USUAL, GUESSED)
    for rows, _ in (play(USUAL, GUESSED), play(USUAL, GUESSED, timings)):
        overall = [row.overall for row in rows]
        assert overall == sorted(overall) and overall[0] < 0.01 and overall[-1] == 1.0
    wrong = [abs(row.overall - row.seconds / rows[-1].seconds) for row in rows]
    assert max(wrong) < 0.03


def test_the_second_time_the_time_left_is_right_though_a_stage_lies_about_how_far_it_is() -> None:
    _, timings = play(USUAL, GUESSED)
    rows, _ = play(USUAL, GUESSED, timings)
    assert all(row.left is not None and abs(row.left - row.true_left) < max(0.1 * row.true_left, 3.0) for row in late(rows))


@pytest.mark.parametrize("slower", [0.4, 1.0, 3.0])
def test_the_first_time_it_is_right_within_a_factor_of_two_on_slow_and_fast_machines(slower: float) -> None:
    stages = {title: Made(stage.seconds * (1.0 if title == "Training" else slower), stage.fraction) for title, stage in USUAL.items()}
    rows, _ = play(
        stages, {title: Expected(USUAL[title].seconds if title != "Training" else 2.0, guess.budget) for title, guess in GUESSED.items()}
    )
    for row in late(rows):
        assert row.left is not None and 0.5 * row.true_left - 10.0 < row.left < 2.0 * row.true_left + 10.0, row


def test_a_stage_from_the_cache_takes_no_time_and_teaches_nothing() -> None:
    stages = {**USUAL, "Finding": Made(70.0, cached=True), "Training": Made(60.0, cached=True)}
    rows, timings = play(stages, {title: Expected(stage.seconds) for title, stage in USUAL.items()})
    assert set(timings) == {"Reading", "Texturing"}
    after = [row for row in rows if row.seconds == 2.0][-1]
    assert after.left == pytest.approx(25.0, rel=0.2)


def test_kernels_are_compiled_once_and_counted_once() -> None:
    expected = {"Cleaning": Expected(10.0, compiling=20.0), "Texturing": Expected(10.0)}
    first, timings = play({"Cleaning": Made(34.0, compiling=24.0), "Texturing": Made(10.0)}, expected)
    assert timings["Cleaning"].seconds == pytest.approx(10.0) and timings["Cleaning"].compiling == pytest.approx(24.0)
    assert first[0].left == pytest.approx(40.0, rel=0.1)
    again, _ = play({"Cleaning": Made(10.0), "Texturing": Made(10.0)}, expected, timings)
    assert again[0].left == pytest.approx(20.0, rel=0.1)
    other_version = {title: Timing(t.expected, t.seconds, t.compiling, "older", t.profile) for title, t in timings.items()}
    changed, _ = play({"Cleaning": Made(34.0, compiling=24.0), "Texturing": Made(10.0)}, expected, other_version)
    assert changed[0].left == pytest.approx(44.0, rel=0.1)


def test_it_does_not_count_up_once_the_machine_is_known_and_never_says_that_nothing_is_left_while_work_goes_on() -> None:
    stages = {"Finding": Made(60.0, lambda share: share**2), "Training": Made(60.0), "Texturing": Made(30.0, lambda share: 0.0)}
    guessed = {"Finding": Expected(25.0), "Training": Expected(1.0, budget=50.0), "Texturing": Expected(12.0)}
    _, timings = play(stages, guessed)
    for known in ({}, timings):
        rows, _ = play(stages, guessed, known)
        left = [row.left for row in rows[:-1]]
        assert all(seconds is not None and seconds >= 1.0 for seconds in left)
    assert all(after < before + 0.1 for before, after in zip(left, left[1:], strict=False))


def test_a_stage_that_goes_on_from_a_checkpoint_is_not_taken_for_a_fast_one() -> None:
    forecast = Forecast()
    forecast.expect({"Training": Expected(guess=0.0, budget=100.0)})
    forecast.begin("Training", Moment(0.0))
    forecast.resume()
    for second in range(1, 11):
        forecast.reach(0.5 + 0.01 * second, Moment(float(second)))
        _, left = forecast.look(Moment(float(second)))
    assert left == pytest.approx(40.0, rel=0.2)
    assert forecast.end(Moment(50.0)) is None


def test_where_nothing_is_expected_the_bar_is_the_fraction_of_the_stage() -> None:
    rows, _ = play({"Installing": Made(10.0)}, {})
    assert all(row.overall == pytest.approx(row.seconds / 10.0, abs=1e-6) for row in rows)


def test_a_pause_takes_no_time() -> None:
    heard: list[Progress] = []
    job = Job(listener=lambda event: heard.append(event) if isinstance(event, Progress) else None)
    job.expect({"Training": Expected(100.0)})

    def train(*, job: Job) -> None:
        job.progress(0.0)
        job.pause()
        before = job._now()
        import time

        time.sleep(0.2)
        assert job._now() == before
        job.resume()
        job.progress(0.001)

    job.stage("Training", train)
    assert heard[2].seconds_left == pytest.approx(100.0, rel=0.05)


def test_timings_survive_the_disk_and_a_damaged_file_costs_nothing_but_the_forecast(tmp_path: Path) -> None:
    file = tmp_path / "timings.json"
    assert timings_of("photos", file) == {}
    _, made = play(USUAL, GUESSED)
    for title, timing in made.items():
        keep_timing("photos", title, timing, file)
    keep_timing("mesh", "Cleaning", made["Reading"], file)
    assert timings_of("photos", file) == made
    assert list(timings_of("mesh", file)) == ["Cleaning"]
    assert [path.name for path in tmp_path.iterdir()] == ["timings.json"] and file.stat().st_size < 10_000
    whole = file.read_text()
    for damaged in ("", whole[:200], "[]", "3", '{"photos/Reading": {"seconds": "x"}}', whole.replace('"seconds": ', '"seconds": -')):
        file.write_text(damaged)
        assert timings_of("photos", file) == {}
        keep_timing("photos", "Reading", made["Reading"], file)
        assert timings_of("photos", file)["Reading"] == made["Reading"]
    stored = {"photos/Reading": {**json.loads(whole)["photos/Reading"], "profile": [[0, 0], [0.5, 0.9], [0.4, 0.95], [1, 1]]}}
    file.write_text(json.dumps(stored))
    assert timings_of("photos", file) == {}


def test_a_job_learns_from_what_it_computed_and_not_from_what_it_found_or_was_told_to_end(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def train(*, job: Job) -> int:
        job.progress(0.5)
        return 3

    def stopped(*, job: Job) -> int:
        job.keep()
        return 3

    def run() -> None:
        job = Job(Environment(cache))
        job.describe(method="photos")
        job.expect({"Training": Expected(10.0), "Kept": Expected(10.0)})
        job.stage("Training", train)
        job.stage("Kept", stopped, keepable=True)

    run()
    first = timings_of("photos", cache.timings)
    assert list(first) == ["Training"] and first["Training"].expected == Expected(10.0)
    run()
    assert timings_of("photos", cache.timings) == first
    cache.clear()
    assert timings_of("photos", cache.timings) == first


def test_a_profile_is_a_few_knots_of_what_was_reported() -> None:
    _, made = play({"Finding": Made(600.0, lying)}, {"Finding": Expected(1.0)})
    profile = made["Finding"].profile
    assert len(profile) < 6 and profile[0] == (0.0, 0.0) and profile[-1] == (1.0, 1.0)
    assert min(abs(fraction - 0.9) for fraction, _ in profile) < 0.01
    _, made = play({"Finding": Made(600.0)}, {"Finding": Expected(1.0)})
    assert made["Finding"].profile == EVEN
