"""Training splats: times of a step and of its kernels, agreement with the float64 twin, quality over time on real captures.

`python3 dev.py bench splats kernels lego_psnr_60s` runs only those of PARTS; `plot` also draws docs/pictures/splat_cost.svg.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import device
from ..backend.values import Cameras, Points, Splats, Views
from ._cuda import card

Emit = Callable[..., None]
Scene = tuple[Views, tuple[int, ...], tuple[int, ...], Points | None]
SIZES = (
    (10_000, 200, 200),
    (12_000, 270, 480),
    (50_000, 400, 400),
    (60_000, 400, 400),
    (100_000, 400, 400),
    (100_000, 800, 800),
    (300_000, 800, 800),
)
NAMES = {(12_000, 270): "12k_270x480"}  # the other pictures are square
TWIN_SIZES = ((500, 96, 80), (1_000, 100, 100), (2_000, 128, 128))  # the twin keeps every splat at every pixel
REPEATS = 9
REAL_SECONDS = 45  # of training, before a step on real splats is measured
CAPTURES, SECONDS = ("lego", "fox", "demo"), (30, 60, 120, 300)
DEMO_VIEWS, DEMO_SIZE_PX = 40, 400
COUNTS, SIDES = (10_000, 20_000, 50_000, 100_000, 200_000), (100, 200, 400, 800)  # of the plot
PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "splat_cost.svg"


def run(emit: Emit, parts: tuple[str, ...]) -> None:
    """Print the figures of `parts`, or of all, and the most memory used so far; quality over time takes half an hour."""
    device.prepare_numba()
    for name, measure in PARTS.items():
        if not parts or name in parts:
            measure(emit)
            emit(f"{name}_peak_memory_mb", round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024), "MB")


def kernels(emit: Emit) -> None:
    """A step and its kernels at the fixed sizes, and what a second thread is worth."""
    for count, width, height in SIZES:
        name = NAMES.get((count, width), f"{count // 1000}k_{width}")
        found = _measured(count, width, height, device.available_threads())
        emit(
            f"step_{name}_ms", round(found.step, 2), "ms", kernels={k: round(v, 2) for k, v in found.kernels.items()}, entries=found.entries
        )
        emit(f"forward_{name}_ms", round(found.forward, 2), "ms")
        emit(f"backward_{name}_ms", round(found.backward, 2), "ms")
        emit(f"rasterize_{name}_ms", round(found.rasterize, 2), "ms")
        own = _measured(count, width, height, 1, clock=time.thread_time)  # hardly changes where others compute at the same time
        emit(f"step_{name}_own_ms", round(own.step, 2), "ms", rasterize=round(own.rasterize, 2))
    one, two = (min(_measured(60_000, 400, 400, threads).step for _ in range(3)) for threads in (1, 2))
    emit("threads_scaling", round(one / two, 3), "x", one_thread_ms=round(one, 2), two_threads_ms=round(two, 2))


def real(emit: Emit) -> None:
    """A step on the splats that a short training makes of fox and lego, on their photos, and on a synthetic cloud of that many.

    Real splats are of all sizes, lie behind each other, and are heavier: what is tuned on synthetic clouds alone is tuned for light ones.
    """
    from ..backend.jobs.job import Job
    from ..backend.rendering.targets import Targets
    from ..backend.splats.initialize import starting_splats
    from ..backend.splats.settings import TrainingSettings

    for name in ("fox", "lego"):
        if (scene := _scene(name)) is None:
            continue
        views, train_indices, _test, points = scene
        settings = TrainingSettings(seconds=REAL_SECONDS, long_side_px=560)
        start = starting_splats(views.take(train_indices), points, settings, 0)
        splats = Job().stage("Training", partial(_trained, views, train_indices, start, settings))
        targets = Targets(views, train_indices, 1 << 30)
        chosen = [targets.get(place, 1) for place in range(0, len(train_indices), 4)]
        assert chosen[0].rgb is not None
        height, width = chosen[0].rgb.shape[:2]
        for what, found in (
            ("real", _stepped(splats, chosen, 1, time.thread_time)),
            ("synthetic", _measured(len(splats), width, height, 1, time.thread_time)),
        ):
            more = {"kernels": {k: round(v, 2) for k, v in found.kernels.items()}, "entries": found.entries}
            emit(f"step_{name}_{what}_own_ms", round(found.step, 2), "ms", splats=len(splats), width=width, height=height, **more)


def _trained(*inputs: Any, job: Any) -> Splats:
    from ..backend.splats.train import train

    return train(*inputs, job=job)


def agreement(emit: Emit) -> None:
    """Picture and gradients beside the float64 twin's, and both times."""
    for count, width, height in TWIN_SIZES:
        _agreement(emit, count, width, height)


