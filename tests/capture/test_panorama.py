"""Panoramas become perspective views of one rig."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reify.backend.capture import panorama
from reify.backend.capture.lenses import project
from reify.backend.capture.read import CaptureSettings, read_photos
from reify.backend.capture.solve import CameraSettings, solve_cameras
from reify.backend.formats.posed import pinhole_matrix
from reify.backend.jobs.job import Job
from reify.backend.metrics.cameras import camera_errors
from reify.backend.values import Cameras, Capture, Photo, Photos

WIDTH, HEIGHT = 512, 256


def directions() -> np.ndarray:
    """The unit vector of each pixel of a panorama [H,W,3]: x right, y down, z into its middle."""
    longitude = ((np.arange(WIDTH) + 0.5) / WIDTH - 0.5) * 2 * np.pi
    latitude = (0.5 - (np.arange(HEIGHT) + 0.5) / HEIGHT) * np.pi
    lon, lat = np.meshgrid(longitude, latitude)
    return np.dstack([np.sin(lon) * np.cos(lat), -np.sin(lat), np.cos(lon) * np.cos(lat)])


def colored(xyz: np.ndarray) -> np.ndarray:
    """A direction as a color: every one has its own."""
    return np.rint(127.5 + 120 * xyz).astype(np.uint8)


def noisy(seed: int) -> np.ndarray:
    """Something to see all around, without a seam."""
    rng = np.random.default_rng(seed)
    d = directions()
    waves = sum(np.cos(d @ (4 * rng.normal(size=3)) + rng.random()) for _ in range(12))
    return np.rint(127 + 30 * np.dstack([waves, np.roll(waves, 0, 1), -waves])).clip(0, 255).astype(np.uint8)


def write(folder: Path, pixels: list[np.ndarray], ending: str = "png", **options: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i, one in enumerate(pixels):
        Image.fromarray(one).save(folder / f"pano_{i}.{ending}", **options)
    return folder


def read(folder: Path) -> tuple[Capture, Job]:
    job = Job()
    return job.stage("Reading photos", read_photos, Photos((folder,)), CaptureSettings()), job


def test_each_view_shows_what_lies_in_its_direction(tmp_path):
    photo = Photo(tmp_path / "pano.png", "pano.png", WIDTH, HEIGHT, rig=panorama.UNCUT)
    Image.fromarray(colored(directions())).save(photo.path)
    areas = panorama.areas_of([photo])
    capture = panorama.cut(Capture("", (photo,)), areas, tmp_path / "views", lambda *_: None, pytest.fail)
    assert [Path(view.name).stem for view in capture.photos] == list(panorama.FACES)
    from reify.backend.geometry import quaternions

    expected = {"front": (0, 0, 1), "right": (1, 0, 0), "back": (0, 0, -1), "left": (-1, 0, 0), "up": (0, -1, 0), "down": (0, 1, 0)}
    for view in capture.photos:
        pixels = np.asarray(Image.open(view.path)).astype(int)
        side = view.width
        assert pixels.shape == (side, side, 3)
        x = (np.arange(side) + 0.5 - side / 2) / view.focal_px
        rays = np.dstack([*np.meshgrid(x, x), np.ones((side, side))])
        rotation = quaternions.to_matrices(np.array([view.cam_from_rig]))[0]
        in_rig = rays @ rotation
        in_rig /= np.linalg.norm(in_rig, axis=2, keepdims=True)
        assert np.abs(pixels - colored(in_rig)).max() <= 6
        assert np.allclose(rotation.T @ [0, 0, 1], expected[Path(view.name).stem], atol=1e-9)
        upright = Path(view.name).stem not in ("up", "down")
        assert not upright or pixels[0, side // 2, 1] < pixels[-1, side // 2, 1], "y grows downwards"


def test_panoramas_are_told_by_their_pixels_and_other_wide_pictures_stay(tmp_path):
    capture, job = read(write(tmp_path / "around", [noisy(i) for i in range(3)]))
    assert len(capture.photos) == 18 and job.report.choices["panoramas"] == "3 cut into 6 views each"
    assert len({photo.rig for photo in capture.photos}) == 1 and len({photo.shot for photo in capture.photos}) == 3
    rng = np.random.default_rng(0)
    wide = [np.kron(rng.integers(0, 255, (16, 32, 3), dtype=np.uint8), np.ones((16, 16, 1), np.uint8)) for _ in range(3)]
    capture, job = read(write(tmp_path / "wide", wide))
    assert len(capture.photos) == 3 and "panoramas" not in job.report.choices


def test_a_seam_in_one_panorama_of_many_doesnt_make_it_a_photo(tmp_path):
    pictures = [noisy(i) for i in range(4)]
    pictures[1][:, :8] = 255
    assert len(read(write(tmp_path, pictures))[0].photos) == 24


def test_panoramas_are_told_by_their_xmp_and_cropped_ones_are_known_where_they_are(tmp_path):
    rows = slice(64, 192)
    says = {"FullPanoWidthPixels": WIDTH, "FullPanoHeightPixels": HEIGHT, "CroppedAreaLeftPixels": 0, "CroppedAreaTopPixels": 64}
    text = "".join(f"<GPano:{name}>{value}</GPano:{name}>" for name, value in says.items())
    xmp = f"<x:xmpmeta><GPano:ProjectionType>equirectangular</GPano:ProjectionType>{text}</x:xmpmeta>".encode()
    capture, _job = read(write(tmp_path, [noisy(i)[rows] for i in range(3)], "jpg", quality=95, xmp=xmp))
    assert len(capture.photos) == 18
    up = next(photo for photo in capture.photos if "up" in photo.name)
    assert up.mask is not None and not up.mask_is_subject
    known = np.asarray(Image.open(up.mask))
    assert known[up.height // 2, up.width // 2] == 0 and known[0, 0] == 255


def test_the_mask_of_a_panorama_is_cut_along(tmp_path):
    ahead = np.where(directions()[..., 2] > 0, 255, 0).astype(np.uint8)
    write(tmp_path / "images", [noisy(i) for i in range(3)])
    write(tmp_path / "masks", [ahead] * 3)
    capture, _job = read(tmp_path)  # which owns the files
    views = {Path(photo.name).stem: np.asarray(Image.open(photo.mask)) for photo in capture.photos[:6]}
    assert views["front"].min() > 200 and views["back"].max() < 50
    assert views["right"][:, :50].min() > 200 and views["right"][:, -50:].max() < 50


def test_known_cameras_of_panoramas_turn_with_their_views(tmp_path):
    names = [path.name for path in sorted(write(tmp_path, [noisy(i) for i in range(3)]).iterdir())]
    poses = np.tile(np.eye(4), (3, 1, 1))
    poses[:, :3, 3] = np.eye(3)
    level = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # looks along +y, z up: world from camera
    poses[:, :3, :3] = level
    frames = [
        {"file_path": name, "transform_matrix": (pose @ np.diag([1.0, -1, -1, 1])).tolist()}
        for name, pose in zip(names, poses, strict=True)
    ]
    import json

    (tmp_path / "transforms.json").write_text(json.dumps({"camera_model": "EQUIRECTANGULAR", "frames": frames}))
    capture, _ = read(tmp_path)
    assert len(capture.photos) == len(capture.cameras) == 18
    point = np.array([[1.0, 3.0, 0.2]])  # ahead of the first one, to the right by nothing
    pixels, depth = project(capture.cameras, 0, point)
    side = capture.photos[0].width
    assert depth[0] == pytest.approx(3.0) and pixels[0, 0] == pytest.approx(side / 2) and pixels[0, 1] < side / 2
    above = [i for i, photo in enumerate(capture.photos) if photo.name == "pano_0.png/up.png" or photo.name == "pano_0.png/up.jpg"][0]
    assert project(capture.cameras, above, np.array([[1.0, 0.1, 5.0]]))[1][0] == pytest.approx(5.0)


@pytest.mark.slow
@pytest.mark.blender
def test_a_room_is_rebuilt_from_panoramas_at_its_true_proportions(tmp_path):
    pytest.importorskip("bpy")
    from reify.tests.capture.room import SIZE_M, render_panoramas

    places = render_panoramas(tmp_path, count=8, width_px=640, samples=2)
    capture, job = read(tmp_path)
    assert len(capture.photos) == 48
    solved = job.stage("Finding cameras", solve_cameras, capture, CameraSettings())
    assert len(solved.photos) == 48 and solved.cameras.is_pinhole
    assert np.ptp([photo.focal_px for photo in solved.photos]) == 0 and np.allclose(solved.cameras.K[0, 0, 0], capture.photos[0].focal_px)
    number = [int(photo.name[5:7]) for photo in solved.photos]
    truth = np.tile(np.eye(4), (48, 1, 1))
    from reify.backend.geometry import quaternions

    for i, photo in enumerate(solved.photos):
        angle = 0.7 * 2 * np.pi * number[i] / 8
        level = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]) @ [
            [1, 0, 0],
            [0, 0, 1],
            [0, -1, 0],
        ]
        truth[i, :3, :3] = quaternions.to_matrices(np.array([photo.cam_from_rig]))[0] @ level.T
        truth[i, :3, 3] = -truth[i, :3, :3] @ places[number[i]]
    K = np.array([pinhole_matrix(1, 1, 0, 0)] * 48)
    errors = camera_errors(solved.cameras, Cameras(truth, K, np.ones((48, 2), int), np.zeros((48, 8))))
    assert errors.position.max() < 0.01 and errors.rotation_deg.max() < 0.3
    # Up stayed up: the room is as high as it is, along z.
    extent = np.ptp(np.quantile(solved.points.xyz, [0.02, 0.98], axis=0), axis=0)
    assert extent[2] / extent[:2].max() == pytest.approx(SIZE_M[2] / SIZE_M[0], rel=0.25)
    assert replace(solved, photos=()).world_from_source is not None


def test_a_panorama_that_cannot_be_decoded_is_left_out(tmp_path):
    photos = [Photo(tmp_path / f"{name}.png", name, WIDTH, HEIGHT, rig=panorama.UNCUT) for name in ("whole", "broken")]
    Image.fromarray(colored(directions())).save(photos[0].path)
    photos[1].path.write_bytes(photos[0].path.read_bytes()[:500])
    said: list[str] = []
    areas = panorama.areas_of([photos[0], photos[0]])
    capture = panorama.cut(Capture("", tuple(photos)), areas, tmp_path / "views", lambda *_: None, said.append)
    assert {photo.shot for photo in capture.photos} == {"whole"} and "broken.png is damaged" in said[0]
