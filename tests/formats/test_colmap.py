import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from reify.backend.capture.lenses import project
from reify.backend.errors import ReifyError
from reify.backend.formats.colmap import COEFFICIENTS, read_colmap, write_colmap
from reify.backend.formats.posed import pinhole_matrix
from reify.backend.geometry import axes, quaternions
from reify.backend.values import Cameras, Points

if importlib.util.find_spec("pycolmap") is None:
    pytest.skip("pycolmap isn't installed", allow_module_level=True)

VALUES = {
    "SIMPLE_PINHOLE": [500, 320, 240],
    "PINHOLE": [500, 510, 320, 240],
    "SIMPLE_RADIAL": [500, 320, 240, 0.05],
    "RADIAL": [500, 320, 240, 0.05, -0.02],
    "OPENCV": [500, 510, 320, 240, 0.05, -0.02, 0.003, -0.002],
    "FULL_OPENCV": [500, 510, 320, 240, 0.05, -0.02, 0.003, -0.002, 0.01, 0.004, -0.003, 0.002],
    "SIMPLE_FISHEYE": [500, 320, 240],
    "FISHEYE": [500, 510, 320, 240],
    "SIMPLE_RADIAL_FISHEYE": [500, 320, 240, 0.05],
    "RADIAL_FISHEYE": [500, 320, 240, 0.05, -0.02],
    "OPENCV_FISHEYE": [500, 510, 320, 240, 0.05, -0.02, 0.003, -0.002],
}


def colmap_itself(*arguments: str) -> None:
    subprocess.run([sys.executable, str(Path(__file__).with_name("colmap_itself.py")), *arguments], check=True)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small model for each camera model, by COLMAP itself."""
    folder = tmp_path_factory.mktemp("colmap")
    colmap_itself("synthesize", str(folder), json.dumps(VALUES))
    return folder


@pytest.fixture
def model(models: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of one of them, with rigs of two cameras, as text and binary, and empty pictures for it."""
    folder = tmp_path / "model"
    shutil.copytree(models / getattr(request, "param", "SIMPLE_RADIAL"), folder)
    for name in np.load(folder / "says.npz")["names"]:
        (folder / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "images" / name).write_bytes(b"")
    return folder


@pytest.mark.parametrize("kind", ["binary", "text"])
@pytest.mark.parametrize("model", list(VALUES), indirect=True)
def test_points_land_on_the_pixels_that_colmap_says(model, kind):
    says = np.load(model / "says.npz")
    posed = read_colmap(model / kind, [model / "images"])
    assert list(posed.names) == list(says["names"])
    for i in range(len(posed.names)):
        in_cam, expected = says["in_cam"][i], says["pixels"][i]
        pixels, depths = project(posed.cameras, i, axes.move_points(says["xyz"], axes.Z_UP_FROM_Y_DOWN))
        ahead = (depths > 0) & (np.abs(expected - [320, 240]) < [400, 300]).all(axis=1)
        assert ahead.any()
        assert np.allclose(pixels[ahead], expected[ahead], atol=1e-6)
        assert np.allclose(depths, in_cam[:, 2])


def test_every_supported_model_is_tested():
    assert set(COEFFICIENTS) == set(VALUES)


@pytest.mark.parametrize("kind", ["binary", "text"])
def test_sparse_points_and_their_colors_come_along_with_z_up(model, kind):
    points = read_colmap(model / kind, [model / "images"]).points
    theirs = np.load(model / "says.npz")["xyz"]
    expected = axes.move_points(theirs, axes.Z_UP_FROM_Y_DOWN)
    order = np.lexsort(points.xyz.T), np.lexsort(expected.T)
    assert np.allclose(points.xyz[order[0]], expected[order[1]], atol=1e-5)
    assert points.rgb.shape == points.xyz.shape and points.rgb.dtype == np.uint8
    # COLMAP's y points down: what is lowest for it has the least z here.
    assert np.argmax(theirs[:, 1]) == np.argmin(expected[:, 2])


