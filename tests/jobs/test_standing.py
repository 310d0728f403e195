"""How far a job is, in the same words wherever it is shown."""

from __future__ import annotations

import io

from reify.backend import device
from reify.backend.jobs.job import Progress
from reify.backend.jobs.standing import about, clock, percent, standing
from reify.backend.jobs.terminal import ProgressLine


def test_a_hundred_per_cent_is_shown_at_the_very_end() -> None:
    assert [percent(fraction) for fraction in (0.0, 0.07, 0.29, 0.996, 1.0)] == ["0%", "7%", "29%", "99%", "100%"]


def test_the_time_left_is_told_where_it_is_known_and_the_job_is_not_paused() -> None:
    progress = Progress("Training splats", 0.5, 0.42, "step 1", {}, 200.0)
    assert standing(progress).left == "3 min 20 s"
    assert standing(progress, paused=True).left == ""
    assert standing(None).fraction == 0.0 and standing(None).left == ""


def test_the_terminal_shows_fraction_and_time_as_the_panel_does() -> None:
    stream = io.StringIO()
    progress = Progress("Training splats", 0.5, 0.429, "step 1", {"psnr": 20.0}, 200.0)
    ProgressLine(stream).show(progress)
    stands = standing(progress)
    assert stands.percent in stream.getvalue() and f"{stands.left} left" in stream.getvalue()


def test_compiling_is_a_stage_of_its_own_wherever_progress_is_shown() -> None:
    stream = io.StringIO()
    progress = Progress("Training splats", 0.1, 0.2, "step 1", compiling=True)
    ProgressLine(stream).show(progress)
    assert standing(progress).stage == device.COMPILING and "later jobs" in standing(progress).text
    assert device.COMPILING in stream.getvalue() and "step 1" not in stream.getvalue()
    assert standing(Progress("Training splats", 0.1, 0.2, "step 1")).stage == "Training splats"


def test_estimates_are_no_more_exact_than_they_can_be() -> None:
    told = [about(seconds) for seconds in (41, 57, 131, 3540, 3605, 7260)]
    assert told == ["45 s", "1 min", "2 min", "59 min", "1 h 00 min", "2 h 01 min"]


def test_durations_are_written_for_people() -> None:
    assert [clock(seconds) for seconds in (0.4, 59.6, 200, 3900)] == ["0 s", "1 min 00 s", "3 min 20 s", "1 h 05 min"]
