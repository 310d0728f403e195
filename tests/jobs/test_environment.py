"""What a job is run with."""

from __future__ import annotations

from pathlib import Path

import pytest
from reify.backend import device
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job


def test_a_stage_plans_with_the_memory_that_is_free_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "free_memory", lambda: 5 << 30)
    assert Environment().free_memory() == 5 << 30
    assert Environment(memory_bytes=2 << 30).free_memory() == 2 << 30
    assert Environment(memory_bytes=64 << 30).free_memory() == 5 << 30


def test_a_job_without_a_cache_keeps_its_files_in_the_temporary_folder_until_it_is_gone(tmp_path: Path) -> None:
    def stage(*, job: Job) -> None:
        (job.folder / "frame.png").write_bytes(b"")

    job = Job(Environment(temporary_folder=tmp_path))
    job.stage("Working", stage)
    assert [path.name for path in tmp_path.rglob("*.png")] == ["frame.png"]
    del job
    assert not list(tmp_path.iterdir())