def quality_after(emit: Emit, name: str, seconds: int) -> None:
    """Held-out PSNR of lego or fox with given cameras and split, or of the demo's scene, after a training of so many seconds.

    Each number of seconds is a training of its own, which plans for them: after 30 of 300 seconds it would be at a quarter of the size.
    """
    from ..backend.jobs.job import Job
    from ..backend.splats.initialize import starting_splats
    from ..backend.splats.measure import measure
    from ..backend.splats.settings import TrainingSettings
    from ..backend.splats.train import train

    scene = _scene(name)
    if scene is None:
        return
    views, train_indices, test, points = scene
    settings = TrainingSettings(seconds=seconds, long_side_px=560)
    job = Job()
    start = starting_splats(views.take(train_indices), points, settings, 0)
    splats = job.stage("Training", lambda job: train(views, train_indices, start, settings, job=job))
    job.stage("Measuring", lambda job: measure(splats, views, test, job=job))
    figures = job.report.metrics
    opacity = float(np.median(1 / (1 + np.exp(-splats.opacity_logits))))
    extra = {"ssim": round(figures["ssim"], 4), "aligned": round(figures["psnr_aligned"], 2), "median_opacity": round(opacity, 3)}
    emit(f"{name}_psnr_{seconds}s", round(figures["psnr"], 2), "dB", **extra, splats=len(splats), steps=int(figures["steps"]))


def plot(emit: Emit) -> None:
    """What a step costs by the number of splats and of pixels, as figures and as a picture for the docs."""
    from ._charts import lines

    curves = {}
    for side in SIDES:
        steps = [_measured(count, side, side, 1, clock=time.thread_time).step for count in COUNTS]
        curves[f"{side} x {side} pixels"] = list(zip(COUNTS, steps, strict=True))
        for count, step in zip(COUNTS, steps, strict=True):
            emit(f"cost_{count // 1000}k_{side}_ms", round(step, 2), "ms")
    PICTURE.write_text(lines(curves, title="One training step", across="splats", up="milliseconds of one thread"), encoding="utf-8")
    print(PICTURE)


QUALITY = {f"{name}_psnr_{seconds}s": partial(quality_after, name=name, seconds=seconds) for name in CAPTURES for seconds in SECONDS}
PARTS: dict[str, Callable[[Emit], None]] = {
    "kernels": kernels,
    "real": real,
    "card": card,
    **QUALITY,
    "plot": plot,
    "agreement": agreement,  # the last: the twin takes the most memory
}


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

    def __init__(self, team: Any, clock: Callable[[], float]) -> None:
        self._team, self._clock = team, clock
        self.seconds: dict[str, list[float]] = {}

    def run(self, kernel: Callable[..., Any], *args: Any) -> None:
        started = self._clock()
        self._team.run(kernel, *args)
        self.seconds.setdefault(kernel.__name__, []).append(self._clock() - started)

    def close(self) -> None:
        self._team.close()


@dataclasses.dataclass(frozen=True)
class _Times:
    """Median milliseconds."""

    step: float
    kernels: dict[str, float]
    sort: float  # by depth, which is no kernel
    entries: int  # of the tiles' lists

    @property
    def forward(self) -> float:
        return self._of("project", "count_by_chunk", "fill_tiles", "blend") + self.sort

    @property
    def backward(self) -> float:
        return self._of("blend_back", "pull_back")

    @property
    def rasterize(self) -> float:
        return self._of("count_by_chunk", "fill_tiles", "blend", "blend_back") + self.sort

    def _of(self, *names: str) -> float:
        return sum(self.kernels[name] for name in names)


def _measured(count: int, width: int, height: int, threads: int, clock: Callable[[], float] = time.perf_counter) -> _Times:
    from ..backend.rendering.targets import Target

    photo = (np.random.default_rng(1).random((height, width, 3)) * 255).astype(np.uint8)
    return _stepped(synthetic_splats(count), [Target(synthetic_camera(width, height), photo)], threads, clock)


def _stepped(splats: Splats, targets: Sequence[Any], threads: int, clock: Callable[[], float]) -> _Times:
    """Times of steps on the targets in turn, that hardly change the splats."""
    from ..backend.rendering.fitting import take_step
    from ..backend.splats import strategy
    from ..backend.splats.cpu.rasterizer import CpuRasterizer
    from ..backend.splats.layout import NAMES
    from ..backend.splats.step import SplatStep, StepFigures

    rasterizer = CpuRasterizer(splats, len(splats), 3, threads)
    strategy.by_place(rasterizer)
    clocked = _Clocked(rasterizer.team, clock)
    rasterizer.team = clocked  # type: ignore[assignment]
    step = SplatStep(rates=dict.fromkeys(NAMES, 1e-7), bases=16)
    steps, entries = [], []
    for turn in range(max(REPEATS, len(targets)) + 1):
        started = clock()
        figures = take_step(rasterizer, (targets[turn % len(targets)],), step)
        steps.append(clock() - started)
        assert isinstance(figures, StepFigures)
        entries.append(figures.entries)
        if turn == 0:  # compiles
            clocked.seconds.clear()
    rasterizer.close()
    times = {name: 1e3 * statistics.median(seconds) for name, seconds in clocked.seconds.items()}
    step_ms = 1e3 * statistics.median(steps[1:])
    return _Times(step_ms, times, step_ms - sum(times.values()), round(statistics.median(entries)))


