"""Masks belong to the photo that their name says, and say what their program means by black and white."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reify.backend.capture.masks import read_mask
from reify.backend.capture.read import CaptureSettings, read_photos
from reify.backend.jobs.job import Job
from reify.backend.values import Capture, Photos

INSIDE = np.zeros((24, 32), np.uint8)
INSIDE[6:18, 8:24] = 255


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(path)


def mask(path: Path, pixels: np.ndarray = INSIDE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **({"quality": 100} if path.suffix.lower() == ".jpg" else {}))


def read(*sources: Path, **settings: object) -> Capture:
    return Job().stage("Reading photos", read_photos, Photos(sources), CaptureSettings(**settings))


@pytest.mark.parametrize(
    "form",
    [
        "{n}.jpg.mask.png",
        "{n}.mask.png",
        "{n}_mask.jpg",
        "{n}_mask.PNG",
        "{n}-mask.tif",
        "mask_{n}.png",
        "Masks/{n}.png",
        "mask/{n}.JPG.png",
        "masks/{n}_mask.png",
        "masks/{n}.jpg",
    ],
)
def test_every_usual_name_of_a_mask_is_found_and_cuts_out_the_subject(tmp_path, form):
    for i in range(4):
        picture(tmp_path / f"IMG_{i}.jpg", i)
        mask(tmp_path / form.format(n=f"IMG_{i}"))
    capture = read(tmp_path)
    assert [photo.name for photo in capture.photos] == [f"IMG_{i}.jpg" for i in range(4)]
    assert not capture.warnings
    for photo in capture.photos:
        assert photo.mask_is_subject and np.array_equal(read_mask(photo, (32, 24)) >= 128, INSIDE > 0)


def test_what_isnt_black_in_a_dynamic_mask_is_hidden(tmp_path):
    for i in range(4):
        picture(tmp_path / f"images/{i}.jpg", i)
        mask(tmp_path / f"images/dynamic_mask_{i}.png", INSIDE // 9)
    capture = read(tmp_path)
    for photo in capture.photos:
        assert not photo.mask_is_subject and np.array_equal(read_mask(photo, (32, 24)) >= 128, INSIDE == 0)
    assert all(photo.mask_is_subject for photo in read(tmp_path, masks="subject").photos)


def test_masks_beside_the_chosen_folder_and_beside_chosen_files_count(tmp_path):
    for i in range(3):
        picture(tmp_path / f"images/{i}.jpg", i)
        mask(tmp_path / f"Masks/{i}.png")
    assert all(photo.mask for photo in read(tmp_path / "images").photos)
    assert all(photo.mask for photo in read(*sorted((tmp_path / "images").iterdir())).photos)


def test_masks_without_a_photo_and_photos_without_a_mask_are_told_once(tmp_path):
    for i in range(5):
        picture(tmp_path / f"images/{i}.jpg", i)
    for name in ("0", "1", "8", "9"):
        mask(tmp_path / f"masks/{name}.png")
    job = Job()
    capture = job.stage("Reading photos", read_photos, Photos((tmp_path,)), CaptureSettings())
    assert [bool(photo.mask) for photo in capture.photos] == [True, True, False, False, False]
    assert capture.warnings == (
        "Masks of no photo, or of several, are left out: 2 (masks/8.png, masks/9.png).",
        "Photos without a mask: 3 of 5 (2.jpg, 3.jpg, 4.jpg).",
    )
    assert job.report.choices["left out"] == "2 masks of no photo"


def test_a_mask_that_fits_two_photos_is_used_for_neither(tmp_path):
    for i, place in enumerate(("left", "right")):
        picture(tmp_path / f"images/{place}/0.jpg", i)
        picture(tmp_path / f"images/{place}/1.jpg", 5 + i)
    mask(tmp_path / "masks/0.png")
    mask(tmp_path / "masks/right/1.png")
    assert {photo.name: bool(photo.mask) for photo in read(tmp_path).photos} == {
        "left/0.jpg": False, "right/0.jpg": False, "left/1.jpg": False, "right/1.jpg": True,
    }  # fmt: skip


def test_masks_of_another_shape_and_unreadable_ones_are_left_out_and_scaled_ones_count(tmp_path):
    for i in range(4):
        picture(tmp_path / f"images/{i}.png", i)
    mask(tmp_path / "masks/0.png", INSIDE[::2, ::2])
    mask(tmp_path / "masks/1.png", INSIDE[:, :20])
    mask(tmp_path / "masks/2.png", INSIDE.T)
    (tmp_path / "masks/3.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    job = Job()
    capture = job.stage("Reading photos", read_photos, Photos((tmp_path,)), CaptureSettings())
    assert [bool(photo.mask) for photo in capture.photos] == [True, False, False, False]
    found = "1.png is 20 x 24, its photo 32 x 24, 2.png is 24 x 32, its photo 32 x 24, 3.png can't be read"
    assert capture.warnings == (f"Masks that don't fit their photo are left out: 3 ({found}).",)
    assert job.report.choices["left out"] == "3 masks that don't fit"
