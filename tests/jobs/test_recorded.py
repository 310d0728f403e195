"""The time left and the bar on real jobs, recorded by `tools/record_progress.py`; none of these was used to choose a constant."""

from __future__ import annotations

import pytest
from reify.tools.replay_progress import AGAIN, late, recorded, replay

TOLERATED_S = 10.0
MOST_RISING_S = 15.0  # without a break
FIRST = ["temple"]  # on a machine with no kernels compiled and nothing timed


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
