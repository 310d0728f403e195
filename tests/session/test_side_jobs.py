"""Work beside the queue ends as exactly one of done, failed and canceled, and is shown alike whatever it is."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest
from reify.backend.errors import ReifyError
from reify.tests.session.conftest import until

pytestmark = pytest.mark.blender


@pytest.fixture
def side(scene):
    from reify.session import side_jobs

    yield side_jobs.SELF_TEST
    side_jobs.stop()


def done(job):
    from reify.backend.values import Result

    job.progress(0.25, "looking")
    return Result("Test", job.report)


def failed(job):
    raise ReifyError("The disk is full.", "Make room.")


def waits(job):
    while True:
        job.progress(0.5, "half way")
        time.sleep(0.01)


def test_what_is_done_calls_who_waits_for_it_once(side) -> None:
    from reify.backend.jobs.runner import State

    heard = []
    side.start("Test", done, lambda: heard.append(threading.current_thread()))
    side.wait()
    side.settle()
    assert (side.task.state, side.busy, heard) == (State.DONE, False, [threading.main_thread()])


def test_what_failed_says_why(side) -> None:
    side.start("Test", failed)
    with pytest.raises(ReifyError, match="The disk is full. Make room."):
        side.wait()
    assert side.task.failure.expected


def test_what_is_canceled_ends_at_once_and_neither_is_done_nor_fails(side) -> None:
    from reify.backend.jobs.runner import State
    from reify.session import side_jobs

    side.start("Test", waits)
    until(lambda: side.task.progress is not None)
    assert side_jobs.busy()
    side.cancel()
    side.wait()
    assert (side.task.state, side.task.result, side.task.failure) == (State.CANCELLED, None, None)
    assert not side_jobs.busy()


def _draw_status(layout) -> None:
    import bpy
    from reify.panels import status

    status.draw(SimpleNamespace(layout=layout), bpy.context)


def test_each_is_shown_with_the_same_fraction_and_time_in_the_panel_and_the_status_bar(side) -> None:
    import bpy
    from reify.backend.jobs.job import Progress
    from reify.panels.side_jobs import draw_side_job
    from reify.tests.panels.test_panels import Layout

    hold = threading.Event()
    side.start("Test", lambda job: hold.wait(10) and done(job))
    until(lambda: side.task.job is not None)
    side.task.progress = Progress("Testing", 0.9, 0.429, "looking", {}, 200.0)
    shown = []
    for draw in (lambda layout: draw_side_job(layout, bpy.context, side), _draw_status):
        drawn, texts = [], []
        draw(Layout(drawn, texts))
        assert "reify.cancel_self_test" in drawn
        shown.append(" ".join(texts))
    assert all("42%" in text and "3 min 20 s left" in text for text in shown), shown
    hold.set()


def test_its_thread_ends_with_the_extension(side) -> None:
    from reify.session import side_jobs

    before = set(threading.enumerate())
    side.start("Test", waits)
    until(lambda: side.task.progress is not None)
    side_jobs.stop()
    assert side.task is None
    assert set(threading.enumerate()) <= before
