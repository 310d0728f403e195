"""How far a job is, in the same words wherever it is shown."""

from __future__ import annotations

import io

from reify.backend.jobs.job import Progress
from reify.backend.jobs.standing import clock, percent, standing
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


def test_durations_are_written_for_people() -> None:
    assert [clock(seconds) for seconds in (0.4, 59.6, 200, 3900)] == ["0 s", "1 min 00 s", "3 min 20 s", "1 h 05 min"]
