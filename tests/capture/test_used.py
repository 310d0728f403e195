"""A job's key is made of the files that its reader looks at: whatever else lies in the folder costs nothing and changes nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reify.backend.capture.nearby import camera_files, surroundings
from reify.backend.capture.read import CaptureSettings, read_photos
from reify.backend.capture.used import digests_of, used_files
from reify.backend.jobs import store
from reify.backend.jobs.job import Job
from reify.backend.methods.image import Settings, one_by_one
from reify.backend.values import Capture, Photos


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "vase"
    folder.mkdir()
    for number in range(4):
        Image.fromarray(np.full((8, 8, 3), 40 * number, np.uint8)).save(folder / f"{number}.png")
    return folder


def digest(folder: Path) -> str:
    return digests_of((folder,))[str(folder)]


def read(*sources: Path) -> Capture:
    return Job().stage("Reading photos", read_photos, Photos(sources), CaptureSettings())


def large(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(3 << 30)


BESIDES = {
    "what the Finder leaves": lambda folder: (folder / ".DS_Store").write_bytes(b"a"),
    "3 GB of something else": lambda folder: large(folder / "backup.tar"),
    "a pipe": lambda folder: os.mkfifo(folder / "a.png"),
    "a pipe of cameras": lambda folder: os.mkfifo(folder / "transforms.json"),
    "a link to the folder itself": lambda folder: (folder / "again").symlink_to(folder, target_is_directory=True),
    "a link upwards": lambda folder: (folder / "up").symlink_to(folder.parent, target_is_directory=True),
    "a link to itself": lambda folder: (folder / "b.png").symlink_to("b.png"),
    "a link that leads nowhere": lambda folder: (folder / "c.png").symlink_to("nothing.png"),
}


@pytest.mark.parametrize("put", BESIDES.values(), ids=BESIDES)
def test_what_no_reader_looks_at_neither_changes_the_key_nor_holds_it_up(photos, put):
    before = digest(photos)
    put(photos)
    started = time.perf_counter()
    assert digest(photos) == before and len(read(photos).photos) == 4
    surroundings((photos,)), surroundings((photos / "0.png",)), list(camera_files(photos)), one_by_one((photos,), Settings())
    assert time.perf_counter() - started < 5


def test_every_file_that_a_reader_looks_at_changes_the_key(photos):
    seen = {digest(photos)}
    for name in ("a.jpg", "b.heic", "c.cr2", "d.mov", "transforms.json", "sparse/0/images.bin", "masks/0.png", "depth/0.npy", "metadata"):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        (photos / name).write_bytes(name.encode())
        seen.add(digest(photos))
    assert len(seen) == 10
    (photos / "a.jpg").rename(photos / "aa.jpg")
    assert digest(photos) not in seen


def test_a_link_to_photos_elsewhere_is_followed_once(photos, tmp_path):
    (tmp_path / "capture").mkdir()
    for name in ("one", "two"):
        (tmp_path / "capture" / name).symlink_to(photos, target_is_directory=True)
    assert len(used_files(tmp_path / "capture")) == len(read(tmp_path / "capture").photos) == 4


def test_a_photo_that_may_not_be_read_costs_itself_alone(photos, monkeypatch):
    refused = photos / "2.png"
    refused.write_bytes((photos / "1.png").read_bytes())  # as large as another one, so that both are compared
    original = os.open

    def refuse(path, *rest, **more):
        if os.fspath(path) == str(refused):
            raise PermissionError(13, "Permission denied", str(refused))
        return original(path, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(store, "_file_digests", {})
    assert digest(photos) and store.digest(tuple(photos.iterdir()))
    assert len(read(photos).photos) >= 3


def test_a_cancel_ends_the_look_through_a_large_folder(photos):
    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    for name in ("images", "sparse"):
        (photos / name).mkdir()
    large(photos / "large.png")
    with pytest.raises(Stop):
        digests_of((photos,), stop)
    with pytest.raises(Stop):
        surroundings((photos / "images",), stop)
    with pytest.raises(Stop):
        store.file_digest(photos / "large.png", stop)
