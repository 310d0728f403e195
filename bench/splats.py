"""The splat engine: times of a step and of its kernels, agreement with the float64 twin, quality over time on real captures."""

from __future__ import annotations

import dataclasses
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import device
from ..backend.values import Cameras, Splats

Emit = Callable[..., None]
SIZES = (
    (10_000, 200, 200),
    (12_000, 270, 480),
    (50_000, 400, 400),
    (60_000, 400, 400),
    (100_000, 400, 400),
    (100_000, 800, 800),
    (300_000, 800, 800),
)
NAMES = {(12_000, 270): "step_12k_270x480_ms", (60_000, 400): "step_60k_400_ms"}
REPEATS = 9
LEGO_SECONDS = (30, 60, 120, 300)
FOX_SECONDS = (60, 300)


def run(emit: Emit) -> None:
    """Print every figure of the suite; the quality over time takes about 15 minutes."""
    device.prepare_numba()
    for count, width, height in SIZES:
        _times(emit, count, width, height)
    _scaling(emit)
    _agreement(emit)
    data = Path(os.environ.get("REIFY_DATA", Path(__file__).parents[2] / "shared" / "data"))
    for name, seconds in (("lego", LEGO_SECONDS), ("fox", FOX_SECONDS)):
        if (data / name / "transforms.json").is_file():
            for budget in seconds:
                quality_after(emit, data / name, name, budget)
        else:
            print(f"{name} isn't in {data}; its figures are left out", file=sys.stderr)
    emit("peak_memory_mb", round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024), "MB")


