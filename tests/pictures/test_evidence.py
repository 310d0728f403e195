"""What speaks against a cut-out: made-up pictures, cut out rightly and wrongly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reify.backend.formats.images import write_png
from reify.backend.jobs.job import Job
from reify.backend.pictures.cutout import CutoutSettings, cut_out
from reify.backend.pictures.evidence import evidence_of

SIDE = 240
Y, X = np.mgrid[:SIDE, :SIDE]
DISC = (np.hypot(X - 120, Y - 110) < 60).astype(np.float32)


def picture(ground, subject=(40, 90, 160)):
    """The disc in front of a ground [H,W] of gray."""
    gray = np.broadcast_to(np.asarray(ground, float), (SIDE, SIDE))
    return np.where(DISC[..., None] > 0, np.array(subject, float), gray[..., None]).astype(np.uint8)


def test_a_right_cut_out_is_not_doubted() -> None:
    for ground in (240.0, 240 - 0.3 * Y, 235 - 0.004 * (np.square(X - 120) + np.square(Y - 120))):
        assert evidence_of(picture(ground), DISC).doubt("disc.png") == ""


def test_a_floor_in_the_cut_out_is_named() -> None:
    floor = Y > 180
    ground = np.where(floor, 150.0, 240.0)
    wrong = np.maximum(DISC, floor)
    assert "looks like a floor" in evidence_of(picture(ground), wrong).doubt("disc.png")


@pytest.mark.parametrize(
    ("coverage", "words"),
    [
        (np.maximum(DISC, np.abs(X - Y) < 12), "reaches across the picture"),
        ((np.hypot(X - 120, Y - 110) < 85).astype(np.float32), "follows no edge"),
    ],
)
def test_an_outline_where_nothing_ends_is_named(coverage, words: str) -> None:
    assert words in evidence_of(picture(240.0), coverage.astype(np.float32)).doubt("disc.png")


def test_the_job_warns_of_a_wrong_cut_out_and_of_no_right_one(tmp_path: Path) -> None:
    floor = np.where((Y > 170) & (X > 4) & (X < SIDE - 5), 150.0, 240.0)
    warned = []
    for name, ground in (("plain.png", 240.0), ("floor.png", floor)):
        write_png(tmp_path / name, picture(ground))
        job = Job()
        cut_out(tmp_path / name, CutoutSettings(by="plain"), job=job)
        warned.append(job.report.warnings)
    assert warned[0] == () and len(warned[1]) == 1 and warned[1][0].startswith("The cut-out of floor.png")
