from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reify.backend.errors import ReifyError
from reify.backend.jobs.job import Job
from reify.backend.pictures.background import plain_background
from reify.backend.pictures.cutout import CutoutSettings, cut_out, refined, smaller, without_specks

from .shapes import butterfly, disc, pictured, ring

AUTO = CutoutSettings()


def overlap(found: np.ndarray, wanted: np.ndarray) -> float:
    found, wanted = found > 0.5, wanted > 0.5
    return float((found & wanted).sum() / (found | wanted).sum())


def on_background(coverage: np.ndarray, color: tuple[int, int, int], background, noise: float = 0.0) -> np.ndarray:
    mixed = np.asarray(background, float) + coverage[..., None] * (np.asarray(color, float) - background)
    return np.clip(mixed + np.random.default_rng(0).normal(0, noise, mixed.shape), 0, 255).astype(np.uint8)


def write(tmp_path: Path, pixels: np.ndarray) -> Path:
    path = tmp_path / "subject.png"
    Image.fromarray(pixels).save(path)
    return path


def test_alpha_comes_first(tmp_path: Path) -> None:
    pixels = np.dstack([np.full((200, 200, 3), 90, np.uint8), np.round(disc() * 255).astype(np.uint8)])
    job = Job()
    assert np.abs(cut_out(write(tmp_path, pixels), AUTO, job=job).coverage - disc()).max() < 0.01
    assert "transparency" in job.report.choices["cut-out"]


@pytest.mark.parametrize(
    ("color", "background"),
    [((200, 40, 40), (128, 128, 128)), ((30, 60, 160), (255, 255, 255)), ((220, 200, 40), (0, 0, 0)), ((150, 150, 150), (128, 128, 128))],
    ids=["red on gray", "blue on white", "yellow on black", "gray on gray"],
)
def test_a_plain_background_is_removed_to_a_fraction_of_a_pixel(color, background, tmp_path: Path) -> None:
    coverage = cut_out(write(tmp_path, on_background(disc(), color, background)), AUTO, job=Job()).coverage
    assert overlap(coverage, disc()) > 0.995
    assert np.abs(coverage - disc()).mean() < 0.002


def test_noise_and_a_gradient_are_still_a_plain_background() -> None:
    y, x = np.mgrid[:200, :200]
    vignette = np.stack([200 - 0.002 * ((x - 100) ** 2 + (y - 100) ** 2)] * 3, axis=-1)
    found, _ = plain_background(on_background(disc(), (60, 90, 30), vignette, noise=2.0))
    assert overlap(without_specks(found, 0.001, False)[0], disc()) > 0.99


def test_a_handle_is_a_hole_on_gray_but_an_eye_stays_white_on_paper() -> None:
    on_gray, _ = plain_background(on_background(ring(), (200, 40, 40), (128, 128, 128)))
    on_paper, why = plain_background(on_background(ring(), (200, 40, 40), (255, 255, 255)))
    assert on_gray[100, 100] < 0.5 < on_paper[100, 100]
    assert "kept" in why
    assert plain_background(on_background(ring(), (200, 40, 40), (255, 255, 255)), enclosed="holes")[0][100, 100] < 0.5


def test_a_busy_background_is_not_plain() -> None:
    busy = np.random.default_rng(0).integers(0, 255, (100, 100, 3), dtype=np.uint8)
    coverage, why = plain_background(busy)
    assert coverage is None and "border" in why


@pytest.mark.parametrize("value", [255, 0, 128])
def test_a_picture_of_one_color_is_an_error_with_a_way_out(value: int, tmp_path: Path) -> None:
    with pytest.raises(ReifyError, match="Nothing is left") as caught:
        cut_out(write(tmp_path, np.full((50, 50, 3), value, np.uint8)), AUTO, job=Job())
    assert caught.value.fix


def test_a_fully_transparent_picture_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReifyError, match="transparent everywhere"):
        cut_out(write(tmp_path, np.zeros((50, 50, 4), np.uint8)), AUTO, job=Job())


def test_ways_that_do_not_fit_say_so(tmp_path: Path) -> None:
    busy = write(tmp_path, np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8))
    with pytest.raises(ReifyError, match="no transparency"):
        cut_out(busy, replace(AUTO, by="alpha"), job=Job())
    with pytest.raises(ReifyError, match="isn't plain"):
        cut_out(busy, replace(AUTO, by="plain"), job=Job())


def test_the_mask_can_be_inverted_grown_shrunk_and_feathered() -> None:
    shape = disc(radius=60)
    assert np.allclose(refined(shape, replace(AUTO, invert=True)), 1 - shape)
    for distance in (-12.5, 7.0):
        area = refined(shape, replace(AUTO, grow_px=distance)).sum()
        assert area == pytest.approx(np.pi * (60 + distance) ** 2, rel=0.02)
    soft = refined(shape, replace(AUTO, feather_px=10.0))
    assert ((soft > 0.05) & (soft < 0.95)).sum() > 4 * ((shape > 0.05) & (shape < 0.95)).sum()


def test_ten_thousand_specks_are_dropped_and_counted() -> None:
    specks = np.zeros((600, 600), np.float32)
    specks[::5, ::5] = 1.0
    specks[200:400, 200:400] = 1.0
    cleaned, parts, dropped = without_specks(specks, 0.001, False)
    assert parts == 1 and dropped > 10_000
    assert cleaned.sum() == pytest.approx(200 * 200, rel=0.05)


def test_pinholes_close_and_meant_holes_stay() -> None:
    holed = butterfly()
    holed[80, 60:62] = 0.0
    cleaned, parts, dropped = without_specks(holed, 0.001, False)
    assert parts == 1 and dropped == 1
    assert overlap(cleaned, butterfly()) > 0.9999


def test_only_the_largest_part_may_stay() -> None:
    two = np.zeros((100, 200), np.float32)
    two[10:90, 10:90], two[30:70, 120:160] = 1.0, 1.0
    cleaned, parts, _ = without_specks(two, 0.0, True)
    assert parts == 1 and cleaned[:, 110:].max() == 0.0


def test_a_subject_in_many_parts_is_worth_a_warning(tmp_path: Path) -> None:
    dots = np.zeros((400, 400), np.uint8)
    for shift in range(8):
        dots[shift::20, :] |= ((np.arange(400) % 20) < 8).astype(np.uint8)
    pixels = np.dstack([np.full((400, 400, 3), 90, np.uint8), dots * 255])
    job = Job()
    cut_out(write(tmp_path, pixels), AUTO, job=job)
    assert "400 parts" in job.report.warnings[0]


def test_a_smaller_picture_has_the_same_subject() -> None:
    small = smaller(pictured(disc()), 50)
    assert small.coverage.shape == (50, 50) and small.srgb.shape == (50, 50, 3)
    assert small.coverage.mean() == pytest.approx(disc().mean(), rel=0.01)


def test_the_gray_background_of_the_teapot_goes_and_its_handle_is_a_hole(data: Path) -> None:
    coverage = cut_out(data / "single_images" / "teapot.png", AUTO, job=Job()).coverage
    height, width = coverage.shape
    assert coverage[:20].max() == 0.0
    assert coverage[int(0.62 * height), int(0.45 * width)] == 1.0
    assert coverage[int(0.5 * height), int(0.83 * width)] == 0.0
