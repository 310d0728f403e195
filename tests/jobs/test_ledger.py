"""What is remembered of jobs, and what becomes of those whose process is gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from reify.backend.errors import ReifyError
from reify.backend.jobs.job import Job
from reify.backend.jobs.ledger import Ledger, restored
from reify.backend.jobs.runner import Failure, Outcome, Runner, State, Task
from reify.backend.values import Report, Result

ORDER = {"method": "photos", "seed": 3}

CHILD = """
import sys, time
from pathlib import Path
from reify.backend.jobs.job import Job
from reify.backend.jobs.ledger import Ledger
from reify.backend.jobs.runner import Runner, Task

ledger = Ledger(Path(sys.argv[1]))

def work(job):
    job.stage("Training", train)

def train(*, job):
    for step in range(1000):
        job.progress(0.43, "step", psnr=20.0)
        time.sleep(0.01)

runner = Runner(lambda task: ledger.note(task, {"method": "photos", "seed": 3}))
for title in ("First", "Second"):
    runner.submit(Task(title, work, lambda listener: Job(listener=listener)))
print("running", flush=True)
time.sleep(60)
"""


def made(title: str = "From Photos") -> Task:
    return Task(title, lambda job: Result("fox", Report()), lambda listener: Job(listener=listener))


def test_a_process_that_is_killed_leaves_its_jobs_as_interrupted_and_a_living_one_does_not(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None and child.stdout.readline() == "running\n"
        deadline = time.monotonic() + 20
        while not any('"fraction": 0.43' in path.read_text() for path in tmp_path.glob("*.json")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        mine = Ledger(tmp_path)
        assert mine.take_over() == []
    finally:
        os.kill(child.pid, signal.SIGKILL) if os.name != "nt" else child.kill()
        child.wait()
    found = mine.take_over()
    assert [(entry.title, entry.state, entry.order) for entry in found] == [
        ("First", "interrupted", ORDER),
        ("Second", "interrupted", ORDER),
    ]
    assert (found[0].stage, found[0].fraction) == ("Training", 0.43)
    assert Ledger(tmp_path).take_over() == [], "two Blenders offer the same job"


def test_ended_jobs_come_back_with_all_that_was_known_of_them(tmp_path: Path) -> None:
    first = Ledger(tmp_path)
    done, failed = made(), made()
    done.state, done.outcome, done.warnings = (
        State.DONE,
        Outcome("fox", 61.5, {"psnr": 27.3}, "a.blend"),
        ("One photo was left out.",),
    )
    failed.state, failed.failure = State.FAILED, Failure("The wall is white.", "Photograph something else.", "Traceback")
    failed.created = done.created + 1
    for task in (done, failed):
        first.note(task, ORDER)
    first.close()
    again = [restored(entry, made(entry.title)) for entry in Ledger(tmp_path).take_over()]
    for before, after in zip((done, failed), again, strict=True):
        assert (after.id, after.state, after.outcome, after.failure, after.warnings) == (
            before.id,
            before.state,
            before.outcome,
            before.failure,
            before.warnings,
        )


def test_only_the_newest_ended_jobs_are_kept_and_forgotten_ones_leave_no_file(tmp_path: Path, monkeypatch) -> None:
    from reify.backend.jobs import ledger

    monkeypatch.setattr(ledger, "MOST", 2)
    first = Ledger(tmp_path)
    for number in range(4):
        task = made(f"Job {number}")
        task.state, task.created = State.CANCELLED, float(number)
        first.note(task, ORDER)
        first.thumbnail(task.id).touch()
    first.close()
    second = Ledger(tmp_path)
    kept = second.take_over()
    assert [entry.title for entry in kept] == ["Job 2", "Job 3"]
    for entry in kept:
        second.forget(entry.id)
    second.close()
    assert not list(tmp_path.iterdir())


DAMAGES = {
    "state": ("exploded", 3, None),
    "owner": ("../photos", "", 7),
    "created": ("yesterday", [], float("nan")),
    "fraction": ({}, "half", True),
    "order": ([], "photos", None),
    "outcome": ({"name": "fox"}, [1], {"name": "fox", "seconds": "long", "metrics": {}}),
    "failure": ("broken", {"what": 1, "fix": "", "details": ""}),
    "warnings": ("text", [1], {"a": 1}),
    "unknown": (1,),
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in DAMAGES.items() for value in values])
def test_a_damaged_note_is_left_out_and_hides_no_other(tmp_path: Path, field: str, value: object) -> None:
    first, whole, damaged = Ledger(tmp_path), made("Whole"), made("Damaged")
    for task in (whole, damaged):
        task.state, task.outcome = State.DONE, Outcome("fox", 61.5, {"psnr": 27.3, "ssim": float("inf")})
        first.note(task, ORDER)
    first.close()
    path = tmp_path / f"{damaged.id}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    assert [(entry.title, entry.outcome) for entry in Ledger(tmp_path).take_over()] == [("Whole", Outcome("fox", 61.5, {"psnr": 27.3}))]


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null", "[" * 100_000, "\x00", '{"title": "T"}'])
def test_what_is_no_note_at_all_is_left_out(tmp_path: Path, text: str) -> None:
    (tmp_path / f"{7:032x}.json").write_text(text)
    assert Ledger(tmp_path).take_over() == []


def test_a_job_is_known_by_its_file_whatever_that_says(tmp_path: Path) -> None:
    first, task = Ledger(tmp_path), made()
    task.state = State.CANCELLED
    first.note(task, ORDER)
    first.close()
    path = tmp_path / f"{task.id}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "id": "../photos"}))
    assert [entry.id for entry in Ledger(tmp_path).take_over()] == [task.id]


def test_a_folder_that_cannot_be_made_is_said_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ReifyError, match="can't be remembered.*Choose another folder"):
        Ledger(tmp_path / "file")


def test_an_ended_job_can_be_tried_again_and_waiting_ones_change_places() -> None:
    runs: list[str] = []
    hold = made("hold")

    def waits(job: Job) -> Result:
        while not job.keep_requested:
            job.progress(0.5)
            time.sleep(0.005)
        runs.append("hold")
        return Result("hold", Report())

    hold.work = waits
    runner = Runner()
    runner.submit(hold)
    others = [made(name) for name in "abc"]
    for task in others:
        task.work = lambda job, task=task: runs.append(task.title) or Result(task.title, Report(metrics={"psnr": 20.0}))
        runner.submit(task)
    _until(lambda: hold.state is State.RUNNING)
    runner.move(others[2], -1)
    runner.move(others[0], -1)  # the first stays the first
    hold.job.keep()
    _until(lambda: all(task.state is State.DONE for task in others))
    assert runs == ["hold", "a", "c", "b"]
    assert others[0].outcome is not None and others[0].outcome.metrics == {"psnr": 20.0}
    runner.retry(others[0])
    _until(lambda: runs[-1] == "a" and others[0].state is State.DONE)
    runner.stop()


def test_the_curve_of_a_figure_stays_short_and_keeps_its_ends() -> None:
    from reify.backend.jobs.runner import CURVE_POINTS

    task = made()

    def train(*, job: Job) -> None:
        for step in range(5 * CURVE_POINTS):
            job.progress(0.5, loss=1.0 / (step + 1), psnr=float(step))

    task.work = lambda job: job.stage("Training", train) or Result("fox", Report())
    runner = Runner()
    runner.submit(task)
    _until(lambda: task.state.ended)
    assert task.curve.name == "psnr" and len(task.curve.values) <= CURVE_POINTS
    assert task.curve.values[0] == 0.0 and task.curve.values[-1] > 4.9 * CURVE_POINTS
    runner.stop()


def _until(condition, timeout_s: float = 10) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
