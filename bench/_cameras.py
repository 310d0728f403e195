"""Whether wrong cameras are told from right ones, and how long many photos take."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation, Slerp

from ..backend.capture.read import CaptureSettings, read_photos
from ..backend.capture.solve import CameraSettings, solve_cameras
from ..backend.errors import ReifyError
from ..backend.formats.images import read_image, write_jpeg
from ..backend.jobs.job import Job
from ..backend.metrics.cameras import camera_errors
from ..backend.splats.render import rasterize
from ..backend.splats.settings import TrainingSettings
from ..backend.splats.stages import train_capture
from ..backend.values import Array, Cameras, Capture, Photos

Emit = Callable[..., None]
RIGHT = ("fox", "kermit", "banana", "snowmiku", "strecha_fountain-P11", "temple_sparse_ring", "ethiopian_head")
VIEWS = int(os.environ.get("REIFY_BENCH_VIEWS", "300"))
TRAINING_S, LONG_SIDE_PX, QUALITY = 90, 1120, 95


def false_alarms(emit: Emit, data: Path) -> None:
    """How many of the captures with right solutions are doubted or refused."""
    there = [name for name in RIGHT if (data / name / "images").is_dir()]
    alarms = [name for name in there if _doubted(data / name, CaptureSettings(use_given_cameras=False))]
    emit("doubtful_false_alarms", len(alarms), "captures", of=len(there), which=alarms)


def caught(emit: Emit, data: Path) -> None:
    """How many of the captures with known wrong solutions are doubted or refused."""
    with tempfile.TemporaryDirectory() as folder:
        wrong = dict(_wrong(data, Path(folder)))
        found = [name for name, (photos, settings) in wrong.items() if _doubted(photos, settings)]
    emit("doubtful_caught", len(found), "captures", of=len(wrong), missed=[name for name in wrong if name not in found])


def _wrong(data: Path, folder: Path) -> Iterator[tuple[str, tuple[Path, CaptureSettings]]]:
    if (data / "ethiopian_head").is_dir():
        yield "turntable without its masks", (data / "ethiopian_head", CaptureSettings(masks="off"))
    if (data / "lego").is_dir() and (data / "banana").is_dir():
        background = read_image(sorted((data / "banana" / "images").iterdir())[0], 400)[..., :3]
        for source in sorted((data / "lego" / "images").iterdir())[::2]:
            pixels = read_image(source).astype(np.float32)
            height, width = pixels.shape[:2]
            behind = np.tile(background, (2, 1, 1))[:height, :width]
            alpha = pixels[..., 3:] / 255.0
            write_jpeg(folder / f"{source.stem}.jpg", np.rint(alpha * pixels[..., :3] + (1 - alpha) * behind).astype(np.uint8), QUALITY)
        yield "lego before a still photo", (folder, CaptureSettings())


def _doubted(photos: Path, settings: CaptureSettings) -> bool:
    job = Job()
    capture = read_photos(Photos((photos,)), settings, job=job)
    try:
        job.stage("Finding cameras", solve_cameras, capture, CameraSettings())
    except ReifyError:
        return True
    return job.report.choices["cameras checked"].startswith("doubtful")


def many(emit: Emit, data: Path) -> None:
    """Views along a real path through splats of fox, which training made from its given cameras: found again, how far off, how fast."""
    if not (data / "fox").is_dir():
        return
    job = Job()
    given = read_photos(Photos((data / "fox",)), CaptureSettings(), job=job)
    settings = TrainingSettings(seconds=TRAINING_S, long_side_px=LONG_SIDE_PX // 2)
    splats, _capture = job.stage("Training splats", train_capture, given, settings, 0)
    cameras = _along(given, VIEWS)
    with tempfile.TemporaryDirectory() as folder:
        for index in range(VIEWS):
            rgb = rasterize(splats, cameras, index, geometry=False).rgb
            write_jpeg(Path(folder) / f"view{index:04d}.jpg", np.rint(255 * np.clip(rgb, 0, 1)).astype(np.uint8), QUALITY)
        capture = read_photos(Photos((Path(folder),)), CaptureSettings(), job=job)
        started = time.perf_counter()
        solved = job.stage("Finding cameras", solve_cameras, capture, CameraSettings())
        seconds = time.perf_counter() - started
    assert solved.cameras is not None
    errors = camera_errors(solved.cameras, cameras.take([int(photo.path.stem[4:]) for photo in solved.photos]))
    figures = {
        "placed": len(solved.photos),
        "rotation_deg": float(errors.rotation_deg.mean()),
        "worst_deg": float(errors.rotation_deg.max()),
    }
    emit(f"sfm_{VIEWS}_seconds", round(seconds, 1), "s", **figures, checked=job.report.choices["cameras checked"])


def _along(given: Capture, count: int) -> Cameras:
    """`count` pinhole cameras [count] on a spline through those of the capture, in the order of its photos."""
    assert given.cameras is not None
    known, wanted = np.linspace(0, 1, len(given.cameras)), np.linspace(0, 1, count)
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, :3, :3] = Slerp(known, Rotation.from_matrix(given.cameras.cam_from_world[:, :3, :3]))(wanted).as_matrix()
    centers: Array = CubicSpline(known, given.cameras.centers)(wanted)
    poses[:, :3, 3] = -np.einsum("cij,cj->ci", poses[:, :3, :3], centers)
    first = given.cameras.take([0] * count)
    return replace(first, cam_from_world=poses, distortion=np.zeros((count, 8)))