def synthetic_splats(count: int, seed: int = 0) -> Splats:
    """A cloud that covers the picture of `synthetic_camera` about evenly, its splats the smaller the more there are."""
    rng = np.random.default_rng(seed)
    quats = rng.normal(size=(count, 4))
    return Splats(
        means=(0.5 * rng.normal(size=(count, 3))).astype(np.float32),
        quats=(quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        log_scales=(np.log(1.5 / np.sqrt(count)) + 0.5 * rng.normal(size=(count, 3))).astype(np.float32),
        opacity_logits=rng.normal(size=count).astype(np.float32),
        sh=(0.3 * rng.normal(size=(count, 16, 3))).astype(np.float32),
    )


def synthetic_camera(width: int, height: int) -> Cameras:
    """A camera three units before the cloud."""
    pose = np.eye(4)
    pose[2, 3] = 3
    k = np.array([[1.2 * width, 0, width / 2], [0, 1.2 * width, height / 2], [0, 0, 1]])
    return Cameras(pose[None], k[None], np.array([[width, height]]), np.zeros((1, 8)))


class _Clocked:
    """A team that adds up the seconds of each kernel."""

    def __init__(self, team: Any) -> None:
        self._team = team
        self.seconds: dict[str, list[float]] = {}

    def run(self, kernel: Callable[..., Any], *args: Any) -> None:
        started = time.perf_counter()
        self._team.run(kernel, *args)
        self.seconds.setdefault(kernel.__name__, []).append(time.perf_counter() - started)

    def close(self) -> None:
        self._team.close()


def _measured(count: int, width: int, height: int, threads: int) -> tuple[float, dict[str, float], float]:
    """Median milliseconds of a step and of each kernel in it, and the number of the tiles' entries."""
    from ..backend.splats import strategy
    from ..backend.splats.cpu.engine import CpuEngine
    from ..backend.splats.cpu.layout import camera_row
    from ..backend.splats.engine import Step, Target

    engine = CpuEngine(synthetic_splats(count), count, 3, threads)
    strategy.by_place(engine)
    clocked = _Clocked(engine.team)
    engine.team = clocked  # type: ignore[assignment]
    photo = (np.random.default_rng(1).random((height, width, 3)) * 255).astype(np.uint8)
    target = Target(photo, None, None, camera_row(synthetic_camera(width, height), 0))
    step = Step(bases=16, learning=np.full(engine.width, 1e-7, np.float32))
    steps = []
    for turn in range(REPEATS + 1):
        started = time.perf_counter()
        figures = engine.step(target, step)
        steps.append(time.perf_counter() - started)
        if turn == 0:  # compiles
            clocked.seconds.clear()
    engine.close()
    kernels = {name: 1e3 * statistics.median(seconds) for name, seconds in clocked.seconds.items()}
    return 1e3 * statistics.median(steps[1:]), kernels, figures.entries


def _times(emit: Emit, count: int, width: int, height: int) -> None:
    total, kernels, entries = _measured(count, width, height, device.available_threads())
    name = NAMES.get((count, width), f"step_{count // 1000}k_{width}_ms")
    emit(name, round(total, 2), "ms", kernels={k: round(v, 2) for k, v in kernels.items()}, entries=entries)
    # The rasteriser is the sorting by depth and tile (what isn't in a kernel's time is the former) and blending both ways.
    binning = total - sum(kernels.values()) + kernels["count_by_chunk"] + kernels["fill_tiles"]
    emit(f"rasterise_{count // 1000}k_{width}_ms", round(binning + kernels["blend"] + kernels["blend_back"], 2), "ms")


def _scaling(emit: Emit) -> None:
    one, two = (min(_measured(60_000, 400, 400, threads)[0] for _ in range(3)) for threads in (1, 2))
    emit("threads_scaling", round(one / two, 3), "x", one_thread_ms=round(one, 2), two_threads_ms=round(two, 2))


def _agreement(emit: Emit) -> None:
    import torch

    from ..backend.splats import twin
    from ..backend.splats.cpu.engine import CpuEngine, Frame, sh_of, sized
    from ..backend.splats.cpu.layout import LOG_SCALE, MEAN, OPACITY, QUATERNION, camera_row

    splats, cameras = synthetic_splats(500), synthetic_camera(96, 80)
    splats = dataclasses.replace(splats, log_scales=splats.log_scales + 0.3)
    engine = CpuEngine(splats, len(splats), 3, device.available_threads())
    frame = Frame(96, 80)
    camera = sized(camera_row(cameras, 0), frame)
    engine.render(frame, camera, np.zeros(3, np.float32), 16)
    v_picture = np.random.default_rng(2).normal(size=(80, 96, 3)).astype(np.float32)
    rows = engine.gradients(frame, camera, 16, v_picture)
    parameters = twin.parameters_of(splats)
    started = time.perf_counter()
    picture = twin.render(parameters, cameras, 0)[0]
    (picture * torch.tensor(v_picture)).sum().backward()
    twin_ms = 1e3 * (time.perf_counter() - started)
    found = {"means": rows[:, MEAN : MEAN + 3], "quats": rows[:, QUATERNION : QUATERNION + 4], "sh": sh_of(rows, 16)}
    found |= {"log_scales": rows[:, LOG_SCALE : LOG_SCALE + 3], "opacity_logits": rows[:, OPACITY]}
    expected = {name: np.asarray(tensor.grad) for name, tensor in parameters.items()}
    errors = {name: float(np.linalg.norm(found[name] - expected[name]) / np.linalg.norm(expected[name])) for name in found}
    reference = picture.detach().numpy()
    error = frame.picture(frame.image) - reference
    emit("image_error", float(np.linalg.norm(error) / np.linalg.norm(reference)), "relative", largest=float(np.abs(error).max()))
    emit("gradient_error", max(errors.values()), "relative", **errors)
    started = time.perf_counter()
    engine.render(frame, camera, np.zeros(3, np.float32), 16)
    engine.gradients(frame, camera, 16, v_picture)
    emit("twin_factor", round(twin_ms / (1e3 * (time.perf_counter() - started)), 1), "x", twin_ms=round(twin_ms, 1))
    engine.close()


def quality_after(emit: Emit, folder: Path, name: str, seconds: int) -> None:
    """Held-out PSNR of a capture with given cameras after so many seconds of training."""
    from ..backend.capture.read import CaptureSettings, read_photos
    from ..backend.capture.solve import CameraSettings, solve_cameras
    from ..backend.capture.views import load_views
    from ..backend.jobs.job import Job
    from ..backend.splats.initialise import starting_splats
    from ..backend.splats.train import TrainingSettings, measure, train
    from ..backend.values import Photos

    job = Job()
    settings = TrainingSettings(seconds=seconds, long_side_px=560)
    capture = job.stage("Reading", read_photos, Photos((folder / "transforms.json",)), CaptureSettings())
    capture = job.stage("Cameras", solve_cameras, capture, CameraSettings())
    views = load_views(capture, settings.long_side_px)
    start = starting_splats(views, capture.points, settings, 0)
    splats = job.stage("Training", lambda job: train(views, capture.train, start, settings, job=job))
    job.stage("Measuring", lambda job: measure(splats, views, capture.test, job=job))
    figures = job.report.metrics
    extra = {"ssim": round(figures["ssim"], 4), "splats": int(figures["splats"]), "steps": int(figures["steps"])}
    emit(f"{name}_psnr_{seconds}s", round(figures["psnr"], 2), "dB", **extra)
