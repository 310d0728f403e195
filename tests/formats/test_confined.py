"""Paths that stand inside files lead no further than the surroundings of what the user chose, and never to another computer."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reify.backend.capture.read import CaptureSettings, read_photos
from reify.backend.errors import ReifyError
from reify.backend.formats import confined, images, obj
from reify.backend.formats.mesh_ply import read_mesh_ply
from reify.backend.jobs.job import Job
from reify.backend.values import Capture, Photos
from reify.tests.capture import layouts

NETWORK = ("\\\\host\\share\\a.png", "//host/share/a.png", "\\\\?\\UNC\\host\\share\\a.png", "/\\host/share/a.png")


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every path that the system was asked about."""
    seen: list[str] = []
    for name in ("stat", "open", "scandir", "lstat"):
        original = getattr(os, name)

        def asked(path=".", *rest, original=original, **more):
            seen.append(os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else "")
            return original(path, *rest, **more)

        monkeypatch.setattr(os, name, asked)
    return seen


def capture(folder: Path, *names: str, **settings: bool) -> tuple[Capture, Job]:
    """What is read of a capture whose first pictures are named so."""
    path = folder / "transforms.json"
    document = json.loads(path.read_text())
    for frame, name in zip(document["frames"], names, strict=False):
        frame["file_path"] = frame["mask_path"] = name
    path.write_text(json.dumps({**document, "ply_file_path": names[0]}))
    job = Job()
    return job.stage("Reading photos", read_photos, Photos((folder,)), CaptureSettings(**settings)), job


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A capture, and a picture beside its folder."""
    layouts.nerfstudio(tmp_path / "captures/scan")
    Image.fromarray(np.zeros((layouts.HEIGHT, layouts.WIDTH, 3), np.uint8)).save(tmp_path / "captures/private.png")
    return tmp_path / "captures/scan"


@pytest.mark.parametrize("form", ["absolute", "steps up", "absolute with steps"])
def test_a_picture_outside_of_the_capture_is_not_read(scan, form):
    private = scan.parent / "private.png"
    name = {"absolute": str(private), "steps up": "../private.png", "absolute with steps": f"{scan}/images/../../private.png"}[form]
    found, job = capture(scan, name)
    used = {path.resolve() for photo in found.photos for path in (photo.path, photo.mask) if path}
    assert len(found.photos) == layouts.COUNT - 1 and private not in used
    assert any("outside of the capture's folder" in warning for warning in job.report.warnings) == (form != "steps up")


def test_it_is_read_where_the_user_agreed(scan):
    found, _ = capture(scan, str(scan.parent / "private.png"), outside_paths=True)
    assert len(found.photos) == layouts.COUNT and scan.parent / "private.png" in {photo.path for photo in found.photos}


def test_an_absolute_name_within_the_capture_is_followed(scan):
    within = scan / "images/frame_00001.png"
    assert len(capture(scan, str(within))[0].photos) == layouts.COUNT


def test_a_link_in_the_capture_is_the_users_own_and_is_followed(scan):
    (scan / "images/frame_00001.png").unlink()
    (scan / "images/frame_00001.png").symlink_to(scan.parent / "private.png")
    assert len(capture(scan, "images/frame_00001.png")[0].photos) == layouts.COUNT


@pytest.mark.parametrize("outside_paths", [False, True])
@pytest.mark.parametrize("name", NETWORK)
def test_another_computer_is_never_asked(scan, looked_at, name, outside_paths):
    capture(scan, name, outside_paths=outside_paths)
    assert confined.is_network(name) and not list(filter(confined.is_network, looked_at))


def test_pictures_that_all_lie_outside_are_said_with_the_way_out(tmp_path, scan):
    with pytest.raises(ReifyError, match="lie outside of its folder.*Outside Paths"):
        for path in sorted((scan / "images").iterdir()):
            path.rename(tmp_path / path.name)
        capture(scan, *(str(tmp_path / f"frame_0000{number}.png") for number in range(1, 9)))


@pytest.mark.parametrize("name", ["../private.png", "/private.png", *NETWORK])
def test_the_texture_of_a_mesh_comes_from_its_own_folder(tmp_path, looked_at, name):
    (tmp_path / "mesh").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "private.png")
    (tmp_path / "mesh/a.ply").write_text(
        f"ply\nformat ascii 1.0\ncomment TextureFile {name}\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
        "property float s\nproperty float t\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n"
        "0 0 0 0 0\n1 0 0 1 0\n0 1 0 0 1\n3 0 1 2\n"
    )
    looked_at.clear()
    read_mesh_ply(tmp_path / "mesh/a.ply")
    assert not list(filter(confined.is_network, looked_at)) and str(tmp_path / "private.png") not in map(os.path.normpath, looked_at)


@pytest.mark.parametrize("library", ["../a.mtl", "/tmp/a.mtl", *NETWORK])
def test_a_near_copy_of_an_obj_file_writes_its_materials_nowhere_else(tmp_path, looked_at, library):
    (tmp_path / "mesh").mkdir()
    (tmp_path / "a.mtl").write_text("newmtl a\n")
    (tmp_path / "mesh/a.obj").write_text(f"mtllib {library}\nv 1000000.5 0 0\nv 1000001.5 0 0\nv 1000001.5 1 0\nf 1 2 3\n")
    (tmp_path / "copies/inner").mkdir(parents=True)
    _, offset = obj.near_copy(tmp_path / "mesh/a.obj", tmp_path / "copies/inner")
    assert offset is not None and [path.name for path in (tmp_path / "copies").rglob("*") if path.is_file()] == ["a.obj"]
    assert not list(filter(confined.is_network, looked_at))


@pytest.mark.parametrize("quoted", ['href="{}"', "xlink:href='{}'", "href = '{}'"])
@pytest.mark.parametrize("entity", [False, True])
def test_a_drawing_shows_pictures_of_its_own_folder_alone(tmp_path, quoted, entity):
    pytest.importorskip("resvg_py")
    (tmp_path / "drawing").mkdir()
    for place in (tmp_path, tmp_path / "drawing"):
        Image.new("RGB", (8, 8), "red").save(place / "a.png")
    shown = {}
    for name in ("a.png", "../a.png", str(tmp_path / "a.png")):
        said = quoted.format("&name;" if entity else name)
        head = f'<!DOCTYPE svg [<!ENTITY name "{name}">]>' if entity else ""
        (tmp_path / "drawing/a.svg").write_text(
            f'{head}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 8 8">'
            f'<image width="8" height="8" {said}/></svg>'
        )
        shown[name] = bool(images.read_image(tmp_path / "drawing/a.svg", 64)[..., 0].any())
    assert list(shown.values()) == [True, False, False]