def _agreement(emit: Emit, count: int, width: int, height: int) -> None:
    if importlib.util.find_spec("torch") is None:
        print("torch isn't installed; the comparison with the float64 twin is left out", file=sys.stderr)
        return
    from ..backend.splats import twin
    from ..backend.splats.cpu.rasterizer import CpuRasterizer

    splats, cameras = synthetic_splats(count), synthetic_camera(width, height)
    splats = dataclasses.replace(splats, log_scales=splats.log_scales + 0.3)
    v_picture = np.random.default_rng(2).normal(size=(height, width, 3)).astype(np.float32)
    rasterizer, reference = CpuRasterizer(splats, len(splats), 3, device.available_threads()), twin.renderable(splats)
    started = time.perf_counter()
    expected_picture, expected = _there_and_back(reference, cameras, v_picture)
    twin_ms = 1e3 * (time.perf_counter() - started)
    picture, found = _there_and_back(rasterizer, cameras, v_picture)
    errors = {name: float(np.linalg.norm(found[name] - expected[name]) / np.linalg.norm(expected[name])) for name in found}
    error = picture - expected_picture
    image_error = float(np.linalg.norm(error) / np.linalg.norm(expected_picture))
    if count == TWIN_SIZES[0][0]:
        emit("image_error", image_error, "relative", largest=float(np.abs(error).max()))
        emit("gradient_error", max(errors.values()), "relative", **errors)
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        _there_and_back(rasterizer, cameras, v_picture)
        seconds.append(time.perf_counter() - started)
    ours_ms = 1e3 * statistics.median(seconds)
    more = {"twin_ms": round(twin_ms, 1), "ours_ms": round(ours_ms, 2), "image_error": image_error, "gradient_error": max(errors.values())}
    emit(f"twin_factor_{count}_{width}x{height}", round(twin_ms / ours_ms, 1), "x", **more)
    rasterizer.close()


def _there_and_back(renderable: Any, cameras: Cameras, v_picture: Any) -> tuple[Any, dict[str, Any]]:
    """Picture [H,W,3], and gradients of the parameters under a cotangent of it, as numpy arrays."""
    (buffers,), tape = renderable.render(cameras, geometry=False)
    v_rgb = v_picture if isinstance(buffers.rgb, np.ndarray) else buffers.rgb.new_tensor(v_picture)
    gradients = renderable.pull_back(tape, v_rgb=[v_rgb]).parameters
    return np.asarray(buffers.rgb), {name: np.asarray(gradient) for name, gradient in gradients.items()}


@cache
def _scene(name: str) -> Scene | None:
    """Views, training and held-out indices, and sparse points of a capture whose cameras are given; None where it isn't there."""
    if name == "demo":
        return _demo()
    from ..backend.capture.read import CaptureSettings, read_photos
    from ..backend.capture.solve import CameraSettings, solve_cameras
    from ..backend.capture.views import load_views
    from ..backend.jobs.job import Job
    from ..backend.values import Photos

    file = Path(os.environ.get("REIFY_DATA", Path(__file__).parents[2] / "shared" / "data")) / name / "transforms.json"
    if not file.is_file():
        print(f"{file} isn't there; the figures of {name} are left out", file=sys.stderr)
        return None
    job = Job()
    capture = job.stage("Reading", read_photos, Photos((file,)), CaptureSettings())
    capture = job.stage("Cameras", solve_cameras, capture, CameraSettings())
    return load_views(capture, 560), tuple(capture.train), tuple(capture.test), capture.points


def _demo() -> Scene | None:
    """The demo's photos, every eighth held out, with their true cameras."""
    from ..backend.formats.images import read_image
    from ..backend.jobs import store

    with tempfile.TemporaryDirectory(prefix="reify-bench-") as name:
        # In a process of its own: Blender writes about every picture to standard output, where the figures go.
        code = "import sys; from reify.bench.splats import render_demo; render_demo(sys.argv[1])"
        if subprocess.run([sys.executable, "-c", code, name], stdout=sys.stderr, check=False).returncode != 0:
            print("the demo couldn't be rendered; its figures are left out", file=sys.stderr)
            return None
        rgb = [np.ascontiguousarray(read_image(path)[..., :3]) for path in sorted(Path(name).glob("view_*.png"))]
        views = Views(rgb, [None] * len(rgb), [None] * len(rgb), store.load(Path(name)))
    test = tuple(range(0, DEMO_VIEWS, 8))
    return views, tuple(i for i in range(DEMO_VIEWS) if i not in test), test, None


def render_demo(folder: str) -> None:
    """Render the demo's photos to a folder, and write their cameras beside them."""
    from ..backend.jobs import store
    from ..scene.studio import render_capture, studio_cameras

    render_capture(Path(folder), views=DEMO_VIEWS, size_px=DEMO_SIZE_PX)
    store.save(studio_cameras(DEMO_VIEWS, DEMO_SIZE_PX), Path(folder))
