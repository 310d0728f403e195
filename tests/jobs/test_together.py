"""Two jobs that compute the same at the same time: one does it, the other one waits and takes its result."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from reify.backend import folders
from reify.backend.errors import Cancelled
from reify.backend.jobs.cache import Cache, lock_of
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import WAITING, Job, Progress

pytest.importorskip("safetensors")  # what stages are stored with

RUN = "import sys; from reify.tests.jobs.test_together import run; run(*sys.argv[1:])"


def work(log: str, steps: int, *, job: Job) -> int:
    """Write down that it runs, and look whether anybody else writes where it does; returns the number of its process."""
    with open(log, "a") as stream:
        stream.write(f"{os.getpid()}\n")
    (job.folder / "scratch").write_text(str(os.getpid()))
    for step in range(steps):
        job.progress(step / steps)
        time.sleep(0.01)
    assert (job.folder / "scratch").read_text() == str(os.getpid())
    return os.getpid()


def run(cache: str, log: str, steps: str) -> None:
    """What each child process does."""
    print(Job(Environment(Cache(Path(cache)))).stage("Working", work, log, int(steps)), flush=True)


def start(cache: Path, log: Path, steps: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", RUN, str(cache), str(log), str(steps)], stdout=subprocess.PIPE)


def test_four_processes_at_one_stage_compute_it_once_and_all_have_its_value(tmp_path: Path) -> None:
    children = [start(tmp_path / "cache", tmp_path / "log", 100) for _ in range(4)]
    values = {child.communicate()[0] for child in children}
    assert [child.returncode for child in children] == [0] * 4 and len(values) == 1
    assert len((tmp_path / "log").read_text().splitlines()) == 1
    assert not list((tmp_path / "cache" / "stages").glob("*.lock"))


def test_when_the_first_is_killed_the_second_takes_over(tmp_path: Path) -> None:
    first, second = (start(tmp_path / "cache", tmp_path / "log", 300) for _ in range(2))
    while not (tmp_path / "log").exists():
        assert first.poll() is None and second.poll() is None
        time.sleep(0.02)
    time.sleep(0.2)
    killed = int((tmp_path / "log").read_text())
    dies, lives = (first, second) if first.pid == killed else (second, first)
    dies.kill()
    dies.communicate()
    assert lives.communicate()[0].strip() == str(lives.pid).encode()


def wait_for_go(*, job: Job) -> int:
    while not job.keep_requested:
        job.progress(0.5)
        time.sleep(0.01)
    return 7


def test_the_one_that_waits_says_so_can_be_canceled_and_its_folder_is_not_pruned(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit_bytes=0)
    folder = cache.stage_folder(wait_for_go, (None,))
    first, said = Job(Environment(cache)), []
    second = Job(Environment(cache), lambda event: said.append(event.text) if isinstance(event, Progress) else None)
    values: list[int] = []
    thread = threading.Thread(target=lambda: values.append(first.stage("Waiting", wait_for_go, keepable=True)))
    thread.start()
    try:
        while not lock_of(folder).exists():
            time.sleep(0.01)
        threading.Timer(0.5, second.cancel).start()
        with pytest.raises(Cancelled):
            second.stage("Waiting", wait_for_go)
        assert WAITING in said
        folders.make_own(folder)
        cache.clear()
        assert folder.is_dir()
    finally:
        first.keep()
        thread.join()
    assert values == [7]
    assert Job(Environment(cache)).stage("Waiting", wait_for_go) == 7
