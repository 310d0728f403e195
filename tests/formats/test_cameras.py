"""Camera files of other programs: what in them is damaged costs only itself, and what isn't one isn't taken for one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from reify.backend.errors import ReifyError
from reify.backend.formats.cameras import FORMATS, CameraFile, camera_file_at, camera_files_in
from reify.tests.capture import layouts

WRITERS: dict[str, tuple[Callable[[Path], None], str]] = {
    "transforms.json": (layouts.nerfcapture, "transforms.json"),
    "COLMAP": (lambda folder: layouts.colmap(folder, text=True), "sparse/0"),
    "Polycam": (layouts.polycam, "keyframes/corrected_cameras"),
    "Record3D": (layouts.record3d, "EXR_RGBD/metadata.json"),
    "Stray Scanner": (layouts.stray_scanner, "odometry.csv"),
    "Metashape": (layouts.metashape, "cameras.xml"),
    "RealityScan": (layouts.realityscan, "cameras.csv"),
    "Bundler": (layouts.bundler, "bundle.out"),
    "3DGS cameras.json": (layouts.splat_trainer, "cameras.json"),
}


def written(folder: Path, name: str) -> CameraFile:
    write, place = WRITERS[name]
    write(folder)
    found = [
        one
        for one in camera_files_in((folder / place).parent) + camera_files_in(folder / place if (folder / place).is_dir() else folder)
        if one.format.name == name
    ]
    return next(one for one in found if one.path == folder / place)


def test_every_format_is_tried():
    assert [form.name for form in FORMATS] == list(WRITERS)


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_is_found_by_what_is_in_it_and_by_nothing_else(tmp_path, name):
    camera_file = written(tmp_path / "scan", name)
    described = camera_file.format.describe(camera_file.path)
    assert len(described.shots) == (24 if name == "Stray Scanner" else 8) and not described.problems
    for other in ("transforms.json", "cameras.json", "metadata.json", "cameras.xml", "table.csv", "odometry.csv", "bundle.out", "list.txt"):
        (tmp_path / "others").mkdir(exist_ok=True)
        (tmp_path / "others" / other).write_text(
            '{"a": 1}' if other.endswith("json") else "<a/>" if other.endswith("xml") else "a,b\n1,2\n"
        )
    assert {one.path.name for one in camera_files_in(tmp_path / "others")} <= {"transforms.json"}  # its name says what it means to be


DAMAGE = {
    "Record3D": lambda text: text.replace('"poses": [[', '"poses": [["lost", ', 1),
    "Stray Scanner": lambda text: re.sub(r"000003, [^,]+", "000003, nan", text),
    "Metashape": lambda text: re.sub(r'(label="IMG_3"><transform>)[^<]+', r"\1nan nan", text),
    "RealityScan": lambda text: re.sub(r"IMG_3.png,[^,]+", "IMG_3.png,lost", text),
    "Bundler": lambda text: text.replace(f"{layouts.FX} 0 0", "nothing here", 1),
    "3DGS cameras.json": lambda text: text.replace('"fx": 90.0', '"fx": "wide"', 1),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_one_damaged_camera_costs_only_itself(tmp_path, name):
    camera_file = written(tmp_path / "scan", name)
    camera_file.path.write_text(DAMAGE[name](camera_file.path.read_text()))
    described = camera_file.format.describe(camera_file.path)
    assert len(described.shots) == (23 if name == "Stray Scanner" else 7) and len(described.problems) == 1


@pytest.mark.parametrize("name", [name for name in WRITERS if name not in ("COLMAP", "Polycam")])
@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"{}", b"[]", b"[1, null]", b"<document><chunk", b"# Bundle file v0.3\n3 0\n", b"a,b\n\0"]
)
def test_nonsense_is_an_error_with_a_way_out(tmp_path, name, content):
    camera_file = written(tmp_path / "scan", name)
    camera_file.path.write_bytes(content)
    with pytest.raises(ReifyError) as caught:
        camera_file.format.describe(camera_file.path)
    assert caught.value.fix


def test_damaged_files_of_polycam_are_passed_over(tmp_path):
    camera_file = written(tmp_path / "scan", "Polycam")
    (camera_file.path / "1003.json").write_text("{")
    (camera_file.path / "1004.json").write_text(json.dumps({"t_00": 1}))
    described = camera_file.format.describe(camera_file.path)
    assert len(described.shots) == 6 and len(described.problems) == 2


def test_tables_with_semicolons_and_decimal_commas_read_the_same(tmp_path):
    camera_file = written(tmp_path / "scan", "RealityScan")
    before = camera_file.format.describe(camera_file.path)
    camera_file.path.write_text(camera_file.path.read_text().replace(",", ";").replace(".", ",").replace(",png", ".png"))
    after = camera_file.format.describe(camera_file.path)
    assert [shot.name for shot in after.shots] == [shot.name for shot in before.shots]
    assert all(np.array_equal(a.cam_from_world, b.cam_from_world) for a, b in zip(after.shots, before.shots, strict=True))


def test_the_lens_of_metashape_has_its_tangential_terms_the_other_way_round(tmp_path):
    camera_file = written(tmp_path / "scan", "Metashape")
    text = camera_file.path.read_text().replace("<b1>", "<k1>0.1</k1><k2>-0.2</k2><k3>0.3</k3><p1>0.01</p1><p2>0.02</p2><b1>")
    camera_file.path.write_text(text)
    lens = camera_file.format.describe(camera_file.path).shots[0].lens
    assert lens.distortion.tolist() == [0.1, -0.2, 0.02, 0.01, 0.3, 0, 0, 0]


def test_any_file_of_a_colmap_model_stands_for_it(tmp_path):
    layouts.colmap(tmp_path)
    for name in ("cameras.bin", "images.bin", "points3D.bin", ""):
        found = camera_file_at(tmp_path / "sparse/0" / name)
        assert found is not None and found.path == tmp_path / "sparse/0" and found.format.name == "COLMAP"
    (tmp_path / "notes.txt").write_text("about the vase")
    assert camera_file_at(tmp_path / "notes.txt") is None
