"""Waiting for work that can't report its progress."""

from __future__ import annotations

import threading

import pytest
from reify.backend.errors import Cancelled, ReifyError
from reify.backend.jobs.job import Event, Job, Progress
from reify.backend.jobs.meanwhile import apart, meanwhile


def test_what_the_work_returns_comes_back() -> None:
    assert meanwhile(lambda: 6 * 7, Job(), 0.5, "multiplying") == 42


def test_what_the_work_raises_is_raised_in_the_job() -> None:
    def fail() -> None:
        raise ReifyError("It didn't work.", "Try again.")

    with pytest.raises(ReifyError, match="didn't work"):
        meanwhile(fail, Job(), 0.5, "failing")


def test_a_job_that_is_canceled_does_not_wait_for_the_work() -> None:
    free, told = threading.Event(), []

    def listen(event: Event) -> None:
        assert isinstance(event, Progress)
        told.append((event.fraction, event.text))
        if len(told) == 3:
            job.cancel()

    job = Job(listener=listen)
    with pytest.raises(Cancelled):
        meanwhile(lambda: free.wait(60), job, 0.5, "waiting")
    assert not free.is_set()
    assert told == [(0.5, "waiting")] * 3
    free.set()


def test_work_that_reports_by_itself_is_left_by_a_job_that_is_canceled_and_ends_at_its_next_report() -> None:
    told, go_on, ended = [], threading.Event(), threading.Event()

    def work() -> None:
        job.progress(0.25, "first")
        job.cancel()
        go_on.wait(60)
        try:
            job.warn("Nobody should hear this.")
        finally:
            ended.set()

    job = Job(listener=told.append)
    with pytest.raises(Cancelled):
        meanwhile(work, job)
    assert not go_on.is_set()
    go_on.set()
    assert ended.wait(60)
    assert [event.text for event in told] == ["first"]


def test_a_stage_apart_is_left_where_it_reports_nothing_and_counts_as_itself() -> None:
    free = threading.Event()

    def stage(seconds: float, *, job: Job) -> bool:
        job.progress(0.5, "waiting")
        job.cancel()
        return free.wait(seconds)

    assert apart(stage).__qualname__ == stage.__qualname__  # by which its value is kept
    with pytest.raises(Cancelled):
        Job().stage("Waiting", apart(stage), 60.0)
    free.set()
