"""A cache that can't be written costs the job time, never its result; one warning says so."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reify.backend.errors import ReifyError
from reify.backend.files import write_text
from reify.backend.jobs import cache as cache_of
from reify.backend.jobs import store
from reify.backend.jobs.cache import Cache
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.values import Points

POINTS = Points(np.arange(6, dtype=np.float32).reshape(2, 3))


def listed(points: Points, count: int, *, job: Job) -> Points:
    """A stage that writes files and a checkpoint, as reading a video and training do."""
    for number in range(count):
        write_text(job.folder / f"{number}.txt", "1" * 100_000)
        with job.keeping():
            write_text(job.folder / "checkpoint", "2")
    return replace(points, xyz=points.xyz * 2)


def run(folder: Path, count: int = 3) -> Job:
    """Two stages; their values must be right whatever becomes of the cache."""
    job = Job(Environment(Cache(folder)))
    first = job.stage("First", listed, POINTS, count)
    second = job.stage("Second", listed, first, count)
    np.testing.assert_array_equal(second.xyz, POINTS.xyz * 4)
    job.settle()
    return job


def a_file_in_its_place(folder: Path) -> Path:
    (folder / "cache").write_text("")
    return folder / "cache"


def no_permission(folder: Path) -> Path:
    return Path("/proc/reify")  # where not even root makes folders


@pytest.mark.parametrize("place", [a_file_in_its_place, no_permission])
def test_where_the_cache_cannot_be_made_the_job_runs_without(tmp_path, place):
    if place is no_permission and not Path("/proc").is_dir():
        pytest.skip("there is no /proc here")
    job = run(place(tmp_path))
    assert len([text for text in job.report.warnings if "The cache can't be written" in text]) == len(job.report.warnings) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """A disk of so many kilobytes."""
    place = tmp_path / "disk"
    place.mkdir()

    def make(kilobytes: int) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "reify-test", str(place)]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("no disk can be mounted here")
        return place

    yield make
    subprocess.run(["umount", str(place)], capture_output=True)


@pytest.mark.parametrize("kilobytes", [4, 40, 200, 600, 10_000])
def test_a_disk_that_is_or_becomes_full_costs_nothing_but_the_cache(small_disk, monkeypatch, kilobytes):
    monkeypatch.setattr(cache_of, "LEAST_FREE_BYTES", 0)  # so that it fills up in the middle
    job = run(small_disk(kilobytes))
    assert len(job.report.warnings) == (kilobytes < 10_000) and all("The cache can't" in text for text in job.report.warnings)


def test_a_disk_that_is_nearly_full_is_left_alone(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=1 << 20))
    job = run(tmp_path)
    assert "No space left" in job.report.warnings[0] and not list(tmp_path.rglob("value.json"))


def test_the_value_that_could_not_be_kept_is_returned_all_the_same(tmp_path, monkeypatch):
    def refuse(value: object, folder: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(folder))

    monkeypatch.setattr(store, "save", refuse)
    assert len(run(tmp_path).report.warnings) == 1


def test_other_errors_of_a_stage_are_not_taken_for_a_full_cache(tmp_path):
    def damaged(points: Points, *, job: Job) -> Points:
        raise ReifyError("It is damaged.", "Copy it again.")

    with pytest.raises(ReifyError, match="It is damaged"):
        Job(Environment(Cache(tmp_path))).stage("Reading", damaged, POINTS)
