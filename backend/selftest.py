"""The self-test: every kind of kernel computes for a second on made-up data, and says how fast, or what is wrong with it."""

from __future__ import annotations

import importlib.util
import platform
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import device
from .jobs.forecast import Expected
from .jobs.job import Job
from .methods import all_methods, versions_of
from .values import Array, Cameras, Mesh, Report, Result, Splats

SECONDS = 1.0  # for each kernel, after it was compiled
SPLATS, SIDE_PX = 20_000, 256
CELLS = 64  # of the sphere's grid, along each side
POINTS = 100_000
FAILED = "failed"
TORCH = "torch"
CARD = "Looking for a graphics card"
COMPILING_S = 6.0  # about, for each kernel, the first time

Round = Callable[[], float]  # computes once; returns how much it was, in the trial's unit


@dataclass(frozen=True)
class Trial:
    """One kernel, and what it is measured in."""

    title: str
    unit: str
    prepare: Callable[[Job], Round]  # the round raises ArithmeticError where what came out is wrong
    needs: str = ""  # module without which it isn't tried, as no method then uses it


def run(job: Job) -> Result:
    """Try every kernel; one that fails is a warning and a metric of 0."""
    needed = (method.needed(method.settings()).packages for method in all_methods().values())
    job.describe(versions=versions_of(sorted({TORCH, *(package for packages in needed for package in packages)})))
    job.expect({CARD: Expected(0.5), **{trial.title: Expected(0.5, budget=SECONDS, compiling=COMPILING_S) for trial in _tried()}})
    chosen = job.stage(CARD, _choose_device)
    job.record_choice("device", chosen)
    for trial in _tried():
        job.stage(trial.title, _try, trial)
    return Result("Self-Test", job.report)


def described(report: Report) -> str:
    """The report as text for a bug thread; in English, whoever reads it."""
    failed, count = len(report.warnings), len(_tried())
    heading = f"Self-test: {failed} of {count} kernels {FAILED}" if failed else f"Self-test: all {count} kernels work"
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    lines = [heading, platform.platform(), versions, report.choices.get("device", "")]
    for trial in TRIALS:
        if speed := report.metrics.get(trial.title):
            lines.append(f"{trial.title}: {speed:.3g} {trial.unit} (first call {report.metrics[_first(trial)]:.2f} s)")
    return "\n".join([*lines, *report.warnings])


def _tried() -> tuple[Trial, ...]:
    return tuple(trial for trial in TRIALS if not trial.needs or importlib.util.find_spec(trial.needs) is not None)


def _choose_device(*, job: Job) -> str:
    from .splats.cuda import ways

    found = device.choose("auto", ways=ways())
    return f"{found.name}, {found.free_bytes / 2**30:.1f} GB free. {found.why}"


def _try(trial: Trial, *, job: Job) -> float:
    try:
        started = time.perf_counter()
        compute = trial.prepare(job)
        compute()
        job.metric(_first(trial), time.perf_counter() - started)
        started, done = time.perf_counter(), 0.0
        while not done or time.perf_counter() - started < SECONDS:
            done += compute()
            job.progress(min((time.perf_counter() - started) / SECONDS, 1.0))
        job.metric(trial.title, done / (time.perf_counter() - started))
    except (ArithmeticError, ImportError, OSError, RuntimeError, TypeError, ValueError) as error:  # numba's and torch's are among them
        job.warn(f"{trial.title} {FAILED}: {type(error).__name__}: {error}")
    return job.report.metrics.get(trial.title, 0.0)


def _first(trial: Trial) -> str:
    return f"{trial.title}, first call"


def _multiply(job: Job) -> Round:
    import torch

    where = "cuda" if torch.cuda.is_available() else "cpu"
    matrix = torch.eye(1024, device=where) * 2

    def compute() -> float:
        _check(float((matrix @ matrix)[5, 5]) == 4.0, "a product of matrices is wrong")
        return 2 * 1024**3 / 1e9

    return compute


def _render_splats(job: Job) -> Round:
    from .splats.render import rasterize

    splats, cameras = _splats(), _camera()

    def compute() -> float:
        picture = rasterize(splats, cameras, 0)
        _check(bool(np.isfinite(picture.rgb).all()) and float(picture.alpha.max()) > 0.5, "the picture is empty or holds no numbers")
        return SIDE_PX**2 / 1e6

    return compute


