from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reify.backend.jobs.job import Job
from reify.backend.pictures.cutout import CutoutSettings, cut_out

from .shapes import disc, rectangle

RED = (200, 60, 50)


def cut(path: Path, alpha: np.ndarray, color: tuple[int, int, int] | np.ndarray = RED) -> tuple[np.ndarray, Job]:
    pixels = np.dstack([np.broadcast_to(np.array(color, np.uint8), (*alpha.shape, 3)), np.round(alpha).astype(np.uint8)])
    Image.fromarray(pixels).save(path / "a.png")
    job = Job()
    return cut_out(path / "a.png", replace(CutoutSettings(), specks=0.0), job=job).coverage, job


@pytest.mark.parametrize("level", [20, 40, 85, 120, 200, 254])
def test_a_subject_of_any_even_alpha_is_the_subject(tmp_path: Path, level: int) -> None:
    coverage, job = cut(tmp_path, level * disc())
    assert np.array_equal(coverage > 0.5, disc() > 0.5)
    assert ("half transparent" in job.report.choices["cut-out"]) == (level < 128)


def test_a_wing_of_low_alpha_belongs_to_an_opaque_subject(tmp_path: Path) -> None:
    wing = np.zeros((200, 200))
    wing[80:120, 5:195] = 90.0
    coverage, _ = cut(tmp_path, np.maximum(255 * disc(radius=50.0), wing))
    assert (coverage[82:118, 7:193] > 0.5).all() and coverage[10, 10] == 0.0


def test_a_glow_and_a_drawn_shadow_stay_outside(tmp_path: Path) -> None:
    from scipy.ndimage import gaussian_filter

    glow = 200 * gaussian_filter(disc(radius=50.0), 12.0)
    coverage, _ = cut(tmp_path, np.maximum(255 * disc(radius=50.0), glow))
    assert (coverage > 0.5).mean() == pytest.approx(np.pi * 50**2 / 200**2, rel=0.05)
    shadow = np.zeros((200, 200))
    shadow[150:190, 20:180] = 90.0
    color = np.where((255 * disc(radius=50.0) >= shadow)[..., None], RED, (0, 0, 0)).astype(np.uint8)
    coverage, _ = cut(tmp_path, np.maximum(255 * disc(radius=50.0), shadow), color)
    assert coverage[175, 30] < 0.5 < coverage[100, 100]


def test_a_ghost_without_one_even_alpha_is_still_found(tmp_path: Path) -> None:
    y, _ = np.mgrid[:240, :160]
    coverage, _ = cut(tmp_path, rectangle() * (30 + 70 * y / 240))
    assert (coverage > 0.5)[60:200, 45:115].mean() > 0.9
