from __future__ import annotations

from pathlib import Path

import pytest
from reify.backend.capture.read import CaptureSettings
from reify.backend.capture.solve import CameraSettings
from reify.backend.errors import ReifyError
from reify.backend.jobs.cache import Cache
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.methods import photos
from reify.backend.values import Capture, Photo, Photos

SOLVED: list[str] = []


def read(sources: Photos, settings: CaptureSettings, *, job: Job) -> Capture:
    shown = tuple(Photo(Path(f"{index}.jpg"), f"{index}.jpg", 640, 480) for index in range(20))
    return Capture(sources.name or "folder", shown)


def solve(capture: Capture, settings: CameraSettings, *, job: Job) -> Capture:
    SOLVED.append(capture.name)
    return capture


def stop(*inputs: object, job: Job) -> Capture:
    raise ReifyError("far enough")


def test_another_name_for_the_result_does_not_find_the_cameras_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, stage in (("read_photos", read), ("solve_cameras", solve), ("train_capture", stop)):
        monkeypatch.setattr(photos, name, stage)
    SOLVED.clear()
    for name in ("", "apple", "pear"):
        job = Job(Environment(Cache(tmp_path)))
        with pytest.raises(ReifyError, match="far enough"):
            photos.run(Photos((tmp_path,), name), photos.Settings(), job)
    assert len(SOLVED) == 1
