"""Whatever lies in a chosen folder and isn't used is counted, and told where it could have mattered."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from reify.backend.capture.read import CaptureSettings, read_photos
from reify.backend.errors import ReifyError
from reify.backend.jobs.job import Job
from reify.backend.methods import method_called
from reify.backend.values import Capture, Photos
from reify.tests.capture import layouts


def read(*sources: Path, **settings: object) -> tuple[Capture, dict[str, str]]:
    job = Job()
    capture = job.stage("Reading photos", read_photos, Photos(sources), CaptureSettings(**settings))
    return capture, dict(job.report.choices)


def test_a_folder_of_everything_is_accounted_for(tmp_path):
    layouts.polycam(tmp_path)
    (tmp_path / "keyframes/corrected_cameras").rename(tmp_path / "gone")
    (tmp_path / "keyframes/cameras").rename(tmp_path / "gone too")
    for path in [*tmp_path.glob("gone*/*"), *tmp_path.glob("gone*")]:
        path.rmdir() if path.is_dir() else path.unlink()
    (tmp_path / "keyframes/images/readme.docx").write_bytes(b"words")
    (tmp_path / "keyframes/images/1007.psd").write_bytes(b"8BPS")
    (tmp_path / "keyframes/images/note.psd").write_bytes(b"8BPS")
    capture, said = read(tmp_path)
    assert len(capture.photos) == 8 and said["cameras"].startswith("none lie in or beside the folder")
    assert sorted(said["left out"].split(", ")) == sorted([
        "8 depth maps", "8 confidence maps", "8 copies in another size or form", "1 previews", "1 other files",
        "1 RAW and HEIC files beside their JPEGs", "1 pictures in a format that isn't read",
    ])  # fmt: skip
    assert capture.warnings == ("Skipped: 1 files such as note.psd, a format that isn't read. Convert them to JPEG.",)


def test_a_plain_folder_says_only_that_no_cameras_were_found(tmp_path):
    layouts.plain(tmp_path)
    capture, said = read(tmp_path)
    assert not capture.warnings and "left out" not in said


def test_a_video_beside_stills_is_told_and_used_where_it_is_chosen_too(tmp_path):
    layouts.plain(tmp_path / "vase")
    layouts.film(tmp_path / "vase/film")
    capture, said = read(tmp_path / "vase")
    assert len(capture.photos) == 8 and said["left out"] == "1 videos"
    assert capture.warnings == ("Videos beside the photos aren't used: 1 (walk.mp4). Choose them as sources, too.",)
    both, _ = read(tmp_path / "vase", tmp_path / "vase/film/walk.mp4", video_frames=4)
    assert len(both.photos) == 12


def test_films_of_live_photos_are_counted_and_never_told(tmp_path):
    layouts.live_photos(tmp_path)
    capture, said = read(tmp_path)
    assert len(capture.photos) == 8 and said["left out"] == "8 films of Live Photos" and not capture.warnings


def test_a_recording_whose_poses_are_missing_is_read_from_its_video(tmp_path):
    layouts.stray_scanner(tmp_path / "scan")
    (tmp_path / "scan/odometry.csv").write_text("timestamp, frame, x, y, z, qx, qy, qz, qw\n")
    capture, said = read(tmp_path / "scan", video_frames=6)
    assert len(capture.photos) == 6 and capture.cameras is None and capture.ordered
    assert capture.warnings == ("odometry.csv of Stray Scanner holds no poses. It isn't used.",)
    assert "24 depth maps" in said["left out"] and "24 confidence maps" in said["left out"]


def test_a_folder_without_photos_says_what_it_holds(tmp_path):
    layouts.realsense(tmp_path)
    for path in tmp_path.glob("color_*"):
        (tmp_path / "depth").mkdir(exist_ok=True)
        path.unlink()
    for path in tmp_path.glob("depth_*"):
        path.rename(tmp_path / "depth" / path.name)
    with pytest.raises(ReifyError, match=r"There are no photos in .*\. It holds 8 depth maps\."):
        read(tmp_path)


@pytest.mark.parametrize("ending", [".jfif", ".jpe", ".mpo", ".gif", ".jp2", ".tga", ".bmp", ".webp", ".avif"])
def test_every_ending_of_a_picture_is_read_beside_jpegs(tmp_path, ending):
    for number, pose in enumerate(layouts.world_from_cam()[:4]):
        path = tmp_path / f"{number}{ending if number < 2 else '.jpg'}"
        Image.fromarray(layouts.see(pose)[0]).save(path, format={".jfif": "JPEG", ".mpo": "JPEG"}.get(ending))
    capture, said = read(tmp_path)
    assert len(capture.photos) == 4 and not capture.warnings and "left out" not in said


def test_files_of_other_kinds_are_named_for_what_they_are(tmp_path):
    (tmp_path / "scan.obj").write_bytes(b"PK\x03\x04")
    with pytest.raises(ReifyError, match=r"scan\.obj is a ZIP archive, which isn't read"):
        read(tmp_path / "scan.obj")


def test_from_picture_takes_no_files_that_macos_leaves_on_other_disks(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "._a.png").write_bytes(b"\0\5\x16\7" + bytes(100))
    method = method_called("image")
    assert [share[0].name for share in method.shares([tmp_path], method.preset("Standard"))] == ["a.png"]
