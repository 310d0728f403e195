"""The training loop, around something that counts its calls."""

from __future__ import annotations

import pytest
from reify.backend.errors import Cancelled
from reify.backend.jobs.job import Job, Preview, Progress
from reify.backend.rendering import loop


class Counting:
    def __init__(self):
        self.clock, self.calls = loop.Clock(), []

    def step(self, fraction):
        self.clock.steps += 1
        self.calls.append(("step", fraction))
        return {"loss": 1.0 / self.clock.steps}

    def preview(self):
        return self.clock.steps

    def mend(self):
        self.calls.append("mend")

    def save(self):
        self.calls.append("save")


def _run(training, budget, job):
    job.stage("Training", lambda job: loop.run(training, budget, job=job))


def test_steps_are_taken_until_they_are_used_up_and_progress_leads_to_the_end(monkeypatch):
    monkeypatch.setattr(loop, "REPORT_SECONDS", 0.0)
    events, training = [], Counting()
    _run(training, loop.Budget(20), Job(listener=events.append))
    fractions = [call[1] for call in training.calls]
    assert fractions == pytest.approx([i / 20 for i in range(20)])
    reported = [event for event in events if isinstance(event, Progress) and event.figures]
    assert [event.text for event in reported] == [f"step {i}" for i in range(1, 21)]
    assert [event.fraction for event in reported] == pytest.approx(fractions)
    assert reported[-1].figures["loss"] == pytest.approx(1 / 20)


def test_the_time_ends_a_training_whose_steps_are_not_used_up():
    training = Counting()
    _run(training, loop.Budget(10**9, seconds=0.2), Job())
    assert 0.2 <= training.clock.seconds < 0.5 and training.clock.steps > 1


def test_a_pause_is_not_training_time(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(loop.time, "monotonic", lambda: now[0])
    training = Counting()
    step = training.step

    def slow(fraction):
        now[0] += 1000.0 if training.clock.steps == 3 else 1.0
        return step(fraction)

    training.step = slow
    loop.run(training, loop.Budget(10**9, seconds=20.0), job=_Quiet())
    assert training.clock.steps == 16 and training.clock.seconds == 20.0


class _Quiet:
    keep_requested = False

    def progress(self, *arguments, **figures):
        pass

    preview = progress


def test_asking_to_keep_ends_early_without_an_error():
    training, job = Counting(), Job()
    job.keep()
    _run(training, loop.Budget(20), job)
    assert training.calls == []


def test_checkpoints_are_mended_first_and_a_canceled_training_leaves_one(monkeypatch):
    monkeypatch.setattr(loop, "REPORT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    training = Counting()

    def cancel_at_five(event):
        if isinstance(event, Progress) and event.text == "step 5":
            job.cancel()

    job = Job(listener=cancel_at_five)
    with pytest.raises(Cancelled):
        _run(training, loop.Budget(20), job)
    names = [call if isinstance(call, str) else "step" for call in training.calls]
    assert names == ["step", "mend", "save"] * 5 + ["step", "save"]


def test_previews_are_shown(monkeypatch):
    monkeypatch.setattr(loop, "PREVIEW_SECONDS", 0.0)
    shown = []
    _run(Counting(), loop.Budget(5), Job(listener=lambda event: shown.append(event.value) if isinstance(event, Preview) else None))
    assert shown == [1, 2, 3, 4, 5]


def test_a_budget_goes_on_where_its_clock_stands():
    training = Counting()
    training.clock.steps = 15
    _run(training, loop.Budget(20), Job())
    assert training.clock.steps == 20 and training.calls[0] == ("step", 0.75)


def test_expected_steps_follow_from_what_a_part_of_the_time_was_enough_for():
    timed = loop.Budget(10_000, seconds=100.0)
    assert timed.expected_steps(0.0, 0, 40) == 4000
    assert timed.expected_steps(0.5, 1200, 40) == 2400
    assert timed.expected_steps(0.5, 9000, 40) == 10_000
    assert loop.Budget(300).expected_steps(0.5, 150, 40) == 300
