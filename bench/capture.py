"""From photos to cameras, how many, how fast, how far from the truth; the demo from end to end; lego after a minute.

`python3 dev.py bench capture fountain many` runs only those of PARTS.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from ..backend import device
from ..backend.capture.read import CaptureSettings, read_photos
from ..backend.capture.solve import CameraSettings, solve_cameras
from ..backend.capture.views import load_views
from ..backend.engine import kernels
from ..backend.geometry.raster import rasterize_mesh, render_mesh
from ..backend.jobs.job import Job
from ..backend.mesh.cleaning import MeshSettings
from ..backend.metrics import images
from ..backend.metrics.cameras import camera_errors
from ..backend.splats.settings import TrainingSettings
from ..backend.splats.stages import train_capture
from ..backend.surface.clean import clean_of_photos
from ..backend.surface.flat import splats_for_surface
from ..backend.surface.fuse import SurfaceSettings
from ..backend.surface.outlines import agreeing_masks
from ..backend.surface.stages import surface_from_photos
from ..backend.texture.from_photos import TextureSettings
from ..backend.texture.stages import textured
from ..backend.values import Capture, Photos, Report, Splats
from . import _cameras
from .splats import quality_after

DATA = Path(os.environ.get("REIFY_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
MASKED, MASKED_SECONDS, MASKED_PX = "ethiopian_head", 60, 640
Emit = Callable[..., None]


def run(emit: Emit, parts: tuple[str, ...]) -> None:
    """The figures of the suite, or of some of its PARTS; those whose capture is absent are left out."""
    device.prepare_numba()
    for part in parts or tuple(PARTS):
        PARTS[part](emit)


def _exists(capture: str) -> bool:
    there = (DATA / capture / "images").is_dir()
    if not there:
        print(f"{capture} isn't at {DATA}: its figures are left out", file=sys.stderr)
    return there


def _placing(name: str, emit: Emit) -> None:
    if not _exists(name):
        return
    solved, report, seconds = _solve(DATA / name)
    count = int(report.metrics["photos"])
    emit(f"{name}_registered", len(solved.photos), "photos", of=count, how=report.choices["structure from motion"])
    emit(f"{name}_sfm_seconds", round(seconds, 2), "s", photos=count)
    emit(f"{name}_reprojection_px", round(report.metrics["reprojection_error_px"], 4), "px")


def _fountain(emit: Emit) -> None:
    if not _exists("strecha_fountain-P11"):
        return
    solved, _report, _seconds = _solve(DATA / "strecha_fountain-P11")
    given = read_photos(Photos((DATA / "strecha_fountain-P11",)), CaptureSettings(), job=Job())
    assert given.cameras is not None and solved.cameras is not None
    true_index = {photo.path.name: index for index, photo in enumerate(given.photos)}
    errors = camera_errors(solved.cameras, given.cameras.take([true_index[photo.path.name] for photo in solved.photos]))
    count = len(solved.photos)
    position_mm = errors.position * 1000
    emit("fountain_position_error_mm", round(float(position_mm.mean()), 3), "mm", worst=position_mm.max(), photos=count)
    emit("fountain_rotation_error_deg", round(float(np.mean(errors.rotation_deg)), 5), "deg", worst=errors.rotation_deg.max())


def _masked(emit: Emit) -> None:
    """What becomes of a shiny subject with hand-made masks: pieces, holes, outlines, depth and texture of its mesh."""
    if not _exists(MASKED):
        return
    job = Job()
    capture = read_photos(Photos((DATA / MASKED,)), CaptureSettings(), job=job)
    capture = job.stage("Finding cameras", solve_cameras, capture, CameraSettings())
    placed = len(capture.photos)
    capture = job.stage("Comparing masks", agreeing_masks, capture)
    training = TrainingSettings(seconds=MASKED_SECONDS, long_side_px=MASKED_PX)
    looks, capture = job.stage("Training splats", train_capture, capture, training, 0)
    extraction = SurfaceSettings(long_side_px=MASKED_PX)
    splats = job.stage("Training flat splats", splats_for_surface, looks, capture, extraction, training, 0)
    emit("masked_photos", placed, "photos", of=job.report.metrics["photos"], checked=job.report.choices["cameras checked"])
    judge_masked(emit, capture, looks, splats, job)


def judge_masked(emit: Emit, capture: Capture, looks: Splats, splats: Splats, job: Job) -> None:
    """The figures of a masked capture's mesh from `splats`, beside those that are trained for the look."""
    from ..backend.splats.render import rasterize
    from ..backend.surface import region
    from ..backend.surface.depth import by_expected_depth, render_depth
    from ..backend.surface.solid import confirmed

    extraction = SurfaceSettings(long_side_px=MASKED_PX)
    surface = surface_from_photos(splats, capture, extraction, job=job)
    mesh = clean_of_photos(surface, capture, MeshSettings(), job=job)
    views = load_views(capture, MASKED_PX)
    render = partial(rasterize, splats)
    maps = render_depth(by_expected_depth(render) if splats.surfels else render, views, job=job)
    near = 0.005 * float(np.linalg.norm(np.ptp(mesh.vertices.astype(np.float64), axis=0)))
    maps = confirmed(maps, region.find_region(maps), job, near)
    overlaps, agreeing, compared = [], 0, 0
    for index, alpha in enumerate(views.alpha):
        seen = rasterize_mesh(mesh, views.cameras, index)
        sure = maps.weight[index] > 0
        agreeing += int((np.abs(seen.depth - maps.depth[index])[sure & seen.hit] < near).sum())
        compared += int(sure.sum())
        if alpha is not None:
            overlaps.append((seen.hit & (alpha >= 128)).sum() / (seen.hit | (alpha >= 128)).sum())
    figures = job.report.metrics
    emit("masked_components", figures["mesh_components"], "", how=job.report.choices["surface.extraction"])
    emit("masked_holes", figures["mesh_holes"] + figures["mesh_handles"], "boundary loops and handles")
    emit("masked_silhouette_iou", round(float(np.mean(overlaps)), 4), "", worst=round(float(min(overlaps)), 4))
    emit(
        "masked_depth_agreement",
        round(agreeing / compared, 4),
        "share of pixels within 0.5 % of the diagonal, where three views agree by that",
    )
    mesh = textured(mesh, capture, TextureSettings(), job=job)
    found: dict[str, list[float]] = {"splats": [], "mesh": []}
    for index in capture.test:
        photo, alpha = views.rgb[index].astype(np.float32) / 255, views.alpha[index]
        inside = np.ones(photo.shape[:2], bool) if alpha is None else alpha >= 128
        found["splats"].append(images.psnr(rasterize(looks, views.cameras, index).rgb, photo, inside))
        found["mesh"].append(images.psnr(render_mesh(mesh, views.cameras, index).astype(np.float32) / 255, photo, inside))
    psnr = {what: round(float(np.mean(values)), 2) for what, values in found.items()}
    emit("masked_texture_gap_db", round(psnr["splats"] - psnr["mesh"], 2), "dB below the splats on held-out photos", **psnr)


