"""Locks that one process or thread holds, and that are free once it is gone."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from reify.backend import locks

HOLDER = """
import sys, time
from pathlib import Path
from reify.backend import locks
with locks.held(Path(sys.argv[1]), lambda: None):
    print("held", flush=True)
    time.sleep(60)
"""


class Impatient(Exception):
    """Raised instead of waiting."""


def impatient() -> None:
    raise Impatient


def test_a_lock_is_free_once_its_holder_was_killed_and_leaves_no_file_when_it_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "a" / "stage.lock"
    child = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None and child.stdout.readline() == b"held\n"
        assert locks.is_held(path)
        with pytest.raises(Impatient), locks.held(path, impatient):
            pass
        assert locks.is_held(path), "the file of the one who holds it went"
    finally:
        child.kill()
        child.wait()
    with locks.held(path, impatient):
        assert locks.is_held(path)
    assert not path.exists() and not locks.is_held(path)


def test_of_many_threads_one_at_a_time_is_inside(tmp_path: Path) -> None:
    inside: list[int] = []
    most = 0

    def work() -> None:
        nonlocal most
        for _ in range(5):
            with locks.held(tmp_path / "lock", lambda: None):
                inside.append(1)
                most = max(most, len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_refusal_that_passes_is_waited_for_and_one_that_lasts_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refusals = [PermissionError(13, "its deletion waits"), FileNotFoundError(2, "the folder went")]
    opened = os.open

    def refuse(*arguments: object) -> int:
        if refusals:
            raise refusals.pop()
        return opened(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(locks, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(locks, "PASSING_S", 0.1)
    monkeypatch.setattr(locks, "PASSING", (FileNotFoundError, PermissionError))  # as on Windows
    monkeypatch.setattr(locks.os, "open", refuse)
    with locks.held(tmp_path / "lock", lambda: None):
        assert locks.is_held(tmp_path / "lock") and not caplog.records
    refusals += [PermissionError(13, "no right to write")] * 1000
    with locks.held(tmp_path / "lock", lambda: None):
        assert "No lock can be had" in caplog.text and "no right to write" in caplog.text


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_where_no_lock_can_be_had_the_work_is_done_all_the_same(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with locks.held(tmp_path / "lock", impatient):
        pass


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_a_link_in_a_locks_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "made")
    with locks.held(tmp_path / "lock", impatient):
        assert not (tmp_path / "made").exists()
