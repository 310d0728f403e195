from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reify.backend.errors import ReifyError
from reify.backend.jobs.job import Job
from reify.backend.pictures.box import box_of
from reify.backend.pictures.cutout import CutoutSettings, cut_out
from reify.backend.pictures.grabcut import grab_cut, strokes_of
from scipy.ndimage import gaussian_filter

from .shapes import disc


def busy_scene(size: int = 200) -> np.ndarray:
    """A red disc with some texture on a mottled green and blue ground."""
    rng = np.random.default_rng(3)
    mottled = gaussian_filter(rng.normal(size=(size, size)), 4)[..., None] > 0
    ground = np.where(mottled, (60, 120, 70), (50, 70, 150)) + rng.normal(0, 12, (size, size, 3))
    subject = np.array([190, 60, 50]) + 25 * gaussian_filter(rng.normal(size=(size, size)), 2)[..., None] / 0.15
    shape = disc(size, 0.3 * size)[..., None]
    return np.clip(ground + shape * (subject - ground), 0, 255).astype(np.uint8)


def overlap(found: np.ndarray) -> float:
    wanted = disc(len(found), 0.3 * len(found)) > 0.5
    return float(((found > 0.5) & wanted).sum() / ((found > 0.5) | wanted).sum())


def test_a_subject_is_cut_out_of_a_box() -> None:
    assert overlap(grab_cut(busy_scene(), (30, 30, 170, 170), None, Job())) > 0.97


def test_a_subject_is_cut_out_by_strokes() -> None:
    strokes = np.zeros((200, 200), np.int8)
    strokes[95:105, 70:130] = 1
    strokes[10:16, 10:190] = strokes[180:190, 10:190] = -1
    assert overlap(grab_cut(busy_scene(), box_of("", (200, 200)), strokes, Job())) > 0.95


def test_the_outline_of_a_large_picture_follows_its_edges() -> None:
    large = np.asarray(Image.fromarray(busy_scene(200)).resize((700, 700), Image.Resampling.BICUBIC))
    assert overlap(grab_cut(large, (100, 100, 600, 600), None, Job())) > 0.97


def test_a_busy_background_without_a_box_is_guessed_with_a_warning(tmp_path: Path) -> None:
    Image.fromarray(busy_scene()).save(tmp_path / "busy.png")
    job = Job()
    assert overlap(cut_out(tmp_path / "busy.png", CutoutSettings(), job=job).coverage) > 0.95
    assert "guessed" in job.report.warnings[0]


def test_strokes_are_read_from_a_painted_picture(tmp_path: Path) -> None:
    painted = np.full((50, 50), 128, np.uint8)
    painted[20:30, 20:30], painted[:5] = 255, 0
    Image.fromarray(painted).save(tmp_path / "strokes.png")
    strokes = strokes_of(tmp_path / "strokes.png", (100, 100))
    assert strokes[50, 50] == 1 and strokes[5, 5] == -1 and strokes[80, 80] == 0
    Image.fromarray(np.full((50, 50), 128, np.uint8)).save(tmp_path / "none.png")
    with pytest.raises(ReifyError, match="lacks strokes"):
        strokes_of(tmp_path / "none.png", (100, 100))


def test_a_box_is_read_and_checked() -> None:
    assert box_of("10 20, 90 80", (100, 100)) == (10, 20, 90, 80)
    assert box_of("-5 0 900 80", (100, 200)) == (0, 0, 200, 80)
    for wrong in ("10 20 30", "a b c d", "150 150 160 160"):
        with pytest.raises(ReifyError):
            box_of(wrong, (100, 100))
