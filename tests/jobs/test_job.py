"""Jobs: stages, cache, cancel, pause, and the queue."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reify.backend import device, folders
from reify.backend.errors import Cancelled, ReifyError
from reify.backend.jobs import store
from reify.backend.jobs.cache import Cache
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.forecast import Expected
from reify.backend.jobs.job import Job, Preview, Progress
from reify.backend.jobs.runner import Runner, State, Task
from reify.backend.values import Capture, Photo, Points, Report, Result

calls: list[int] = []


def double(points: Points, *, job: Job) -> Points:
    calls.append(len(points))
    job.metric("points", len(points))
    job.warn("they were doubled")
    job.record_choice("how", "by two")
    return replace(points, xyz=points.xyz * 2)


def scatter(points: Points, seed: int, *, job: Job) -> Points:
    calls.append(10 + seed)
    return replace(points, xyz=points.xyz + np.random.default_rng(seed).normal(size=(len(points), 3)).astype(np.float32))


@pytest.fixture
def points() -> Points:
    calls.clear()
    return Points(np.arange(6, dtype=np.float32).reshape(2, 3))


def wait_until(condition, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it didn't happen in time"
        time.sleep(0.005)


def test_a_stage_that_was_done_before_is_taken_from_the_cache_with_all_it_said(tmp_path: Path, points: Points) -> None:
    first, second = Job(Environment(Cache(tmp_path))), Job(Environment(Cache(tmp_path)))
    value = first.stage("Doubling", double, points)
    again = second.stage("Doubling", double, points)
    assert calls == [2]
    np.testing.assert_array_equal(value.xyz, again.xyz)
    assert second.report.cached == ("Doubling",)
    for job in (first, second):
        assert job.report.metrics == {"points": 2.0}
        assert job.report.warnings == ("they were doubled",)
        assert job.report.choices == {"how": "by two"}


def test_other_input_and_surroundings_are_computed_anew_and_with_another_seed_only_what_takes_it(tmp_path: Path, points: Points) -> None:
    Job(Environment(Cache(tmp_path))).stage("Doubling", double, points)
    Job(Environment(Cache(tmp_path))).stage("Doubling", double, replace(points, xyz=points.xyz + 1))
    Job(Environment(Cache(tmp_path))).stage("Doubling", double, points, depends="a mask beside them")
    assert calls == [2, 2, 2]
    Job(Environment(Cache(tmp_path)), seed=1).stage("Doubling", double, points)
    assert calls == [2, 2, 2]
    for seed in (0, 1, 1):
        job = Job(Environment(Cache(tmp_path)), seed=seed)
        job.stage("Scattering", scatter, points, job.seed)
    assert calls == [2, 2, 2, 10, 11]


def test_a_stage_that_takes_the_seed_from_the_job_is_told_to_take_it_as_an_input() -> None:
    def stage(*, job: Job) -> float:
        return float(np.random.default_rng(job.seed).random())

    job = Job(seed=3)
    with pytest.raises(RuntimeError, match="takes the seed as an input"):
        job.stage("Scattering", stage)
    assert job.seed == 3


def test_a_damaged_stage_is_computed_anew(tmp_path: Path, points: Points) -> None:
    Job(Environment(Cache(tmp_path))).stage("Doubling", double, points)
    arrays = next(tmp_path.rglob("arrays.safetensors"))
    arrays.write_bytes(arrays.read_bytes()[:20])
    Job(Environment(Cache(tmp_path))).stage("Doubling", double, points)
    assert calls == [2, 2]


def test_a_stage_killed_before_its_end_leaves_its_checkpoint_but_no_value(tmp_path: Path) -> None:
    def stage(*, job: Job) -> Points:
        (job.folder / "checkpoint").write_text("half way")
        raise Cancelled

    job = Job(Environment(Cache(tmp_path)))
    with pytest.raises(Cancelled):
        job.stage("Working", stage)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [folders.MARKER, "checkpoint"]


def test_the_cache_drops_what_was_used_longest_ago(tmp_path: Path, points: Points) -> None:
    cache = Cache(tmp_path)
    Job(Environment(cache)).stage("Doubling", double, points)
    time.sleep(0.02)
    Job(Environment(cache)).stage("Doubling", double, replace(points, xyz=points.xyz + 1))
    cache.limit_bytes = cache.size() - 1
    cache.prune()
    Job(Environment(cache)).stage("Doubling", double, replace(points, xyz=points.xyz + 1))
    assert len(calls) == 2
    Job(Environment(cache)).stage("Doubling", double, points)
    assert len(calls) == 3


def test_values_survive_the_disk_whole(tmp_path: Path) -> None:
    photo = Photo(Path("a/ü 🦊.jpg"), "ü 🦊.jpg", 4, 3, focal_px=2.5)
    capture = Capture("fox", (photo,), points=Points(np.zeros((0, 3), np.float32)), test=(0,), unregistered={"b": "blurred"})
    store.save(capture, tmp_path)
    back = store.load(tmp_path)
    assert back.photos == capture.photos and back.test == (0,) and back.unregistered == {"b": "blurred"}
    assert back.points.xyz.shape == (0, 3) and back.cameras is None


def test_a_digest_follows_the_content_not_the_place(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    for folder in (tmp_path, tmp_path / "x"):
        (folder / "photo.jpg").write_bytes(b"same")
    assert store.digest(tmp_path / "photo.jpg") == store.digest(tmp_path / "x" / "photo.jpg")
    (tmp_path / "photo.jpg").write_bytes(b"other")
    assert store.digest(tmp_path / "photo.jpg") != store.digest(tmp_path / "x" / "photo.jpg")
    assert store.digest(np.zeros(4)) != store.digest(np.zeros((2, 2)))


def test_overall_progress_is_the_share_of_time_that_has_passed_and_ends_at_all_of_it(points: Points) -> None:
    heard: list[Progress] = []
    job = Job(listener=lambda event: heard.append(event) if isinstance(event, Progress) else None)
    job.expect({"Doubling": Expected(0.1), "Again": Expected(1000.0)})
    job.stage("Doubling", double, points)
    assert heard[-1].overall < 0.01 and heard[-1].seconds_left == pytest.approx(1000.0, rel=0.1)
    job.stage("Again", double, points)
    assert heard[-1].overall == 1.0 and heard[-1].seconds_left is None
    overall = [progress.overall for progress in heard]
    assert overall == sorted(overall)


def run_task(runner: Runner, work) -> Task:
    return runner.submit(Task("Test", work, lambda listener: Job(listener=listener)))


def endless(job: Job) -> Result:
    job.preview("a picture")
    while True:
        job.progress(0.1, "working", psnr=20.0)
        time.sleep(0.002)


def test_a_running_task_is_canceled_within_half_a_second() -> None:
    runner = Runner()
    task = run_task(runner, endless)
    wait_until(lambda: task.progress is not None)
    started = time.monotonic()
    task.cancel()
    wait_until(lambda: task.state.ended)
    assert task.state is State.CANCELLED and time.monotonic() - started < 0.5
    assert task.preview == "a picture" and task.preview_count == 1
    runner.stop()


def test_a_paused_task_stands_still_and_goes_on() -> None:
    counted = [0]

    def work(job: Job) -> Result:
        while True:
            job.progress(0.0)
            counted[0] += 1
            time.sleep(0.001)

    runner = Runner()
    task = run_task(runner, work)
    wait_until(lambda: counted[0] > 3)
    task.job.pause()
    time.sleep(0.05)
    held = counted[0]
    time.sleep(0.1)
    assert counted[0] == held
    task.job.resume()
    wait_until(lambda: counted[0] > held)
    runner.stop()
    assert task.state is State.CANCELLED


def test_a_failure_keeps_its_sentence_its_way_out_and_its_traceback_and_the_queue_goes_on() -> None:
    def fail(job: Job) -> Result:
        raise ReifyError("There are no photos.", "Choose another folder.")

    def explode(job: Job) -> Result:
        raise KeyError("surprise")

    runner = Runner()
    failed, exploded = run_task(runner, fail), run_task(runner, explode)
    done = run_task(runner, lambda job: Result("x", Report()))
    wait_until(lambda: done.state.ended)
    assert failed.failure.what == "There are no photos." and failed.failure.fix and failed.failure.expected
    assert not exploded.failure.expected and "surprise" in exploded.failure.details
    assert done.state is State.DONE and done.result.name == "x"
    runner.stop()


def test_a_queued_task_that_is_canceled_never_runs() -> None:
    ran = threading.Event()
    runner = Runner()
    first = run_task(runner, endless)
    second = run_task(runner, lambda job: ran.set())
    second.cancel()
    first.cancel()
    wait_until(lambda: first.state.ended)
    runner.stop()
    assert second.state is State.CANCELLED and not ran.is_set()


def test_where_results_are_handed_over_nothing_begins_before_the_last_one_is_taken_or_while_the_runner_is_held() -> None:
    runner = Runner(hands_over=True)
    with runner.held():
        first, second, third = (run_task(runner, lambda job: Result("x", Report())) for _ in range(3))
        time.sleep(0.05)
        assert first.state is State.QUEUED
    wait_until(lambda: first.state is State.DONE)
    time.sleep(0.05)
    assert second.state is State.QUEUED
    runner.taken(first)
    wait_until(lambda: second.state is State.DONE)
    runner.forget(second)
    wait_until(lambda: third.state is State.DONE)
    runner.stop()


def test_stopping_the_runner_ends_its_thread_and_it_can_start_again() -> None:
    runner = Runner()
    run_task(runner, endless)
    runner.stop()
    assert not [t for t in threading.enumerate() if t.name == "reify-worker"]
    task = run_task(runner, lambda job: Result("x", Report()))
    wait_until(lambda: task.state is State.DONE)
    runner.stop()


def test_previews_reach_the_listener() -> None:
    heard: list[object] = []
    Job(listener=heard.append).preview(3)
    assert heard == [Preview(3)]


def test_a_function_reports_of_itself_and_its_caller_says_which_part_that_is() -> None:
    seen: list[float] = []
    job = Job(listener=lambda event: seen.append(event.fraction) if isinstance(event, Progress) else None)

    def inner(*, job: Job) -> None:
        job.progress(0.5)

    def stage(*, job: Job) -> int:
        with job.span(0.2, "first"):
            inner(job=job)
        with job.span(0.6, "second"):
            job.progress(0.5)
            with job.span(1.0):
                inner(job=job)
        job.progress(0.1)  # never back
        return 1

    job.stage("x", stage)
    assert seen == pytest.approx([0, 0, 0.1, 0.2, 0.4, 0.4, 0.5, 0.6, 1, 1])


def test_while_kernels_are_compiled_progress_says_so_wherever_that_is(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = []
    job = Job(listener=lambda event: texts.append((event.text, event.compiling)) if isinstance(event, Progress) else None)

    def stage(*, job: Job) -> None:
        job.progress(0.1, "working")
        monkeypatch.setattr(device, "is_compiling", lambda: True)
        job.progress(0.2, "working")
        monkeypatch.setattr(device, "is_compiling", lambda: False)
        job.progress(0.3, "working")

    job.stage("Stage", stage)
    assert [each for each in texts if each[0]] == [("working", False), ("working", True), ("working", False)]
