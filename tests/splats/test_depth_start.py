from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reify.backend.errors import ReifyError
from reify.backend.jobs.job import Job
from reify.backend.splats import depth_start
from reify.backend.values import Cameras, Capture, Photo, Points, Views

RADIUS = 0.8


def ball_depth(cameras: Cameras, index: int) -> np.ndarray:
    """Depth [H,W] along the axis of a ball around the origin, 0 beside it."""
    width, height = cameras.size_px[index]
    K, pose = cameras.K[index], cameras.cam_from_world[index]
    column, row = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    ray = np.stack([(column - K[0, 2]) / K[0, 0], (row - K[1, 2]) / K[1, 1], np.ones((height, width))], axis=-1)
    along, square, middle = ray @ pose[:3, 3], (ray**2).sum(axis=-1), pose[:3, 3]
    left = along**2 - square * (middle @ middle - RADIUS**2)
    return np.where(left > 0, (along - np.sqrt(np.maximum(left, 0))) / square, 0.0)


def ball_points(count: int) -> np.ndarray:
    points = np.random.default_rng(1).normal(size=(count, 3))
    return (RADIUS * points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def scene(make_cameras, monkeypatch: pytest.MonkeyPatch):
    """A capture of a ball, and the function that says what the network sees of it."""
    cameras = make_cameras(96, 72, 8)
    depths = [ball_depth(cameras, index) for index in range(8)]
    rgb = [np.full((72, 96, 3), 10 * index, np.uint8) for index in range(8)]
    views = Views(rgb, [np.where(depth > 0, 255, 0).astype(np.uint8) for depth in depths], [None] * 8, cameras)
    photos = tuple(Photo(Path(f"{index}.png"), f"{index}.png", 96, 72) for index in range(8))
    capture = Capture("ball", photos, cameras, Points(ball_points(300)))
    monkeypatch.setattr(depth_start, "load_views", lambda capture, side, only: views.take(only))

    def sees(disparity_of) -> Capture:
        class Estimator:
            def __init__(self, job: Job) -> None:
                pass

            def disparity(self, srgb, progress):
                index = int(srgb[0, 0, 0]) // 10
                return disparity_of(index, np.where(depths[index] > 0, 1.0 / np.maximum(depths[index], 1e-6), 0.0)).astype(np.float32)

        monkeypatch.setattr(depth_start, "Estimator", Estimator)
        return capture

    return sees


def test_depth_of_any_scale_and_shift_puts_points_onto_the_surface(scene) -> None:
    capture = scene(lambda index, inverse: (3 + index) * inverse + 7 - index)
    job = Job()
    points = depth_start.points_by_depth(capture, 0, job=job)
    assert capture.cameras is not None
    off = np.abs(np.linalg.norm(points.xyz[300:], axis=1) - RADIUS) / np.linalg.norm(capture.cameras.centers, axis=1).mean()
    assert len(off) > 3000 and off.max() < 0.02 and off.mean() < 0.005
    assert np.array_equal(points.xyz[:300], ball_points(300))
    assert "8 of 8 photos" in job.report.choices["start"]


def test_depth_that_photos_disagree_about_isn_t_used(scene) -> None:
    rng = np.random.default_rng(0)
    capture = scene(lambda index, inverse: rng.random(inverse.shape))
    job = Job()
    points = depth_start.points_by_depth(capture, 0, job=job)
    assert len(points) == 300
    assert "sparse points alone" in job.report.warnings[0]


def test_points_hidden_in_a_photo_and_wrong_ones_don_t_shift_the_fit() -> None:
    rng = np.random.default_rng(0)
    depth = np.linspace(2.0, 4.0, 40 * 30).reshape(30, 40)
    at = np.column_stack([rng.integers(0, 40, 90), rng.integers(0, 30, 90)])
    seen = depth[at[:, 1], at[:, 0]]
    seen[:40] *= rng.uniform(1.3, 3.0, 40)
    found = depth_start.fitted(5.0 / depth + 2.0, (at, seen), rng)
    assert found is not None and np.abs(found / depth - 1.0).max() < 0.03
    assert depth_start.fitted(-5.0 / depth + 9.0, (at, seen), rng) is None  # far where it should be near


def test_without_sparse_points_there_is_nothing_to_fit_to(make_cameras) -> None:
    with pytest.raises(ReifyError, match="no sparse points to fit"):
        depth_start.points_by_depth(Capture("none", (), make_cameras(64, 48, 6)), 0, job=Job())
