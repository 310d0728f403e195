from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reify.backend.formats.posed import pinhole_matrix
from reify.backend.jobs.cache import Cache
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.splats import stages
from reify.backend.splats.settings import TrainingSettings
from reify.backend.values import Capture, Splats
from reify.tests.capture.test_views import capture_of


@pytest.fixture
def capture(tmp_path: Path) -> Capture:
    pictures = [np.full((24, 32, 3), 40 * i, np.uint8) for i in range(6)]
    return replace(capture_of(tmp_path, pictures, pinhole_matrix(20, 20, 16, 12)), test=(1, 4))


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the first splats are made from, and the settings that training gets; nothing is trained."""
    found: dict[str, object] = {}

    def start(views, points, settings, seed):
        found["names"], found["first pixels"] = views.names, [int(rgb[0, 0, 0]) for rgb in views.rgb]
        one = np.ones((1, 3), np.float32)
        return Splats(one, np.eye(1, 4, dtype=np.float32), one, one[:, 0], one[:, None])

    def train(views, indices, start, settings, *, seed, job):
        found["seconds"], found["indices"] = settings.seconds, indices
        return start, views.cameras

    monkeypatch.setattr(stages, "starting_splats", start)
    monkeypatch.setattr(stages, "train_with_cameras", train)
    monkeypatch.setattr(stages, "measure", lambda *arguments, **more: None)
    return found


def test_held_out_photos_are_not_shown_to_the_first_splats(capture: Capture, seen: dict[str, object]) -> None:
    Job().stage("Training", stages.train_capture, capture, TrainingSettings(), 0)
    assert seen["names"] == ("0.png", "2.png", "3.png", "5.png")
    assert seen["first pixels"] == [0, 80, 120, 200]
    assert seen["indices"] == (0, 2, 3, 5)


@pytest.mark.parametrize(("read_s", "left_s"), [(12.0, 88.0), (80.0, 50.0)])
def test_the_time_that_is_set_includes_reading_and_leaves_training_its_share(
    capture: Capture, seen: dict[str, object], monkeypatch: pytest.MonkeyPatch, read_s: float, left_s: float
) -> None:
    job, load = Job(), stages.load_views
    passed = [0.0]

    def slowly(*arguments, **more):
        passed[0] += read_s
        return load(*arguments, **more)

    monkeypatch.setattr(Job, "seconds", property(lambda job: passed[0]))
    monkeypatch.setattr(stages, "load_views", slowly)
    job.stage("Training", stages.train_capture, capture, TrainingSettings(seconds=100.0), 0)
    assert seen["seconds"] == left_s == job.report.metrics["training_seconds"]


def test_a_training_without_a_time_limit_has_none_after_reading_either(capture: Capture, seen: dict[str, object]) -> None:
    Job().stage("Training", stages.train_capture, capture, TrainingSettings(seconds=0.0), 0)
    assert seen["seconds"] == 0.0


def test_a_training_that_goes_on_keeps_the_time_that_it_began_with(
    capture: Capture, seen: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = Environment(cache=Cache(tmp_path / "cache"))
    times = []
    train = stages.train_with_cameras

    def cut_off(*arguments, **more):
        times.append(arguments[3].seconds)
        if len(times) == 1:
            raise KeyboardInterrupt
        return train(*arguments, **more)

    monkeypatch.setattr(stages, "train_with_cameras", cut_off)
    for _ in range(2):
        try:
            Job(environment).stage("Training", stages.train_capture, capture, TrainingSettings(seconds=100.0), 0)
        except KeyboardInterrupt:
            continue
    assert len(times) == 2 and times[0] == times[1] < 100.0
