import json
import math
from pathlib import Path

import numpy as np
import pytest
from reify.backend.capture.lenses import project
from reify.backend.errors import ReifyError
from reify.backend.formats.images import write_png
from reify.backend.formats.points_ply import write_points_ply
from reify.backend.formats.posed import pinhole_matrix
from reify.backend.formats.transforms import read_transforms, write_transforms
from reify.backend.values import Cameras, Points

# Stands at y = -5 and looks along +y with z up, in OpenGL axes.
LEVEL = [[1, 0, 0, 0], [0, 0, -1, -5], [0, 1, 0, 1], [0, 0, 0, 1]]


def picture(path: Path, width: int = 8, height: int = 6) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_png(path, np.full((height, width, 3), 128, np.uint8))
    return path


def document(tmp_path: Path, frames: list[dict], name: str = "transforms.json", **fields) -> Path:
    path = tmp_path / name
    path.write_text(json.dumps({**fields, "frames": frames}), encoding="utf-8")
    return path


def test_a_nerfstudio_file_says_pose_lens_split_mask_and_points(tmp_path):
    for i in range(3):
        picture(tmp_path / f"images/{i}.png")
    picture(tmp_path / "hide/1.png")
    write_points_ply(Points(np.array([[1, 2, 3]], np.float32), np.array([[9, 8, 7]], np.uint8)), tmp_path / "sparse_pc.ply")
    frames = [{"file_path": f"images/{i}.png", "transform_matrix": LEVEL} for i in range(3)]
    frames[1] |= {"mask_path": "hide/1.png", "fl_x": 700, "k1": 0.3}
    frames[2]["split"] = "test"
    lens = {"fl_x": 500, "fl_y": 510, "cx": 321, "cy": 239, "w": 640, "h": 480, "k1": 0.1, "k2": -0.2, "p1": 0.01, "p2": 0.02, "k3": 0.03}
    posed = read_transforms(document(tmp_path, frames, camera_model="OPENCV", ply_file_path="sparse_pc.ply", applied_scale=2.0, **lens))
    assert posed.names == ("images/0.png", "images/1.png", "images/2.png")
    assert posed.test == (2,) and posed.missing == ()
    assert posed.masks == (None, tmp_path / "hide/1.png", None)
    assert posed.cameras.K[:, 0, 0].tolist() == [500, 700, 500] and posed.cameras.distortion[1].tolist() == [
        0.3,
        -0.2,
        0.01,
        0.02,
        0.03,
        0,
        0,
        0,
    ]
    assert posed.points.xyz.tolist() == [[1, 2, 3]] and posed.points.rgb.tolist() == [[9, 8, 7]]
    # The point to the right of and above the viewing axis lands right of and above the principal point.
    ((u, v),), (depth,) = project(posed.cameras, 0, np.array([[0.5, 0.0, 1.5]]))
    assert u > 321 and v < 239 and depth == pytest.approx(5.0)


def test_nerf_synthetic_leaves_the_extension_and_the_size_to_the_picture(tmp_path):
    for split, count in (("train", 2), ("test", 1)):
        frames = []
        for i in range(count):
            picture(tmp_path / f"{split}/r_{i}.png", 800, 600)
            frames.append({"file_path": f"./{split}/r_{i}", "transform_matrix": LEVEL})
        document(tmp_path, frames, f"transforms_{split}.json", camera_angle_x=math.pi / 2)
    posed = read_transforms(tmp_path / "transforms_train.json", tmp_path / "transforms_test.json")
    assert posed.names == ("train/r_0.png", "train/r_1.png", "test/r_0.png") and posed.test == (2,)
    assert np.allclose(posed.cameras.K[0], pinhole_matrix(400, 400, 400, 300))
    assert posed.cameras.size_px.tolist() == [[800, 600]] * 3


def test_file_lists_of_the_split_are_obeyed(tmp_path):
    frames = [{"file_path": f"images/{i}.png", "transform_matrix": LEVEL} for i in range(3)]
    for i in range(3):
        picture(tmp_path / f"images/{i}.png")
    names = {"train_filenames": ["images/0.png", "images/2.png"], "test_filenames": ["images/1.png"]}
    assert read_transforms(document(tmp_path, frames, fl_x=5, **names)).test == (1,)
    assert read_transforms(document(tmp_path, frames, fl_x=5)).test is None


def test_fisheye_lenses_are_known_by_model_or_flag(tmp_path):
    picture(tmp_path / "a.png")
    frames = [{"file_path": "a.png", "transform_matrix": LEVEL, "k1": 0.1, "k2": 0.2, "k3": 0.3, "k4": 0.4}]
    for fields in ({"camera_model": "OPENCV_FISHEYE"}, {"is_fisheye": True}):
        cameras = read_transforms(document(tmp_path, frames, fl_x=5, **fields)).cameras
        assert cameras.fisheye and cameras.distortion[0].tolist() == [0.1, 0.2, 0.3, 0.4, 0, 0, 0, 0]


