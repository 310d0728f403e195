"""Photos that stand out of their capture: made ones, with one thing wrong each, and real ones, which nothing is wrong with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from reify.backend.capture import quality
from reify.backend.capture.read import CaptureSettings, listed_photos, read_photos
from reify.backend.jobs.job import Job
from reify.backend.values import Photos

SIZE = (320, 240)


@pytest.fixture(scope="module")
def wall() -> Image.Image:
    """A wall of colored rectangles, larger than what a photo shows of it."""
    random = np.random.default_rng(3)
    pixels = np.full((400, 900, 3), 120, np.uint8)
    for _ in range(700):
        x, y, w, h = random.integers((0, 0, 6, 6), (880, 380, 60, 60))
        pixels[y : y + h, x : x + w] = random.integers(30, 226, 3)
    return Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(0.5))


def photos(wall: Image.Image, folder: Path, **changed) -> Path:
    """Nine photos along the wall, some of them changed by a function of the picture."""
    folder.mkdir()
    for number in range(9):
        place = (60 * number, 10 * (number % 3))
        picture = wall.crop((*place, place[0] + SIZE[0], place[1] + SIZE[1]))
        picture = changed.get(f"p{number}", lambda same: same)(picture)
        picture.save(folder / f"p{number}.png")
    return folder


def found(folder: Path) -> dict[str, str]:
    """The faults of the photos in a folder by their names."""
    listed = listed_photos([folder], CaptureSettings(), job=Job())
    return {listed[index].name: what for index, what in quality.faults(quality.look_at(listed)).items()}


def smeared(picture: Image.Image) -> Image.Image:
    """Moved sideways while it was exposed."""
    kernel = [0.0] * 25
    kernel[10:15] = [1.0] * 5
    for _ in range(2):
        picture = picture.filter(ImageFilter.Kernel((5, 5), kernel, scale=5))
    return picture


def test_photos_that_are_blurred_dark_or_bright_stand_out_and_the_others_dont(wall, tmp_path):
    folder = photos(
        wall,
        tmp_path / "wall",
        p1=lambda picture: picture.filter(ImageFilter.GaussianBlur(2.0)),
        p3=smeared,
        p5=lambda picture: picture.point(lambda value: value * 0.3),
        p7=lambda picture: picture.filter(ImageFilter.GaussianBlur(0.6)),  # which nobody sees
    )
    assert found(folder) == {"p1.png": quality.BLURRED, "p3.png": quality.BLURRED, "p5.png": quality.DARK}


def test_a_photo_in_a_dark_capture_that_is_as_bright_as_usual_is_too_bright_there(wall, tmp_path):
    dark = {f"p{number}": lambda picture: picture.point(lambda value: value * 0.25) for number in range(9) if number != 4}
    assert found(photos(wall, tmp_path / "wall", **dark)) == {"p4.png": quality.BRIGHT}


def test_of_two_photos_that_show_the_same_the_sharper_one_stays(wall, tmp_path):
    folder = photos(wall, tmp_path / "wall")
    with Image.open(folder / "p4.png") as picture:
        picture.filter(ImageFilter.GaussianBlur(0.7)).save(folder / "again.jpg", quality=85)
    assert found(folder) == {"again.jpg": quality.COPY}


def test_blur_is_measured_in_pixels_of_its_standard_deviation(wall):
    for sigma in (1.0, 2.0, 3.0):
        gray = np.asarray(wall.convert("L").filter(ImageFilter.GaussianBlur(sigma)), np.float32)
        assert quality.blur_px(gray, np.ones(gray.shape, bool)) == pytest.approx(np.hypot(sigma, 0.5), rel=0.3)


def test_backgrounds_out_of_focus_and_what_is_masked_away_dont_make_a_photo_blurred(wall, tmp_path):
    def sharp_in_the_middle(picture):
        blurred = picture.filter(ImageFilter.GaussianBlur(3.0))
        blurred.paste(picture.crop((80, 40, 240, 200)), (80, 40))
        return blurred

    assert found(photos(wall, tmp_path / "focus", p2=sharp_in_the_middle)) == {}
    blurred = np.asarray(wall.crop((0, 0, *SIZE)).convert("L"), np.float32)
    soft = np.asarray(wall.crop((0, 0, *SIZE)).convert("L").filter(ImageFilter.GaussianBlur(3.0)), np.float32)
    shown = np.zeros(blurred.shape, bool)
    shown[:, :160] = True
    half = np.where(shown, soft, blurred)
    assert quality.blur_px(half, shown) > 2.0 > quality.blur_px(half, ~shown)


def test_few_photos_and_plain_ones_tell_nothing(tmp_path):
    for number in range(6):
        Image.new("RGB", SIZE, (90 + number, 90, 90)).save(tmp_path / f"p{number}.png")
    looks = quality.look_at(listed_photos([tmp_path], CaptureSettings(), job=Job()))
    assert all(np.isnan(look.blur_px) for look in looks) and quality.BLURRED not in quality.faults(looks).values()
    assert quality.faults(looks[:4]) == {}


@pytest.mark.parametrize("leave_out", [False, True])
def test_weak_photos_are_told_with_what_to_do_and_left_out_on_request(wall, tmp_path, leave_out):
    folder = photos(wall, tmp_path / "wall", p1=lambda picture: picture.filter(ImageFilter.GaussianBlur(2.5)))
    job = Job()
    settings = replace(CaptureSettings(), weak_photos="leave_out" if leave_out else "keep")
    capture = read_photos(Photos((folder,)), settings, job=job)
    names = [photo.name for photo in capture.photos]
    assert ("p1.png" in names) is not leave_out and len(names) == 9 - leave_out and capture.test
    (said,) = capture.warnings
    if leave_out:
        assert said == "Photos that are blurred are left out: 1 of 9 (p1.png)."
        assert job.report.choices["left out"] == "1 photos that are blurred"
    else:
        assert said == "Photos that are blurred: 1 of 9 (p1.png). Take them again with a shorter exposure, or leave them out."
        assert job.report.choices["weak photos"] == "p1.png blurred"


@pytest.mark.parametrize("name", ["banana", "kermit", "fox", "strecha_fountain-P11"])
def test_real_captures_raise_no_false_alarm(data, name):
    assert found(data / name) == {}


def test_a_real_photo_that_is_blurred_stands_out(data, tmp_path):
    import shutil

    folder = tmp_path / "fox"
    shutil.copytree(data / "fox" / "images", folder)
    names = sorted(path.name for path in folder.iterdir())
    with Image.open(folder / names[7]) as picture:
        blurred = picture.filter(ImageFilter.GaussianBlur(2.0))
    blurred.save(folder / names[7], quality=95)
    assert found(folder) == {names[7]: quality.BLURRED}


def test_two_views_of_the_temple_were_taken_from_one_place(data):
    assert found(data / "temple_sparse_ring") == {"templeSR0001.png": quality.COPY}