def _train_splats(job: Job) -> Round:
    device.prepare_numba()
    from .rendering.targets import Target
    from .splats.cpu.rasterizer import CpuRasterizer
    from .splats.layout import NAMES
    from .splats.step import SplatStep

    rasterizer = CpuRasterizer(_splats(), SPLATS, 0, device.available_threads())
    target = Target(_camera(), np.full((SIDE_PX, SIDE_PX, 3), 128, np.uint8))
    step = SplatStep(rates=dict.fromkeys(NAMES, 1e-3), bases=1)
    before = rasterizer.step(target, step).loss

    def compute() -> float:
        _check(rasterizer.step(target, step).loss < 1.01 * before, "training makes the splats worse")
        return 1.0

    weakref.finalize(compute, rasterizer.close)  # its threads end with the trial
    return compute


def _march(job: Job) -> Round:
    from .surface.marching import marching_cubes
    from .surface.sampling import sample

    grid = sample(lambda p: np.linalg.norm(p, axis=1) - 1, np.full(3, -1.2), np.full(3, 1.2), 2.4 / CELLS, 1.0, 10**6, job=job)

    def compute() -> float:
        vertices, faces = marching_cubes(grid)
        _check(abs(float(np.linalg.norm(vertices, axis=1).mean()) - 1) < 1e-2, "the sphere isn't round")
        return len(faces) / 1e6

    return compute


def _draw_mesh(job: Job) -> Round:
    from .geometry.raster import rasterize_mesh

    mesh, camera = _sheet(), _camera()

    def compute() -> float:
        _check(bool((rasterize_mesh(mesh, camera, 0).face >= 0).any()), "the picture of a mesh is empty")
        return SIDE_PX**2 / 1e6

    return compute


def _find_nearest(job: Job) -> Round:
    from .geometry.tree import nearest, tree_of

    device.prepare_numba()
    sheet = _sheet()
    tree = tree_of(sheet.vertices, sheet.faces)
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (POINTS, 3))

    def compute() -> float:
        _check(bool(np.allclose(nearest(tree, points).distance, np.abs(points[:, 2]), atol=1e-4)), "distances to a plane are wrong")
        return POINTS / 1e6

    return compute


TRIALS = (
    Trial("Multiplying matrices", "Gflop/s", _multiply, needs=TORCH),
    Trial("Rendering splats", "Mpixel/s", _render_splats),
    Trial("Training splats", "steps/s", _train_splats),
    Trial("Extracting a surface", "Mtriangle/s", _march),
    Trial("Drawing a mesh", "Mpixel/s", _draw_mesh),
    Trial("Measuring distances", "Mpoint/s", _find_nearest),
)


def _check(right: bool, what: str) -> None:
    if not right:
        raise ArithmeticError(what)


def _splats() -> Splats:
    """A cloud around the origin, half a unit wide."""
    random = np.random.default_rng(0)
    one = np.ones((SPLATS, 1), np.float32)
    means = random.normal(scale=0.5, size=(SPLATS, 3)).astype(np.float32)
    colors = random.normal(scale=0.4, size=(SPLATS, 1, 3)).astype(np.float32)
    return Splats(means, np.tile(np.eye(1, 4, dtype=np.float32), (SPLATS, 1)), np.tile(-4 * one, 3), one[:, 0], colors)


def _camera() -> Cameras:
    """A camera three units above the origin, looking down at it."""
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[2, 3] = 3.0
    K = np.array([[1.2 * SIDE_PX, 0, SIDE_PX / 2], [0, 1.2 * SIDE_PX, SIDE_PX / 2], [0, 0, 1]])
    return Cameras(pose[None], K[None], np.full((1, 2), SIDE_PX), np.zeros((1, 8)))


def _sheet() -> Mesh:
    """The plane z = 0 from -1 to 1, of 2 * CELLS² triangles."""
    line = np.linspace(-1, 1, CELLS + 1, dtype=np.float32)
    x, y = np.meshgrid(line, line, indexing="ij")
    corner: Array = np.arange(CELLS)[:, None] * (CELLS + 1) + np.arange(CELLS)
    a, b, c, d = (corner + step for step in (0, CELLS + 1, CELLS + 2, 1))
    faces = np.concatenate([np.stack(each, axis=-1).reshape(-1, 3) for each in ((a, b, c), (a, c, d))]).astype(np.int32)
    return Mesh(np.stack([x.ravel(), y.ravel(), np.zeros(x.size, np.float32)], axis=1), faces)