def _solve(photos: Path) -> tuple[Capture, Report, float]:
    job = Job()
    capture = read_photos(Photos((photos,)), CaptureSettings(use_given_cameras=False), job=job)
    started = time.perf_counter()
    solved = job.stage("Finding cameras", solve_cameras, capture, CameraSettings())
    return solved, job.report, time.perf_counter() - started


def _first_result(emit: Emit) -> None:
    """What a first run of the preset Preview takes on 49 photos without cameras, once the engine is installed."""
    if not _exists("snowmiku"):
        return
    kernels.compile_missing(job=Job())
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        arguments = ["run", "photos", str(DATA / "snowmiku"), "--preset", "Preview", "--no-capture-use-given-cameras", "-o", str(report)]
        seconds = _run_fresh(arguments, Path(folder))
        found = json.loads(report.read_text(encoding="utf-8"))
    metrics = found["metrics"]
    more = {name: round(metrics[name], 2) for name in ("psnr", "training_seconds") if name in metrics}
    stages = {title: round(spent, 1) for title, spent in found["seconds"].items()}
    emit("first_result_seconds", round(seconds, 1), "s", **more, stages=stages)


def _run_fresh(arguments: list[str], folder: Path) -> float:
    """Seconds that a command of ours takes in a process and with a cache of its own; only the compiled kernels are there already."""
    compiled = device.cache_folder() / "kernels"
    if compiled.is_dir():
        shutil.copytree(compiled, folder / "cache" / "kernels")
    environment = {**os.environ, "REIFY_CACHE": str(folder / "cache")}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "reify", *arguments], check=True, stdout=sys.stderr, env=environment)
    return time.perf_counter() - started


def _demo(emit: Emit) -> None:
    """`reify demo` as a user runs it."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = _run_fresh(["demo", "-o", f"{folder}/demo"], Path(folder))
        report = json.loads((Path(folder) / "demo" / "report.json").read_text(encoding="utf-8"))
    emit("demo_seconds", round(seconds, 1), "s", stages={title: round(spent, 1) for title, spent in report["seconds"].items()})
    emit("demo_psnr", round(report["metrics"]["psnr"], 2), "dB", ssim=round(report["metrics"]["ssim"], 4))


PARTS: dict[str, Callable[[Emit], None]] = {
    **{capture: partial(_placing, capture) for capture in ("fox", "kermit", "banana", "snowmiku")},
    "fountain": _fountain,
    "first_result": _first_result,
    "masked": _masked,
    "demo": _demo,
    "false_alarms": partial(_cameras.false_alarms, data=DATA),
    "caught": partial(_cameras.caught, data=DATA),
    "many": partial(_cameras.many, data=DATA),
    "lego": lambda emit: quality_after(emit, "lego", 60),
}
