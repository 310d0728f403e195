"""Every layout that docs/inputs.md names: its cameras see the scene the right way round, its depth and masks belong to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reify.backend.capture.lenses import project
from reify.backend.capture.read import CaptureSettings, read_photos
from reify.backend.jobs.job import Job
from reify.backend.values import Capture, Photos
from reify.tests.capture import layouts
from reify.tests.capture.layouts import LAYOUTS, Layout


def read(layout: Layout, folder: Path) -> tuple[Capture, Job]:
    layout.write(folder)
    job = Job()
    settings = CaptureSettings(video_frames=8)
    return job.stage("Reading photos", read_photos, Photos((folder / layout.source,)), settings), job


def world_to_capture(capture: Capture, truth: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Scale, rotation and shift that lead from the true camera centers [N,3] to the capture's (Umeyama 1991)."""
    ours = capture.cameras.centers
    a, b = truth - truth.mean(0), ours - ours.mean(0)
    u, d, vt = np.linalg.svd(b.T @ a)
    sign = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ sign @ vt
    scale = np.trace(np.diag(d) @ sign) / (a**2).sum()
    return scale, rotation, ours.mean(0) - scale * rotation @ truth.mean(0)


def numbers_of(layout: Layout, capture: Capture) -> list[int]:
    """Which of the scene's cameras each photo was taken by."""
    numbers = [int("".join(filter(str.isdigit, Path(photo.name).stem))) for photo in capture.photos]
    return [number // 3 for number in numbers] if layout.name == "Stray Scanner" else [number - min(numbers) for number in numbers]


WITHOUT_CAMERAS = ("photos", "Photos", "video", "Panoramas", "RealSense")
WITH_CAMERAS = [layout for layout in LAYOUTS if not any(word in layout.name for word in WITHOUT_CAMERAS)]
SCANNERS = [layout for layout in LAYOUTS if layout.name.startswith(("NeRFCapture", "Polycam", "Record3D", "Stray"))]


@pytest.mark.parametrize("layout", WITH_CAMERAS, ids=lambda layout: layout.name)
def test_a_cornered_object_lands_where_the_pictures_show_it(layout, tmp_path):
    capture, job = read(layout, tmp_path / "scan")
    poses = layouts.world_from_cam()[numbers_of(layout, capture)]
    assert len(capture.photos) == layouts.COUNT and "of 8 of 8 photos" in job.report.choices["cameras"]
    scale, rotation, shift = world_to_capture(capture, poses[:, :3, 3])
    assert np.allclose(capture.cameras.centers, scale * poses[:, :3, 3] @ rotation.T + shift, atol=1e-4)
    # An L of three arms of different lengths: it can't be turned or mirrored into itself.
    cornered = layouts.BALL + np.array([[0, 0, 0], [0.45, 0, 0], [0, 0.3, 0], [0, 0, 0.4]])
    center = (layouts.CX, layouts.CY)
    if layout.name.startswith(("Bundler", "NeRF-synthetic", "3DGS results")):
        center = (layouts.WIDTH / 2, layouts.HEIGHT / 2)
    for i, pose in enumerate(poses):
        in_cam = (np.linalg.inv(pose) @ np.column_stack([cornered, np.ones(4)]).T).T[:, :3]
        expected = in_cam[:, :2] / in_cam[:, 2:] * [layouts.FX, layouts.FY] + center
        pixels, depths = project(capture.cameras, i, scale * cornered @ rotation.T + shift)
        assert np.allclose(pixels, expected, atol=0.02) and (depths > 0).all()
    up = rotation[:, 2]
    assert up[2] > 0.999, "the capture's world isn't upright"


@pytest.mark.parametrize("layout", SCANNERS, ids=lambda layout: layout.name)
def test_depth_of_a_scanner_becomes_points_on_the_surface(layout, tmp_path):
    capture, job = read(layout, tmp_path / "scan")
    assert "points to start from" in job.report.choices["depth"]
    poses = layouts.world_from_cam()[numbers_of(layout, capture)]
    scale, rotation, shift = world_to_capture(capture, poses[:, :3, 3])
    in_world = (capture.points.xyz - shift) @ rotation / scale
    off_ball = np.abs(np.linalg.norm(in_world - layouts.BALL, axis=1) - layouts.RADIUS)
    assert np.quantile(np.minimum(off_ball, np.abs(in_world[:, 2])), 0.98) < 0.02
    assert (off_ball < 0.02).mean() > 0.1 and (np.abs(in_world[:, 2]) < 0.02).mean() > 0.1


def test_depth_in_a_wrong_unit_is_there_and_unused(tmp_path):
    layouts.polycam(tmp_path)
    for path in (tmp_path / "keyframes/depth").iterdir():
        from PIL import Image

        layouts.save(path, (np.asarray(Image.open(path)) // 3).astype(np.uint16))
    job = Job()
    capture = job.stage("Reading photos", read_photos, Photos((tmp_path,)), CaptureSettings())
    assert capture.points is None and "don't agree with the cameras" in job.report.choices["depth"]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_only_the_pictures_of_the_scene_are_photos(layout, tmp_path):
    capture, _ = read(layout, tmp_path / "scan")
    expected = {"Panoramas of 360° cameras": 24}.get(layout.name, layouts.COUNT)
    assert len(capture.photos) == expected
    assert all("depth" not in photo.name and "mask" not in photo.name and "thumb" not in photo.name for photo in capture.photos)
