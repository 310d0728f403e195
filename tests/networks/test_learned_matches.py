"""Learned matching as the last attempt of structure from motion, with a matcher that knows what the room's photos show."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reify.backend.capture import learned_matches
from reify.backend.capture import solve as solve_module
from reify.backend.capture.sfm_ladder import rungs
from reify.backend.errors import Cancelled
from reify.backend.formats.images import read_image
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job, Progress
from reify.backend.metrics.cameras import camera_errors
from reify.backend.values import Array, Capture, Photo
from reify.tests.capture.test_solve import FOCAL_PX, HEIGHT, WIDTH, capture_of, noise, photograph, solve, true_cameras

torch = pytest.importorskip("torch")

STRANGE = 5  # the photo that shows nothing that SIFT finds again


class Knowing:
    """Finds the same points of the room in every photo, by its number."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        floor, wall = random.uniform([-2, -1, 0], [1.5, 2, 0], (400, 3)), random.uniform([-2, 2, 0], [1.5, 2, 2.5], (400, 3))
        self.points, self.described, self.matched = np.concatenate([floor, wall]), [], []

    def describe(self, srgb: Array, shown: Array | None = None):
        from reify.backend.networks.matching import Described

        number = self.numbers[len(self.described)]
        self.described.append(number)
        in_cam = self.points @ (pose := true_cameras().cam_from_world[number])[:3, :3].T + pose[:3, 3]
        xy = FOCAL_PX * in_cam[:, :2] / in_cam[:, 2:] + (WIDTH / 2, HEIGHT / 2) - 0.5
        seen = (in_cam[:, 2] > 0) & (xy > 0).all(axis=1) & (xy < (WIDTH - 1, HEIGHT - 1)).all(axis=1)
        names = torch.tensor(np.flatnonzero(seen)).float()[:, None]
        return Described(torch.tensor(xy[seen]), names, (srgb.shape[1], srgb.shape[0]))

    def match(self, one, two) -> Array:
        self.matched.append((one, two))
        _common, first, second = np.intersect1d(one.descriptors[:, 0].numpy(), two.descriptors[:, 0].numpy(), return_indices=True)
        return np.column_stack([first, second]).astype(np.uint32)


@pytest.fixture
def knowing(monkeypatch: pytest.MonkeyPatch) -> Knowing:
    matcher = Knowing()
    write = learned_matches.write_matches

    def noted(pictures, masks, sizes, pairs, *others, **named) -> None:
        matcher.numbers = sorted({number for pair in pairs for number in pair})
        write(pictures, masks, sizes, pairs, *others, **named)

    monkeypatch.setattr(learned_matches, "write_matches", noted)
    monkeypatch.setattr(learned_matches, "available", lambda environment: True)
    monkeypatch.setattr(learned_matches, "way", lambda environment: "")
    monkeypatch.setattr(learned_matches, "_loaded", lambda job: matcher)
    return matcher


@pytest.fixture(autouse=True)
def _two_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solve_module, "rungs", lambda *sizes: (rungs(*sizes)[0], rungs(*sizes)[-1]))


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    return capture_of(tmp_path_factory.mktemp("room"), [photograph(pose) for pose in true_cameras().cam_from_world])


@pytest.fixture(scope="module")
def room_with_a_strange_photo(room: Capture) -> Capture:
    strange = np.repeat(noise(9)[:HEIGHT, :WIDTH, None], 3, axis=2).astype(np.uint8)
    photo = capture_of(room.photos[0].path.parent / "strange", [strange]).photos[0]
    return replace(room, photos=(*room.photos[:STRANGE], photo, *room.photos[STRANGE + 1 :]))


def test_a_photo_that_sift_leaves_gets_its_true_camera_in_the_model_of_the_others(
    room_with_a_strange_photo: Capture, knowing: Knowing
) -> None:
    capture, job = solve(room_with_a_strange_photo)
    assert len(capture.photos) == 12 and not capture.unregistered
    assert capture.cameras is not None
    errors = camera_errors(capture.cameras, true_cameras())
    assert errors.position.max() < 0.02 and errors.rotation_deg.max() < 0.5
    assert job.report.choices["structure from motion"].startswith("SIFT, with LightGlue")
    assert job.report.choices["cameras checked"].startswith("sure")
    assert sorted(set(knowing.described)) == sorted(knowing.described)  # each photo once
    assert len(knowing.matched) <= 24


def test_photos_that_sift_places_are_never_shown_to_the_networks(room: Capture, knowing: Knowing) -> None:
    capture, job = solve(room)
    assert len(capture.photos) == 12 and not knowing.described and "learned matching" not in job.report.choices


def test_without_the_weights_the_report_says_how_to_get_them(room_with_a_strange_photo: Capture, tmp_path: Path) -> None:
    capture, job = solve(room_with_a_strange_photo, job=Job(Environment(user_folder=tmp_path)))
    assert len(capture.photos) == 11
    assert job.report.warnings[1].startswith("Learned matching may place the photos that are left. ")
    assert "reify models get aliked-lightglue" in job.report.warnings[1]


@pytest.mark.parametrize("step", ["describe", "match"])
def test_a_cancel_does_not_wait_for_the_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    class Slow:
        def describe(self, srgb: Array, shown: Array | None = None):
            from reify.backend.networks.matching import Described

            time.sleep(3.0 if step == "describe" else 0.0)
            return Described(torch.zeros(4, 2), torch.zeros(4, 1), (srgb.shape[1], srgb.shape[0]))

        def match(self, one, two) -> Array:
            time.sleep(3.0)
            return np.zeros((0, 2), np.uint32)

    monkeypatch.setattr(learned_matches, "_loaded", lambda job: Slow())
    photos: list[Photo] = list(capture_of(tmp_path, [np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 2).photos)
    sizes = np.array([read_image(photo.path).shape[1::-1] for photo in photos])
    at: list[float] = []

    def listen(event: object) -> None:
        if isinstance(event, Progress) and event.text.startswith("features" if step == "describe" else "matching") and not at:
            at.append(time.monotonic())
            job.cancel()

    job, paths = Job(listener=listen), [photo.path for photo in photos]
    with pytest.raises(Cancelled):
        learned_matches.write_matches(paths, [tmp_path / "none"] * 2, sizes, [(0, 1)], tmp_path / "found.npz", job=job)
    assert time.monotonic() - at[0] < 0.5 and not (tmp_path / "found.npz").exists()
