"""One bad detail costs what it belongs to: the rest of a capture is read, and what was left out is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reify.backend.capture.lenses import project
from reify.backend.capture.read import CaptureSettings, read_photos
from reify.backend.capture.solve import CameraSettings, solve_cameras
from reify.backend.errors import ReifyError
from reify.backend.formats.colmap import write_colmap
from reify.backend.formats.transforms import write_transforms
from reify.backend.jobs.job import Job
from reify.backend.values import Capture, Photos
from reify.tests.capture import layouts

CENTERS = layouts.world_from_cam()[:, :3, 3]


def read(*sources: Path, job: Job | None = None) -> Capture:
    return (job or Job()).stage("Reading photos", read_photos, Photos(sources), CaptureSettings())


def colmap(folder: Path) -> Path:
    layouts.colmap(folder, text=True)
    return folder / "sparse/0"


def changed(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def without_empty_lines(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if line)


def without_line(number: int) -> Callable[[str], str]:
    return lambda text: "\n".join(line for i, line in enumerate(text.split("\n")) if i != number)


def with_observations(text: str) -> str:
    """Second lines as COLMAP writes them, one of them with as many numbers as a pose has."""
    lines = text.split("\n")
    for i, line in enumerate(lines):
        if not line and i > 1:
            lines[i] = " ".join(["10.5 20.25 -1"] * (i % 5 + 1)) + (" 1 2 3" if i % 2 else "")
    return "\n".join(lines)


IMAGES = {
    "no second lines": without_empty_lines,
    "one second line missing": without_line(4),
    "an empty line on top": lambda text: "\n" + text,
    "second lines with observations": with_observations,
    "a second line missing among observations": lambda text: without_line(2)(with_observations(text)),
    "Windows line ends": lambda text: text.replace("\n", "\r\n"),
    "tabs": lambda text: text.replace(" ", "\t"),
    "spaces around": lambda text: "\n".join(f"  {line}  " for line in text.split("\n")),
}


@pytest.mark.parametrize("change", IMAGES.values(), ids=IMAGES)
def test_images_txt_of_careless_exporters_keeps_every_photo(tmp_path, change):
    changed(colmap(tmp_path) / "images.txt", change)
    capture = read(tmp_path)
    assert np.allclose(capture.cameras.centers, CENTERS, atol=1e-6) and not capture.warnings


@pytest.mark.parametrize("name", ["cameras.txt", "images.txt", "points3D.txt"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_model_in_another_encoding_reads_the_same(tmp_path, name, encoding):
    path = colmap(tmp_path) / name
    path.write_bytes(path.read_text().encode(encoding))
    capture = read(tmp_path)
    assert np.allclose(capture.cameras.centers, CENTERS, atol=1e-6) and len(capture.points) == 300 and not capture.warnings


def test_names_in_a_legacy_encoding_find_their_pictures(tmp_path):
    names = layouts.pictures(tmp_path / "images", "照片{}.png")
    write_colmap(layouts.cameras(), names, tmp_path / "sparse/0", text=True)
    path = tmp_path / "sparse/0/images.txt"
    path.write_bytes(path.read_text(encoding="utf-8").encode("gbk"))
    capture = read(tmp_path)
    assert [photo.name for photo in capture.photos] == names and not capture.warnings


def test_a_camera_of_an_unsupported_model_costs_only_its_photos(tmp_path):
    model = colmap(tmp_path)
    changed(model / "cameras.txt", lambda text: text + "7 FOV 96 72 90 90 48 36 0.9\n")
    assert len(read(tmp_path).photos) == 8 and not read(tmp_path).warnings
    changed(model / "images.txt", lambda text: text.replace(" 1 3.png", " 7 3.png"))
    capture = read(tmp_path)
    assert len(capture.photos) == 7 and "the COLMAP camera model FOV isn't supported" in capture.warnings[0]


def test_damaged_lines_are_told_and_the_sound_ones_used(tmp_path):
    model = colmap(tmp_path)
    changed(model / "cameras.txt", lambda text: text + "nonsense\n")
    changed(model / "images.txt", lambda text: text + "9 nan 0 0 0 1 2 3 1 8.png\n\nwords and more\n")
    changed(model / "points3D.txt", lambda text: text + "301 1 2\n")
    capture = read(tmp_path)
    assert len(capture.photos) == 8 and len(capture.points) == 300 and "3 damaged pictures" in capture.warnings[0]


@pytest.mark.parametrize("name", ["points3D.txt", "rigs.txt", "frames.txt"])
def test_a_missing_optional_file_costs_nothing(tmp_path, name):
    (colmap(tmp_path) / name).unlink(missing_ok=True)
    assert len(read(tmp_path).photos) == 8


def nerfstudio(folder: Path, change: Callable[[dict], None] = lambda document: None) -> Path:
    names = layouts.pictures(folder, "images/{}.png")
    write_transforms(layouts.cameras(), names, folder / "transforms.json", points=layouts.sparse_points())
    document = json.loads((folder / "transforms.json").read_text())
    change(document)
    (folder / "transforms.json").write_text(json.dumps(document))
    return folder / "transforms.json"


NOT_A_POSE = {
    "NaN": [[float("nan")] * 4] * 4,
    "text": "lost",
    "zeros": np.zeros((4, 4)).tolist(),
    "mirrored": np.diag([1.0, 1, -1, 1]).tolist(),
    "two rows": [[1, 0, 0, 0], [0, 1, 0, 0]],
    "nothing": None,
}
ECEF = np.array([3134000.0, 590000.0, 5500000.0])  # near Oslo


@pytest.mark.parametrize("pose", NOT_A_POSE.values(), ids=NOT_A_POSE)
def test_a_frame_without_a_pose_is_left_out_and_told(tmp_path, pose):
    nerfstudio(tmp_path, lambda document: document["frames"][2].update(transform_matrix=pose))
    capture = read(tmp_path)
    assert np.allclose(capture.cameras.centers, np.delete(CENTERS, 2, axis=0), atol=1e-6)
    assert "frame 2" in capture.warnings[0] and "2.png" in capture.warnings[1]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_transforms_json_in_another_encoding_reads_the_same(tmp_path, encoding):
    path = nerfstudio(tmp_path)
    path.write_bytes(path.read_text().encode(encoding))
    assert np.allclose(read(tmp_path).cameras.centers, CENTERS, atol=1e-6)


def test_a_comma_too_many_and_single_bad_entries_cost_no_more_than_themselves(tmp_path):
    path = nerfstudio(tmp_path, lambda document: (document["frames"][0].pop("file_path"), document["frames"][1].update(fl_x="wide")))
    changed(path, lambda text: text.replace("]}", "],}").rstrip("}") + ",}")
    capture = read(tmp_path)
    assert len(capture.photos) == 6 and "2 damaged pictures" in capture.warnings[0]


def test_damaged_sparse_points_are_told_and_left_out(tmp_path):
    nerfstudio(tmp_path)
    (tmp_path / "sparse_pc.ply").write_text("x")
    capture = read(tmp_path)
    assert len(capture.photos) == 8 and capture.points is None and "sparse points of transforms.json" in capture.warnings[0]


def test_a_mask_path_that_leads_nowhere_is_told(tmp_path):
    nerfstudio(tmp_path, lambda document: [frame.update(mask_path=f"masks/{i}.png") for i, frame in enumerate(document["frames"])])
    capture = read(tmp_path)
    assert len(capture.photos) == 8 and not any(photo.mask for photo in capture.photos)
    assert capture.warnings[0].startswith("The cameras' file names 8 mask pictures, and none of them can be used (masks/0.png")


@pytest.mark.parametrize(
    ("fields", "width_deg", "said"),
    [
        ({"fl_x": 35.7, "fl_y": 35.7, "camera_angle_x": 0.98, "camera_angle_y": 0.76}, 56.1, "camera_angle_x is used"),
        ({"fl_x": 90.0, "fl_y": 90.0, "camera_angle_x": 0.3}, 56.1, "fl_x is used"),
        ({"fl_x": None, "fl_y": None, "camera_angle_x": 56.1}, 56.1, ""),
    ],
)
def test_focal_lengths_that_contradict_each_other_are_told_and_the_likely_one_is_used(tmp_path, fields, width_deg, said):
    def change(document: dict) -> None:
        for frame in document["frames"]:
            frame |= {"w": 960, "h": 720, **fields} if fields["fl_x"] == 35.7 else fields

    nerfstudio(tmp_path, change)
    capture = read(tmp_path)
    fx = capture.cameras.K[0, 0, 0]
    assert np.degrees(2 * np.arctan(layouts.WIDTH / (2 * fx))) == pytest.approx(width_deg, abs=0.2)
    assert said in " ".join(capture.warnings) and len(capture.warnings) == bool(said)


def test_a_focal_length_in_millimeters_is_no_field_of_view_of_170_degrees(tmp_path):
    nerfstudio(tmp_path, lambda document: [frame.update(fl_x=3.5, fl_y=3.5) for frame in document["frames"]])
    capture = read(tmp_path)
    assert len(capture.photos) == 8 and capture.cameras is None and "too wide (is the focal length in pixels?)" in capture.warnings[0]
    with pytest.raises(ReifyError, match="too wide"):
        read(tmp_path / "transforms.json")


UTM = np.array([500123.25, 4649776.5, 312.0])


def test_entries_that_are_no_frames_are_passed_over(tmp_path):
    nerfstudio(tmp_path, lambda document: document["frames"].extend([None, 7, "frame"]))
    capture = read(tmp_path)
    assert len(capture.photos) == 8 and "3 damaged pictures" in capture.warnings[0]


@pytest.mark.parametrize("text", [True, False])
def test_cameras_and_points_in_large_coordinates_keep_their_precision_and_the_offset(tmp_path, text):
    names = layouts.pictures(tmp_path / "images")
    cameras = layouts.cameras()
    far = np.array(cameras.cam_from_world)
    far[:, :3, 3] -= far[:, :3, :3] @ UTM
    points = layouts.sparse_points()
    from dataclasses import replace

    there = replace(points, xyz=points.xyz.astype(np.float64) + UTM)
    write_colmap(replace(cameras, cam_from_world=far), names, tmp_path / "sparse/0", there, text=text)
    job = Job()
    capture = read(tmp_path, job=job)
    assert capture.points.xyz.dtype == np.float32
    assert np.allclose(capture.points.xyz + capture.offset, there.xyz, atol=1e-5)
    assert np.allclose(capture.cameras.centers + capture.offset, CENTERS + UTM, atol=1e-6)
    expected, _ = project(cameras, 3, points.xyz)
    assert np.allclose(project(capture.cameras, 3, capture.points.xyz)[0], expected, atol=1e-2)
    solved = job.stage("Finding cameras", solve_cameras, capture, CameraSettings())
    back = np.linalg.inv(solved.world_from_source)
    source = solved.points.xyz @ back[:3, :3].T + back[:3, 3] + solved.offset
    assert np.allclose(source, there.xyz, atol=1e-4)


def test_geocentric_coordinates_stand_upright_whatever_the_latitude(tmp_path):
    from dataclasses import replace

    names = layouts.pictures(tmp_path / "images")
    up = ECEF / np.linalg.norm(ECEF)
    east = np.cross([0, 0, 1.0], up) / np.linalg.norm(np.cross([0, 0, 1.0], up))
    earth_from_local = np.column_stack([east, np.cross(up, east), up])
    cameras = layouts.cameras()
    there = np.array(cameras.cam_from_world)
    there[:, :3, :3] = there[:, :3, :3] @ earth_from_local.T
    there[:, :3, 3] -= there[:, :3, :3] @ ECEF
    document = {"frames": []}
    for name, pose in zip(names, np.linalg.inv(there), strict=True):
        lens = {"fl_x": layouts.FX, "fl_y": layouts.FY, "cx": layouts.CX, "cy": layouts.CY, "w": layouts.WIDTH, "h": layouts.HEIGHT}
        document["frames"].append({"file_path": f"images/{name}", "transform_matrix": layouts.opengl(pose).tolist(), **lens})
    (tmp_path / "transforms.json").write_text(json.dumps(document))
    capture = read(tmp_path)
    seen = capture.cameras.centers - capture.cameras.centers[0]
    assert np.allclose(seen, CENTERS - CENTERS[0], atol=1e-5)
    back = np.linalg.inv(capture.world_from_source)
    source = capture.cameras.centers @ back[:3, :3].T + capture.offset
    assert np.allclose(source, np.linalg.inv(there)[:, :3, 3], atol=1e-5)
    assert replace(capture, photos=()).offset is not None


@pytest.mark.parametrize("name", ["a" * 300, "a\0b.png", "/" + "b" * 5000], ids=["300 characters", "a null", "5000 characters"])
def test_a_name_that_no_system_takes_costs_its_picture_alone(tmp_path, name):
    layouts.nerfstudio(tmp_path)
    path = tmp_path / "transforms.json"
    document = json.loads(path.read_text())
    document["frames"][0]["file_path"] = document["frames"][1]["mask_path"] = document["ply_file_path"] = name
    path.write_text(json.dumps(document))
    assert len(read(tmp_path).photos) == layouts.COUNT - 1


@pytest.mark.parametrize("value", [-1, 0, 2**31, 2**63, 10**400, "NaN", "1e999", "[]", "{}", '"a"', "null"])
@pytest.mark.parametrize("key", ["w", "h", "fl_x", "transform_matrix"])
def test_odd_numbers_in_one_frame_cost_that_frame_at_most(tmp_path, key, value):
    layouts.nerfstudio(tmp_path)
    path = tmp_path / "transforms.json"
    document = json.loads(path.read_text())
    document["frames"][0][key] = "ODD"
    path.write_text(json.dumps(document).replace('"ODD"', str(value)))
    assert len(read(tmp_path).photos) >= layouts.COUNT - 1


def broken_inside(path: Path) -> None:
    """A JPEG whose header and end are right, so that only decoding finds the damage."""
    with Image.open(path) as image:
        image.convert("RGB").save(path, format="JPEG", progressive=False)
    data = path.read_bytes()
    tables = data.index(b"\xff\xc4")  # the first Huffman table
    path.write_bytes(data[: tables + 5] + b"\xff" * 16 + data[tables + 21 :])


def test_a_photo_that_fails_when_it_is_decoded_is_left_out_of_given_cameras(tmp_path):
    layouts.nerfstudio(tmp_path)
    broken_inside(sorted((tmp_path / "images").iterdir())[2])
    job = Job()
    capture = read(tmp_path, job=job)
    assert len(capture.photos) == layouts.COUNT
    solved = job.stage("Finding cameras", solve_cameras, capture, CameraSettings(upright=False))
    rest = [i for i in range(layouts.COUNT) if i != 2]
    assert len(solved.photos) == len(rest) and np.allclose(solved.cameras.centers, CENTERS[rest], atol=1e-5)
    assert any("damaged or cut off" in warning for warning in job.report.warnings)


def test_a_photo_that_fails_when_it_is_decoded_is_left_out_of_structure_from_motion(tmp_path, monkeypatch):
    from reify.backend.capture import solve

    layouts.plain(tmp_path)
    broken_inside(sorted(path for path in tmp_path.rglob("*.jpg"))[2])
    seen = []

    def climb(capture, sizes, settings, folder, job):
        seen.append((len(capture.photos), sizes, len(list((folder / "pictures").iterdir()))))
        raise ReifyError("that is enough", "")

    monkeypatch.setattr(solve, "_climb", climb)
    job = Job()
    capture = read(tmp_path, job=job)
    with pytest.raises(ReifyError, match="that is enough"):
        job.stage("Finding cameras", solve_cameras, capture, CameraSettings())
    ((count, sizes, written),) = seen
    assert count == written == len(sizes) == layouts.COUNT - 1 and sizes.min() > 0


def test_too_few_photos_that_can_be_decoded_are_said(tmp_path):
    layouts.nerfstudio(tmp_path)
    for path in sorted((tmp_path / "images").iterdir())[: layouts.COUNT - 2]:
        broken_inside(path)
    job = Job()
    capture = read(tmp_path, job=job)
    with pytest.raises(ReifyError, match="Only 2 of 8 photos"):
        job.stage("Finding cameras", solve_cameras, capture, CameraSettings())
