"""Cameras are found wherever programs leave them, and the report says which were used."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from reify.backend.capture.read import CaptureSettings, read_photos
from reify.backend.errors import ReifyError
from reify.backend.formats.colmap import write_colmap
from reify.backend.jobs.job import Job
from reify.backend.values import Capture, Photos
from reify.tests.capture import layouts

ALL = "of 8 of 8 photos"


def read(*sources: Path) -> tuple[Capture, str]:
    """The capture, and what the report says of its cameras."""
    job = Job()
    capture = job.stage("Reading photos", read_photos, Photos(sources), CaptureSettings())
    return capture, job.report.choices.get("cameras", "")


def model(folder: Path, numbers: range, names: list[str], text: bool = True) -> None:
    write_colmap(layouts.cameras().take(list(numbers)), [names[i] for i in numbers], folder, layouts.sparse_points(), text=text)


@pytest.mark.parametrize(
    ("place", "images", "chosen"),
    [
        ("sparse/0", "images", "."),
        ("sparse/1", "images", "."),
        ("sparse", "Images", "."),
        ("colmap/sparse/0", "images", "."),
        ("dense/0/sparse", "dense/0/images", "."),
        ("dense/0/sparse", "dense/0/images", "dense/0"),
        ("distorted/sparse/0", "input", "."),
        ("model", "pics", "."),
        ("model", "pics", "pics"),
        ("aligned", "photos/left", "."),
        ("sparse/0", "images", "images"),
        ("sparse/0", "images", "sparse"),
        ("sparse/0", "images", "sparse/0"),
        ("sparse/0", "images", "sparse/0/images.txt"),
        ("scan/sparse/0", "scan/images", "."),
        ("sparse/0/text", "images", "images"),
        ("", "images", "."),
    ],
)
def test_a_model_is_found_and_named(tmp_path, place, images, chosen):
    names = layouts.pictures(tmp_path / "vase" / images)
    model(tmp_path / "vase" / place, range(8), names)
    capture, said = read(tmp_path / "vase" / chosen)
    assert len(capture.photos) == 8 and capture.cameras is not None and ALL in said and "COLMAP" in said
    assert np.allclose(capture.cameras.centers, layouts.world_from_cam()[:, :3, 3], atol=1e-6) and len(capture.points) == 300
    assert not capture.warnings


@pytest.mark.parametrize("capital", ["Cameras.txt Images.txt Points3D.txt", "CAMERAS.TXT IMAGES.TXT POINTS3D.TXT"])
def test_files_in_capitals_are_a_model_too(tmp_path, capital):
    layouts.colmap(tmp_path, text=True)
    for name in capital.split():
        (tmp_path / "sparse/0" / {"c": "cameras", "i": "images", "p": "points3D"}[name[0].lower()]).with_suffix(".txt").rename(
            tmp_path / "sparse/0" / name
        )
    capture, said = read(tmp_path)
    assert ALL in said and len(capture.points) == 300


def test_the_largest_of_several_models_is_used_and_the_others_are_told(tmp_path):
    names = layouts.pictures(tmp_path / "images")
    model(tmp_path / "sparse/0", range(3), names)
    model(tmp_path / "sparse/1", range(8), names)
    model(tmp_path / "sparse/2", range(2), names)
    capture, said = read(tmp_path)
    assert len(capture.photos) == 8 and "sparse/1" in said
    assert "not used: the COLMAP model in sparse/0 with 3 photos, the COLMAP model in sparse/2 with 2 photos" in said


def test_photos_that_no_camera_is_known_of_are_counted(tmp_path):
    names = layouts.pictures(tmp_path / "images")
    model(tmp_path / "sparse/0", range(6), names)
    job = Job()
    capture = job.stage("Reading photos", read_photos, Photos((tmp_path,)), CaptureSettings())
    assert len(capture.photos) == 6 and "6 of 8 photos" in job.report.choices["cameras"]
    assert capture.warnings == ("Photos without a camera in the COLMAP model in sparse/0 are left out: 2 of 8 (6.png, 7.png).",)
    assert job.report.choices["left out"] == "2 photos without a camera"


def test_a_model_of_two_photos_doesnt_keep_the_others_out(tmp_path):
    names = layouts.pictures(tmp_path / "images")
    model(tmp_path / "sparse/0", range(2), names)
    capture, said = read(tmp_path)
    assert len(capture.photos) == 8 and capture.cameras is None and "found from the photos" in said
    assert capture.warnings == ("The COLMAP model in sparse/0 isn't used, because it knows 2 of the 8 photos.",)


def test_a_model_and_pictures_that_are_given_together_belong_together_wherever_they_lie(tmp_path):
    names = layouts.pictures(tmp_path / "here/pictures of a vase")
    model(tmp_path / "there/export 7", range(8), [f"C:\\scan\\{name}" for name in names])
    for sources in (("here/pictures of a vase", "there/export 7"), ("there/export 7/cameras.txt", "here")):
        capture, said = read(*(tmp_path / source for source in sources))
        assert len(capture.photos) == 8 and capture.cameras is not None and ALL in said
    files = sorted((tmp_path / "here/pictures of a vase").iterdir())
    assert read(tmp_path / "there/export 7", *files)[0].cameras is not None


def test_cameras_of_another_capture_beside_this_one_are_left_alone(tmp_path):
    for name in ("boot", "vase"):
        layouts.plain(tmp_path / name)
    names = [f"IMG_{i + 1}.jpg" for i in range(8)]
    model(tmp_path / "vase/sparse/0", range(8), names)
    (tmp_path / "vase/odometry.csv").write_text("timestamp, frame\n")
    capture, said = read(tmp_path / "boot")
    assert capture.cameras is None and said == "none lie in or beside the folder; they are found from the photos" and not capture.warnings


def test_the_pictures_that_a_distorted_model_was_made_of_are_used_with_it(tmp_path):
    names = layouts.pictures(tmp_path / "input")
    shutil.copytree(tmp_path / "input", tmp_path / "images")
    (tmp_path / "images/7.png").unlink()
    model(tmp_path / "distorted/sparse/0", range(8), names)
    capture, _ = read(tmp_path)
    assert all(photo.path.parent.name == "input" for photo in capture.photos)


def test_a_model_whose_pictures_are_nowhere_is_an_error_that_says_which(tmp_path):
    model(tmp_path / "sparse/0", range(8), [f"{i}.png" for i in range(8)])
    with pytest.raises(ReifyError, match=r"None of the 8 pictures that the COLMAP model in sparse/0 names exists; 0\.png is the first"):
        read(tmp_path / "sparse/0")


def test_the_cache_notices_what_changes_beside_the_sources(tmp_path):
    from reify.backend.capture.nearby import surroundings

    names = layouts.pictures(tmp_path / "vase/images")
    before = surroundings((tmp_path / "vase/images",))
    model(tmp_path / "vase/sparse/0", range(8), names)
    between = surroundings((tmp_path / "vase/images",))
    (tmp_path / "vase/masks").mkdir()
    (tmp_path / "vase/masks/0.png").write_bytes(b"mask")
    assert before != between != surroundings((tmp_path / "vase/images",))
    assert surroundings((tmp_path / "vase/sparse/0",)) != before


def test_pictures_get_the_cameras_that_call_them_by_their_names(tmp_path):
    layouts.polycam(tmp_path)
    for chosen, cameras in (("images", "cameras"), ("corrected_images", "corrected_cameras"), ("", "corrected_cameras")):
        assert read(tmp_path / "keyframes" / chosen)[1].startswith(f"Polycam's {cameras}, {ALL}")


def test_a_video_alone_gets_the_poses_that_lie_beside_it(tmp_path):
    layouts.stray_scanner(tmp_path / "scan")
    capture, said = read(tmp_path / "scan/rgb.mp4")
    assert capture.cameras is not None and said.startswith("the Stray Scanner recording")
    layouts.film(tmp_path / "other")
    assert read(tmp_path / "other/walk.mp4")[0].cameras is None