def test_paths_of_another_computer_and_backslashes_are_found_by_name(tmp_path):
    names = [f"images/a b ä {i} 🦊.png" for i in range(3)]
    for name in names:
        picture(tmp_path / name)
    paths = ("D:\\scan\\images\\a b ä 0 🦊.png", "images\\a b ä 1 🦊.png", "/home/x/a b ä 2 🦊")
    frames = [{"file_path": path, "transform_matrix": LEVEL} for path in paths]
    assert read_transforms(document(tmp_path, frames, fl_x=5)).names == tuple(names)


def test_missing_pictures_are_named_and_all_missing_is_an_error(tmp_path):
    picture(tmp_path / "a.png")
    frames = [{"file_path": name, "transform_matrix": LEVEL} for name in ("a.png", "b.png")]
    assert read_transforms(document(tmp_path, frames, fl_x=5)).missing == ("b.png",)
    odd = [{"file_path": path, "transform_matrix": LEVEL} for path in ("a.png", "", "/", ".", "images/", "a\0b", 7)]
    posed = read_transforms(document(tmp_path, odd, fl_x=5))
    assert len(posed.images) == 1 and posed.missing == ("images/", "a\0b") and "4 damaged pictures" in posed.notes[1]
    with pytest.raises(ReifyError, match=r"None of the 1 pictures.*b\.png"):
        read_transforms(document(tmp_path, frames[1:], fl_x=5))


@pytest.mark.parametrize(
    ("frame", "fields"),
    [
        ({}, {"fl_x": 5}),
        ({"transform_matrix": [[1, 2], [3, 4]]}, {"fl_x": 5}),
        ({"transform_matrix": "none"}, {"fl_x": 5}),
        ({"transform_matrix": [[math.nan] * 4] * 4}, {"fl_x": 5}),
        ({"transform_matrix": np.diag([1, 1, -1, 1]).tolist()}, {"fl_x": 5}),
        ({"transform_matrix": LEVEL}, {}),
        ({"transform_matrix": LEVEL}, {"fl_x": -5}),
        ({"transform_matrix": LEVEL}, {"fl_x": "wide"}),
        ({"transform_matrix": LEVEL}, {"fl_x": 5, "w": math.inf, "h": 5}),
        ({"transform_matrix": LEVEL}, {"fl_x": 5, "w": 1e300, "h": 5}),
        ({"transform_matrix": LEVEL}, {"fl_x": 5, "k1": math.inf}),
        ({"transform_matrix": LEVEL}, {"fl_x": 5, "camera_model": "RPC"}),
    ],
)
def test_a_frame_without_proper_numbers_is_refused(tmp_path, frame, fields):
    picture(tmp_path / "a.png")
    with pytest.raises(ReifyError):
        read_transforms(document(tmp_path, [{"file_path": "a.png", **frame}], **fields))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"frames": 3}', '{"frames": []}', '{"frames": [1]}', '{"name": "not poses"}', "\xff"])
def test_a_json_that_is_something_else_is_refused(tmp_path, content):
    (tmp_path / "transforms.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(ReifyError):
        read_transforms(tmp_path / "transforms.json")


@pytest.mark.parametrize("fisheye", [False, True])
def test_what_is_written_is_read_again(tmp_path, fisheye):
    rng = np.random.default_rng(0)
    names = ["images/a b.png", "images/ö.png"]
    for name in names:
        picture(tmp_path / name)
    poses = np.tile(np.eye(4), (2, 1, 1))
    poses[:, :3, 3] = rng.normal(size=(2, 3))
    distortion = rng.normal(size=(2, 8)) * 0.01
    if fisheye:
        distortion[:, 4:] = 0
    cameras = Cameras(poses, np.array([pinhole_matrix(5, 6, 4, 3)] * 2), np.array([[8, 6]] * 2), distortion, fisheye)
    points = Points(rng.normal(size=(4, 3)).astype(np.float32), None, np.float32([[1, 0, 0], [0, -1, 0], [0, 0, 1], [0.6, 0, -0.8]]))
    write_transforms(cameras, names, tmp_path / "transforms.json", test=[1], points=points)
    posed = read_transforms(tmp_path / "transforms.json")
    assert posed.names == tuple(names) and posed.test == (1,) and posed.cameras.fisheye == fisheye
    for name in ("cam_from_world", "K", "size_px", "distortion"):
        assert np.allclose(getattr(posed.cameras, name), getattr(cameras, name)), name
    assert np.allclose(posed.points.xyz, points.xyz) and posed.points.rgb is None and np.allclose(posed.points.normals, points.normals)
