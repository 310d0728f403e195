import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reify.backend.capture import views as views_module
from reify.backend.capture.lenses import distort, project
from reify.backend.capture.views import load_views
from reify.backend.errors import ReifyError
from reify.backend.formats.images import write_png
from reify.backend.formats.posed import pinhole_matrix
from reify.backend.values import Cameras, Capture, Photo

BARREL = (-0.25, 0.06, 0.004, -0.003, 0.0, 0.0, 0.0, 0.0)
PINCUSHION = (0.15, 0.02, -0.002, 0.003, 0.01, 0.0, 0.0, 0.0)
RATIONAL = (0.3, 0.1, 0.001, 0.001, 0.02, 0.4, 0.1, 0.01)
FISHEYE = (0.05, -0.01, 0.003, -0.001, 0.0, 0.0, 0.0, 0.0)


def scene_color(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What is seen in the direction (x, y, 1): smooth, and different everywhere."""
    rgb = [128 + 90 * np.sin(5 * x + 1) * np.cos(4 * y), 128 + 80 * np.sin(6 * y) + 30 * x, 128 + 60 * np.cos(7 * x - 3 * y)]
    return np.clip(np.stack(rgb, axis=-1), 0, 255)


def photograph(K: np.ndarray, size: tuple[int, int], distortion: np.ndarray, fisheye: bool) -> np.ndarray:
    """The scene as the lens shows it, each pixel an average of 3 x 3 rays."""
    width, height = size
    u, v = np.meshgrid((np.arange(3 * width) + 0.5) / 3, (np.arange(3 * height) + 0.5) / 3)
    target = np.stack([(u - K[0, 2]) / K[0, 0], (v - K[1, 2]) / K[1, 1]], axis=-1)
    rays = target.copy()
    for _ in range(40 if distortion.any() or fisheye else 0):  # fixed-point inversion
        rays += 0.7 * (target - distort(rays, distortion, fisheye))
    fine = scene_color(rays[..., 0], rays[..., 1])
    return np.rint(fine.reshape(height, 3, width, 3, 3).mean(axis=(1, 3))).astype(np.uint8)


def capture_of(folder: Path, pictures: list[np.ndarray], K: np.ndarray, distortion=(0.0,) * 8, fisheye=False, **fields) -> Capture:
    photos = []
    for i, pixels in enumerate(pictures):
        path = folder / f"{i}.png"
        write_png(path, pixels)
        height, width = pixels.shape[:2]
        photos.append(Photo(path, path.name, width, height, has_alpha=pixels.shape[2] == 4, **fields))
    count = len(photos)
    sizes = np.array([(photo.width, photo.height) for photo in photos])
    cameras = Cameras(np.tile(np.eye(4), (count, 1, 1)), np.array([K] * count), sizes, np.array([distortion] * count, dtype=float), fisheye)
    return Capture("test", tuple(photos), cameras)


def expected_view(cameras: Cameras, index: int = 0) -> np.ndarray:
    width, height = cameras.size_px[index]
    return photograph(cameras.K[index], (width, height), np.zeros(8), False)


@pytest.mark.parametrize("long_side_px", [0, 100, 41])
@pytest.mark.parametrize(
    ("distortion", "fisheye"), [((0.0,) * 8, False), (BARREL, False), (PINCUSHION, False), (RATIONAL, False), (FISHEYE, True)]
)
def test_a_view_shows_what_its_pinhole_camera_would_see(tmp_path, distortion, fisheye, long_side_px):
    K = pinhole_matrix(150.0, 160.0, 88.0, 64.0)  # the principal point is off the center
    taken = photograph(K, (160, 120), np.array(distortion), fisheye)
    views = load_views(capture_of(tmp_path, [taken], K, distortion, fisheye), long_side_px)
    assert views.cameras.is_pinhole and max(views.cameras.size_px[0]) == (long_side_px or 160)
    assert views.rgb[0].shape[1::-1] == tuple(views.cameras.size_px[0]) and views.rgb[0].dtype == np.uint8
    known = np.ones(views.rgb[0].shape[:2], bool) if views.weight[0] is None else views.weight[0] == 255
    inside = np.zeros_like(known)
    inside[3:-3, 3:-3] = True
    error = np.abs(views.rgb[0].astype(float) - expected_view(views.cameras))[known & inside]
    assert known.mean() > 0.8
    # Half a pixel off would be an error of 2 in the mean and 8 at the worst at full size.
    assert error.mean() < 0.8 and error.max() < 5


def test_a_projected_point_lies_on_what_it_was_projected_from(tmp_path):
    K = pinhole_matrix(150.0, 160.0, 88.0, 64.0)
    capture = capture_of(tmp_path, [np.zeros((120, 160, 3), np.uint8)], K, BARREL)
    point = np.array([[0.31, -0.22, 1.0]])
    ((u, v),), _ = project(capture.cameras, 0, point)
    taken = np.zeros((120, 160, 3), np.uint8)
    taken[int(v), int(u)] = 255
    write_png(capture.photos[0].path, taken)
    views = load_views(capture, 0)
    ((u, v),), _ = project(views.cameras, 0, point)
    row, column = np.unravel_index(views.rgb[0][..., 0].argmax(), (120, 160))
    assert abs(column + 0.5 - u) <= 1 and abs(row + 0.5 - v) <= 1


def test_what_the_lens_did_not_see_is_unknown(tmp_path):
    K = pinhole_matrix(150.0, 150.0, 80.0, 60.0)
    white = np.full((120, 160, 3), 255, np.uint8)
    views = load_views(capture_of(tmp_path, [white], K, PINCUSHION), 0)
    assert views.weight[0][60, 80] == 255 and views.weight[0][0, 0] == 0
    assert (views.rgb[0][views.weight[0] == 255] == 255).all()


@pytest.mark.parametrize("channels", [3, 4])
def test_shrinking_mixes_nothing_unseen_into_the_rim_of_what_the_lens_saw(tmp_path, channels):
    K = pinhole_matrix(150.0, 150.0, 80.0, 60.0)
    white = np.full((120, 160, channels), 255, np.uint8)
    white[50:70, 70:90, 3:] = 0  # so that there is an alpha
    views = load_views(capture_of(tmp_path, [white], K, PINCUSHION), 53)
    weight, alpha = views.weight[0], views.alpha[0]
    rim = (weight > 127) & (weight < 255)
    assert rim.sum() > 20 and (views.rgb[0][rim] == 255).all()
    assert (alpha is None) == (channels == 3) and (alpha is None or (alpha[rim] == 255).all())


def test_a_lens_whose_formula_turns_back_does_not_show_the_picture_twice(tmp_path):
    K = pinhole_matrix(60.0, 60.0, 80.0, 60.0)
    folding = (-0.4, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)  # turns back at r = 0.91, which is 55 pixels from the center
    views = load_views(capture_of(tmp_path, [np.full((120, 160, 3), 255, np.uint8)], K, folding), 0)
    radius = np.hypot(*np.meshgrid(np.arange(160) - 79.5, np.arange(120) - 59.5))
    assert (views.weight[0][radius > 56] == 0).all() and (views.weight[0][radius < 54] == 255).all()


@pytest.mark.parametrize("distortion", [(0.0,) * 8, BARREL, PINCUSHION])
def test_alpha_and_masks_are_scaled_and_undistorted_with_the_picture(tmp_path, distortion):
    K = pinhole_matrix(150.0, 150.0, 80.0, 60.0)
    pixels = np.full((120, 160, 4), 200, np.uint8)
    pixels[..., 3] = 255
    pixels[:60, :, 3] = 0  # the upper half is empty, and the left half is to be ignored
    mask = np.full((60, 80, 3), 255, np.uint8)
    mask[:, :40] = 0
    write_png(tmp_path / "hide.png", mask)
    capture = capture_of(tmp_path, [pixels], K, distortion, mask=tmp_path / "hide.png", mask_is_subject=False)
    views = load_views(capture, 80)
    alpha, weight = views.alpha[0], views.weight[0]
    assert alpha.shape == weight.shape == (60, 80) == views.rgb[0].shape[:2]
    assert alpha[10, 40] == 0 and alpha[50, 40] == 255 and weight[30, 10] == 0 and weight[30, 70] == 255
    assert (np.abs(views.rgb[0][(alpha == 255) & (weight > 127)] - 200.0) <= 1).all()
    assert weight[0, -1] == (0 if distortion == PINCUSHION else 255)  # the mask shows it, but the lens doesn't
    as_subject = load_views(replace(capture, photos=(replace(capture.photos[0], mask_is_subject=True),)), 80)
    assert as_subject.alpha[0][50, 10] == 0 and as_subject.alpha[0][50, 70] == 255 and as_subject.alpha[0][10, 70] == 0


def test_opaque_and_fully_known_pictures_carry_no_planes(tmp_path):
    K = pinhole_matrix(20.0, 20.0, 16.0, 12.0)
    views = load_views(capture_of(tmp_path, [np.full((24, 32, 4), 255, np.uint8)], K), 0)
    assert views.alpha[0] is None and views.weight[0] is None


def test_views_of_some_photos_keep_the_order_that_was_asked_for(tmp_path):
    pictures = [np.full((24 + 2 * i, 32, 3), 40 * i, np.uint8) for i in range(5)]
    views = load_views(capture_of(tmp_path, pictures, pinhole_matrix(20, 20, 16, 12)), 16, only=[3, 1])
    assert len(views) == len(views.rgb) == 2 and views.names == ("3.png", "1.png")
    assert [int(rgb[0, 0, 0]) for rgb in views.rgb] == [120, 40]
    assert [rgb.shape[:2] for rgb in views.rgb] == [(15, 16), (13, 16)]
    assert views.rgb[-1] is views.rgb[1] and len(views.rgb[0:2]) == 2
    with pytest.raises(IndexError):
        views.rgb[2]


def test_pictures_are_loaded_once_while_they_fit_and_the_rest_again_and_again(tmp_path, monkeypatch):
    pictures = [np.full((24, 32, 3), i, np.uint8) for i in range(6)]
    capture = capture_of(tmp_path, pictures, pinhole_matrix(20, 20, 16, 12))
    loaded: list[str] = []
    load = views_module.pyramid.load_level

    def counting(photo: Photo, *rest: object):
        loaded.append(photo.name)
        return load(photo, *rest)

    monkeypatch.setattr(views_module.pyramid, "load_level", counting)
    monkeypatch.setattr(views_module, "MOST_KEPT_BYTES", 4 * 24 * 32 * 3)
    views = load_views(capture, 0)
    assert loaded == []
    for _ in range(3):
        for i in range(6):
            assert views.rgb[i][0, 0, 0] == i and views.alpha[i] is None and views.weight[i] is None
    assert sorted(loaded) == ["0.png", "1.png", "2.png", "3.png"] + ["4.png"] * 3 + ["5.png"] * 3


def test_views_may_be_read_by_several_threads(tmp_path):
    pictures = [np.full((24, 32, 3), i, np.uint8) for i in range(8)]
    views = load_views(capture_of(tmp_path, pictures, pinhole_matrix(20, 20, 16, 12), BARREL), 0)
    wrong: list[int] = []

    def look() -> None:
        wrong.extend(i for i in range(8) if views.rgb[i][12, 16, 0] != i)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_photo_that_has_gone_is_named(tmp_path):
    capture = capture_of(tmp_path, [np.zeros((24, 32, 3), np.uint8)], pinhole_matrix(20, 20, 16, 12))
    capture.photos[0].path.unlink()
    with pytest.raises(ReifyError, match="0.png"):
        load_views(capture, 0).rgb[0]


def test_a_capture_without_cameras_is_refused(tmp_path):
    capture = capture_of(tmp_path, [np.zeros((24, 32, 3), np.uint8)], pinhole_matrix(20, 20, 16, 12))
    with pytest.raises(ReifyError, match="no cameras"):
        load_views(replace(capture, cameras=None), 0)