@pytest.mark.parametrize("kind", ["binary", "text"])
def test_a_model_of_colmap_3_without_rigs_and_frames_reads_the_same(model, kind):
    new = read_colmap(model / kind, [model / "images"])
    for path in (model / kind).iterdir():
        if path.stem in ("rigs", "frames"):
            path.unlink()
    old = read_colmap(model / kind, [model / "images"])
    assert np.array_equal(new.cameras.cam_from_world, old.cameras.cam_from_world)


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("fisheye", [False, True])
def test_a_written_model_is_read_alike_by_colmap_and_by_us(tmp_path, text, fisheye):
    rng = np.random.default_rng(0)
    poses = np.tile(np.eye(4), (4, 1, 1))
    poses[:, :3, :3] = quaternions.to_matrices(rng.normal(size=(4, 4)))
    poses[:, :3, 3] = rng.normal(size=(4, 3))
    distortion = np.zeros((4, 8))
    distortion[2] = [0.1, 0.01, 0.02, -0.01, *([0] * 4 if fisheye else [0.01, 0.02, 0.03, 0.04])]
    distortion[3, 0] = 0.2
    K = np.array([pinhole_matrix(500, 510 + i // 2, 320, 240) for i in range(4)])
    cameras = Cameras(poses, K, np.array([[640, 480]] * 4), distortion, fisheye)
    names = ["a b.jpg", "sub/ä.png", "c.jpg", "d 🦊.jpg"]
    points = Points(rng.normal(size=(6, 3)).astype(np.float32), rng.integers(0, 256, (6, 3), dtype=np.uint8))
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    write_colmap(cameras, names, tmp_path / "model", points, text=text)

    ours = read_colmap(tmp_path / "model", [tmp_path / "nowhere", tmp_path])
    order = [names.index(name) for name in ours.names]
    assert np.allclose(ours.cameras.cam_from_world, poses[order]) and np.allclose(ours.cameras.K, K[order])
    assert np.allclose(ours.cameras.distortion, distortion[order]) and ours.cameras.fisheye == fisheye
    assert np.allclose(ours.points.xyz, points.xyz, atol=1e-6) and np.array_equal(ours.points.rgb, points.rgb)

    colmap_itself("read", str(tmp_path / "model"), str(tmp_path / "says.npz"))
    says = np.load(tmp_path / "says.npz")
    assert list(says["counts"]) == [3, 6]
    for number, name, cam_from_world, matrix in zip(*(says[key] for key in ("ids", "names", "cam_from_world", "K")), strict=True):
        i = number - 1
        assert text or name == names[i]  # COLMAP itself reads names in text files up to the first space
        assert np.allclose(cam_from_world, (poses[i] @ axes.Z_UP_FROM_Y_DOWN)[:3])
        assert np.allclose(matrix, K[i])


def test_missing_pictures_are_left_out_and_named(model):
    images = model / "images"
    gone = sorted(images.rglob("*.png"))[3]
    gone.unlink()
    posed = read_colmap(model / "binary", [model, images])
    assert posed.missing == (gone.relative_to(images).as_posix(),)
    assert len(posed.images) == len(posed.cameras) == 15
    shutil.rmtree(images)
    with pytest.raises(ReifyError, match="None of the 16 pictures"):
        read_colmap(model / "binary", [images])


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin"])
def test_what_comes_before_the_end_of_a_cut_off_model_is_read_and_the_rest_is_told(model, name):
    whole_model = read_colmap(model / "binary", [model / "images"])
    pose_of = dict(zip(whole_model.names, whole_model.cameras.cam_from_world, strict=True))
    path = model / "binary" / name
    whole = path.read_bytes()
    counts = []
    for length in sorted({0, 7, 8, 20, len(whole) // 3, len(whole) // 2, len(whole) - 1}):
        path.write_bytes(whole[:length])
        try:
            posed = read_colmap(model / "binary", [model / "images"])
        except ReifyError as error:
            assert "damaged" in error.what
            counts.append(0)
            continue
        counts.append(len(posed.images))
        assert "damaged" in " ".join(posed.notes) and all(
            np.array_equal(pose, pose_of[found]) for found, pose in zip(posed.names, posed.cameras.cam_from_world, strict=True)
        )
    assert counts[:4] == [0, 0, 0, 0] and 0 < counts[-2] < counts[-1] <= 16


def test_damaged_points_never_cost_the_cameras(model):
    path = model / "binary" / "points3D.bin"
    whole = path.read_bytes()
    for content in (b"", whole[:7], whole[: len(whole) // 2], whole[:-1], np.random.default_rng(0).bytes(3000)):
        path.write_bytes(content)
        posed = read_colmap(model / "binary", [model / "images"])
        assert len(posed.images) == 16 and posed.points is None and "sparse points" in posed.notes[0]


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin"])
def test_a_binary_model_of_noise_is_refused_and_takes_no_memory(model, name):
    for seed in range(20):
        (model / "binary" / name).write_bytes(np.random.default_rng(seed).bytes(3000))
        with pytest.raises(ReifyError):
            read_colmap(model / "binary", [model / "images"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cameras.txt", "1 PINHOLE 640\n"),
        ("cameras.txt", "1 PINHOLE 640 480 nonsense 500 320 240\n"),
        ("cameras.txt", "1 PINHOLE 640 480 nan 500 320 240\n"),
        ("cameras.txt", ""),
        ("images.txt", "1 1 0 0 0\n\n"),
        ("images.txt", "just words\n\n"),
        ("images.txt", "1 0 0 0 0 0 0 0 1 a.png\n\n"),
    ],
)
def test_a_text_model_with_nonsense_is_refused(model, name, content):
    (model / "images" / "a.png").write_bytes(b"")
    (model / "text" / name).write_text(content)
    with pytest.raises(ReifyError, match="damaged"):
        read_colmap(model / "text", [model / "images"])


def test_a_camera_model_that_cannot_be_undistorted_here_is_named(model):
    path = model / "text" / "cameras.txt"
    path.write_text("".join(f"{i} FOV 640 480 500 500 320 240 0.9\n" for i in range(1, 9)))
    with pytest.raises(ReifyError, match="FOV"):
        read_colmap(model / "text", [model / "images"])
