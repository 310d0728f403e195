"""Splats that a surface is extracted from: as trained, or flat ones where those are faint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("numba")

from reify.backend.jobs.job import Job
from reify.backend.splats.settings import TrainingSettings
from reify.backend.splats.surfels import as_surfels
from reify.backend.surface import flat
from reify.backend.surface.density import is_faint, subject_of
from reify.backend.surface.fuse import SurfaceSettings
from reify.backend.values import Capture, Photo, Splats, Views

from .clouds import ball_splats

FAINT = -2.9  # logit of an opacity of 0.05, of which some six splats that overlap don't reach the usual level
TRAINING = TrainingSettings(seconds=60.0, steps=1000, refine_cameras=True)


def photo(**fields) -> Photo:
    return Photo(Path("a.png"), "a.png", 8, 8, **fields)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, make_orbit) -> list[tuple]:
    """What training was asked for; surfels come back untrained."""
    found: list[tuple] = []

    def train(views, indices, start, settings, *, seed, job):
        found.append((indices, settings))
        job.metric("steps", 500)
        return as_surfels(start, seed)

    monkeypatch.setattr(flat, "train", train)
    monkeypatch.setattr(flat, "load_views", lambda *arguments, **more: Views([], [], [], make_orbit(4, 8)))
    monkeypatch.setattr(flat, "starting_splats", lambda *arguments, **more: ball_splats(100))
    return found


def chosen(splats: Splats, job: Job) -> Splats:
    capture = Capture("ball", tuple(photo(has_alpha=True) for _ in range(4)), test=(2,))
    return flat.splats_for_surface(splats, capture, SurfaceSettings(max_voxels=1), TRAINING, 0, job=job)


def test_flat_splats_are_trained_beside_faint_ones(asked) -> None:
    job, faint = Job(), ball_splats(opacity_logit=FAINT)
    job.metric("steps", 1000)
    assert is_faint(faint, subject_of(faint, alone=True), 0.0, 10**6, job=Job())
    assert chosen(faint, job).surfels
    ((indices, settings),) = asked
    assert indices == (0, 1, 3)
    assert settings == replace(TRAINING, aim="surface", refine_cameras=False)
    assert (job.report.metrics["steps"], job.report.metrics["flat_steps"]) == (1000, 500)
    assert "faint" in job.report.choices["surface.splats"]


def test_opaque_splats_and_surfels_stay_as_they_are(asked) -> None:
    opaque, surfels = ball_splats(), as_surfels(ball_splats(opacity_logit=FAINT), 0)
    assert chosen(opaque, Job()) is opaque
    assert chosen(surfels, Job()) is surfels
    assert not asked


def test_a_subject_is_cut_out_where_every_photo_says_where_it_ends() -> None:
    masked, ignored = photo(mask=Path("m.png")), photo(mask=Path("m.png"), mask_is_subject=False)
    assert flat.is_cut_out(Capture("a", (masked, photo(has_alpha=True))))
    assert not flat.is_cut_out(Capture("a", (masked, photo())))
    assert not flat.is_cut_out(Capture("a", (masked, ignored)))
