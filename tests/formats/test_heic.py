"""HEIC of iPhones is read where pi_heif is installed, and named for what it is where it isn't."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from reify.backend.capture.read import CaptureSettings, read_photos
from reify.backend.errors import ReifyError
from reify.backend.formats import images
from reify.backend.jobs.job import Job
from reify.backend.values import Photos
from reify.tests.formats.heic import write_heic

NEEDED = pytest.mark.skipif(importlib.util.find_spec("pi_heif") is None, reason="pi_heif isn't installed")


def picture(seed: int) -> np.ndarray:
    return np.kron(np.random.default_rng(seed).integers(40, 215, (4, 6, 3), dtype=np.uint8), np.ones((16, 16, 1), np.uint8))


def folder_of(folder: Path, ending: str) -> Path:
    for i in range(3):
        write_heic(folder / f"IMG_{i}{ending}", picture(i))
    return folder


@NEEDED
@pytest.mark.parametrize("ending", [".HEIC", ".jpg"])
def test_heic_is_read_whatever_its_name_says(tmp_path, ending):
    folder_of(tmp_path, ending)
    for i in range(3):
        read = images.read_image(tmp_path / f"IMG_{i}{ending}").astype(int)
        assert read.shape == (64, 96, 3)
        assert np.abs(read[8::16, 8::16] - picture(i)[8::16, 8::16]).max() < 20  # colors at half the size
    capture = Job().stage("Reading photos", read_photos, Photos((tmp_path,)), CaptureSettings())
    assert [(photo.width, photo.height) for photo in capture.photos] == [(96, 64)] * 3 and not capture.warnings


def test_without_the_package_heic_is_named_and_jpegs_beside_it_are_used(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "reads_heif", lambda: False)
    folder_of(tmp_path, ".HEIC")
    with pytest.raises(ReifyError, match="3 HEIC pictures such as IMG_0.HEIC, which need the package pi_heif"):
        Job().stage("Reading photos", read_photos, Photos((tmp_path,)), CaptureSettings())
    for i in range(3):
        images.write_jpeg(tmp_path / f"IMG_{i}.jpg", picture(i))
    capture = Job().stage("Reading photos", read_photos, Photos((tmp_path,)), CaptureSettings())
    assert len(capture.photos) == 3 and not capture.warnings


@pytest.mark.skipif(importlib.util.find_spec("pi_heif") is not None, reason="pi_heif is installed")
def test_heic_renamed_to_jpg_is_named_for_what_it_is(tmp_path):
    folder_of(tmp_path, ".jpg")
    with pytest.raises(ReifyError, match="IMG_2.jpg is a HEIC picture, which needs the package pi_heif"):
        Job().stage("Reading photos", read_photos, Photos((tmp_path,)), CaptureSettings())


@NEEDED
def test_damaged_heic_is_called_damaged(tmp_path):
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(200))
    with pytest.raises(ReifyError, match="a.heic is damaged"):
        images.read_image(tmp_path / "a.heic")
