import shutil
from pathlib import Path

import numpy as np
import pytest
from reify.backend.capture.undistort import project
from reify.backend.errors import ReifyError
from reify.backend.formats import axes
from reify.backend.formats.colmap import COEFFICIENTS, read_colmap, write_colmap
from reify.backend.formats.posed import pinhole_matrix
from reify.backend.values import Cameras, Points

pycolmap = pytest.importorskip("pycolmap")

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


def synthetic(tmp_path: Path, model: str = "SIMPLE_RADIAL", cameras_per_rig: int = 2) -> "pycolmap.Reconstruction":
    """A model by COLMAP itself, with rigs of several cameras, written as text and binary, and empty pictures for it."""
    options = pycolmap.SyntheticDatasetOptions()
    options.num_rigs, options.num_cameras_per_rig, options.num_frames_per_rig, options.num_points3D = 2, cameras_per_rig, 4, 40
    options.camera_model_id = getattr(pycolmap.CameraModelId, model)
    options.camera_params = VALUES[model]
    options.camera_width, options.camera_height = 640, 480
    reconstruction = pycolmap.synthesize_dataset(options)
    for folder, write in (("binary", reconstruction.write_binary), ("text", reconstruction.write_text)):
        (tmp_path / folder).mkdir()
        write(str(tmp_path / folder))
    for image in reconstruction.images.values():
        (tmp_path / "images" / image.name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "images" / image.name).write_bytes(b"")
    return reconstruction


@pytest.mark.parametrize("kind", ["binary", "text"])
@pytest.mark.parametrize("model", list(VALUES))
def test_points_land_on_the_pixels_that_colmap_says(tmp_path, model, kind):
    reconstruction = synthetic(tmp_path, model)
    posed = read_colmap(tmp_path / kind, [tmp_path / "images"])
    assert sorted(posed.names) == list(posed.names) == sorted(image.name for image in reconstruction.images.values())
    by_name = {image.name: image for image in reconstruction.images.values()}
    xyz_of_colmap = np.array([point.xyz for point in reconstruction.points3D.values()])
    for i, name in enumerate(posed.names):
        image = by_name[name]
        in_cam = image.cam_from_world() * xyz_of_colmap
        expected = image.camera.img_from_cam(in_cam)
        pixels, depths = project(posed.cameras, i, axes.move_points(xyz_of_colmap, axes.Z_UP_FROM_Y_DOWN))
        ahead = (depths > 0) & (np.abs(expected - [320, 240]) < [400, 300]).all(axis=1)
        assert ahead.any()
        assert np.allclose(pixels[ahead], expected[ahead], atol=1e-6)
        assert np.allclose(depths, in_cam[:, 2])


def test_every_supported_model_is_tested():
    assert set(COEFFICIENTS) == set(VALUES)


@pytest.mark.parametrize("kind", ["binary", "text"])
def test_sparse_points_and_their_colors_come_along_with_z_up(tmp_path, kind):
    reconstruction = synthetic(tmp_path)
    points = read_colmap(tmp_path / kind, [tmp_path / "images"]).points
    expected = np.array([point.xyz for _, point in sorted(reconstruction.points3D.items())])
    order = np.lexsort(points.xyz.T), np.lexsort(axes.move_points(expected, axes.Z_UP_FROM_Y_DOWN).T)
    assert np.allclose(points.xyz[order[0]], axes.move_points(expected, axes.Z_UP_FROM_Y_DOWN)[order[1]], atol=1e-5)
    assert points.rgb.shape == points.xyz.shape and points.rgb.dtype == np.uint8
    # COLMAP's y points down: what is lowest for it has the least z here.
    assert np.argmax(expected[:, 1]) == np.argmin(np.array([axes.move_points(p[None], axes.Z_UP_FROM_Y_DOWN)[0, 2] for p in expected]))


@pytest.mark.parametrize("kind", ["binary", "text"])
def test_a_model_of_colmap_3_without_rigs_and_frames_reads_the_same(tmp_path, kind):
    synthetic(tmp_path)
    new = read_colmap(tmp_path / kind, [tmp_path / "images"])
    for path in (tmp_path / kind).iterdir():
        if path.stem in ("rigs", "frames"):
            path.unlink()
    old = read_colmap(tmp_path / kind, [tmp_path / "images"])
    assert np.array_equal(new.cameras.cam_from_world, old.cameras.cam_from_world)


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("fisheye", [False, True])
def test_a_written_model_is_read_alike_by_colmap_and_by_us(tmp_path, text, fisheye):
    rng = np.random.default_rng(0)
    poses = np.tile(np.eye(4), (4, 1, 1))
    poses[:, :3, :3] = axes.matrices_of_quats(rng.normal(size=(4, 4)))
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

    theirs = pycolmap.Reconstruction(str(tmp_path / "model"))
    assert len(theirs.points3D) == 6 and len(theirs.cameras) == 3
    for image in theirs.images.values():
        i = image.image_id - 1
        assert text or image.name == names[i]  # COLMAP itself reads names in text files up to the first space
        assert np.allclose(image.cam_from_world().matrix(), (poses[i] @ axes.Z_UP_FROM_Y_DOWN)[:3])
        assert np.allclose(image.camera.calibration_matrix(), K[i])


def test_missing_pictures_are_left_out_and_named(tmp_path):
    synthetic(tmp_path)
    images = tmp_path / "images"
    gone = sorted(images.rglob("*.png"))[3]
    gone.unlink()
    posed = read_colmap(tmp_path / "binary", [tmp_path, images])
    assert posed.missing == (gone.relative_to(images).as_posix(),)
    assert len(posed.images) == len(posed.cameras) == 15
    shutil.rmtree(images)
    with pytest.raises(ReifyError, match="None of the 16 pictures"):
        read_colmap(tmp_path / "binary", [images])


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin", "points3D.bin"])
def test_a_binary_model_that_is_cut_off_anywhere_is_refused(tmp_path, name):
    synthetic(tmp_path)
    path = tmp_path / "binary" / name
    whole = path.read_bytes()
    for length in {0, 7, 8, 20, len(whole) // 3, len(whole) // 2, len(whole) - 1}:
        path.write_bytes(whole[:length])
        with pytest.raises(ReifyError, match="damaged"):
            read_colmap(tmp_path / "binary", [tmp_path / "images"])


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin", "points3D.bin"])
def test_a_binary_model_of_noise_is_refused_and_takes_no_memory(tmp_path, name):
    synthetic(tmp_path)
    for seed in range(20):
        (tmp_path / "binary" / name).write_bytes(np.random.default_rng(seed).bytes(3000))
        with pytest.raises(ReifyError):
            read_colmap(tmp_path / "binary", [tmp_path / "images"])


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
        ("points3D.txt", "1 2 3\n"),
    ],
)
def test_a_text_model_with_nonsense_is_refused(tmp_path, name, content):
    synthetic(tmp_path)
    (tmp_path / "images" / "a.png").write_bytes(b"")
    (tmp_path / "text" / name).write_text(content)
    with pytest.raises(ReifyError, match="damaged"):
        read_colmap(tmp_path / "text", [tmp_path / "images"])


def test_a_camera_model_that_cannot_be_undistorted_here_is_named(tmp_path):
    synthetic(tmp_path)
    path = tmp_path / "text" / "cameras.txt"
    path.write_text("".join(f"{i} FOV 640 480 500 500 320 240 0.9\n" for i in range(1, 9)))
    with pytest.raises(ReifyError, match="FOV"):
        read_colmap(tmp_path / "text", [tmp_path / "images"])
