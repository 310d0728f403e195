"""Real captures, read with their given cameras: geometry that must agree with what the pictures show."""

import numpy as np
import pytest
from reify.backend.capture.lenses import project
from reify.backend.capture.read import CaptureSettings, read_photos
from reify.backend.capture.views import load_views
from reify.backend.jobs.job import Job
from reify.backend.values import Cameras, Capture, Photos


def read(source, **settings: object) -> Capture:
    return Job().stage("Reading photos", read_photos, Photos((source,)), CaptureSettings(**settings))


@pytest.mark.parametrize(("name", "count"), [("fox", 50), ("lego", 50), ("temple_sparse_ring", 16), ("snowmiku", 49), ("kermit", 9)])
def test_given_cameras_and_split_are_read(data, name, count):
    capture = read(data / name)
    assert len(capture.photos) == len(capture.cameras) == count and capture.name == name
    assert capture.test == tuple(range(4, count, 8))
    unposed = len(list((data / name / "images").iterdir())) - count
    told = f"Photos without a camera in transforms.json are left out: {unposed} of {count + unposed}"
    twice = "Photos that are copies of others: 1 of 16"  # taken from the same place again
    wanted = [twice] if name == "temple_sparse_ring" else [told] if unposed else []
    assert [warning.partition(" (")[0] for warning in capture.warnings] == wanted


def test_photos_without_cameras_bring_what_exif_tells(data):
    banana = read(data / "banana").photos
    assert len({photo.device for photo in banana}) == 1 and "D3200" in banana[0].device
    assert banana[0].focal_px == pytest.approx(2131, abs=2)
    snowmiku = read(data / "snowmiku/images")
    assert snowmiku.photos[0].focal_px == pytest.approx(975, rel=0.1) and not snowmiku.ordered
    fox = read(data / "fox/images", use_given_cameras=False)
    assert fox.ordered and fox.cameras is None and fox.photos[0].frame == 1


def test_the_lego_cameras_look_down_at_a_subject_that_stands_upright(data):
    views = load_views(read(data / "lego"), 100)
    hull = visual_hull(views, np.array([-1.4] * 3), np.array([1.4] * 3), 48, range(0, 50, 2))
    assert 0.01 < hull.mean() < 0.2
    lowest, highest = np.flatnonzero(hull.any(axis=(0, 1)))[[0, -1]]
    # Its plate is the widest part, and lies at the bottom.
    areas = hull.sum(axis=(0, 1))[lowest : highest + 1]
    assert areas[: len(areas) // 3].max() > 1.5 * areas[-len(areas) // 3 :].max()
    assert silhouette_agreement(views, hull, np.array([-1.4] * 3), np.array([1.4] * 3), [4, 12, 20]) > 0.8


def test_the_temple_fills_the_box_that_its_authors_state(data):
    low, high = np.array([-0.073568, 0.021728, -0.012445]), np.array([0.028855, 0.181892, 0.062736])
    margin = 0.02
    capture = read(data / "temple_sparse_ring")
    views = load_views(capture, 320)
    bright = [rgb.max(axis=2) > 40 for rgb in views.rgb]
    hull = carve(views, bright, low - margin, high + margin, 60, range(16))
    filled = np.argwhere(hull)
    cell = (high - low + 2 * margin) / 60
    found_low, found_high = low - margin + filled.min(0) * cell, low - margin + (filled.max(0) + 1) * cell
    assert np.abs(found_low - low).max() < 0.012 and np.abs(found_high - high).max() < 0.012


def test_matches_between_fox_photos_lie_on_their_epipolar_lines(data):
    feature = pytest.importorskip("skimage.feature")
    views = load_views(read(data / "fox"), 560)
    found = []
    for i in (10, 12):
        orb = feature.ORB(n_keypoints=600)
        orb.detect_and_extract(views.rgb[i].mean(axis=2) / 255)
        found.append((orb.keypoints[:, ::-1] + 0.5, orb.descriptors))
    (a_px, a), (b_px, b) = found
    pairs = feature.match_descriptors(a, b, max_ratio=0.8)
    distance = epipolar_distance_px(views.cameras, 10, 12, a_px[pairs[:, 0]], b_px[pairs[:, 1]])
    assert len(pairs) > 60 and np.mean(distance < 2.0) > 0.7
    mirrored = epipolar_distance_px(views.cameras, 10, 12, a_px[pairs[:, 0]] * [-1, 1] + [315, 0], b_px[pairs[:, 1]] * [-1, 1] + [315, 0])
    assert np.mean(mirrored < 2.0) < 0.3


def carve(views, inside, low, high, cells, only) -> np.ndarray:
    grid = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), -1).reshape(-1, 3) + 0.5
    xyz = low + grid * (high - low) / cells
    kept = np.ones(len(xyz), bool)
    for i in only:
        pixels, depths = project(views.cameras, i, xyz)
        columns, rows = np.floor(pixels).astype(int).T
        height, width = inside[i].shape
        seen = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height) & (depths > 0)
        kept &= ~seen | inside[i][rows.clip(0, height - 1), columns.clip(0, width - 1)]
    return kept.reshape(cells, cells, cells)


def visual_hull(views, low, high, cells, only) -> np.ndarray:
    return carve(views, [alpha > 20 for alpha in views.alpha], low, high, cells, only)


def silhouette_agreement(views, hull, low, high, only) -> float:
    """Intersection over union of the hull's projection with views that it wasn't carved from."""
    xyz = low + (np.argwhere(hull) + 0.5) * (high - low) / hull.shape[0]
    scores = []
    for i in only:
        columns, rows = np.floor(project(views.cameras, i, xyz)[0]).astype(int).T
        drawn = np.zeros_like(views.alpha[i], bool)
        for dx in (-1, 0, 1):
            for dy in (-1, 0, 1):
                drawn[(rows + dy).clip(0, drawn.shape[0] - 1), (columns + dx).clip(0, drawn.shape[1] - 1)] = True
        alpha = views.alpha[i] > 20
        scores.append((drawn & alpha).sum() / (drawn | alpha).sum())
    return float(np.mean(scores))


def epipolar_distance_px(cameras: Cameras, i: int, j: int, a_px: np.ndarray, b_px: np.ndarray) -> np.ndarray:
    b_from_a = cameras.cam_from_world[j] @ np.linalg.inv(cameras.cam_from_world[i])
    x, y, z = b_from_a[:3, 3]
    essential = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ b_from_a[:3, :3]
    fundamental = np.linalg.inv(cameras.K[j]).T @ essential @ np.linalg.inv(cameras.K[i])
    lines = np.column_stack([a_px, np.ones(len(a_px))]) @ fundamental.T
    return np.abs((lines * np.column_stack([b_px, np.ones(len(b_px))])).sum(1)) / np.hypot(lines[:, 0], lines[:, 1])
