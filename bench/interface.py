"""What the interface costs: enabling the extension, and how long a poll holds the main thread while splats are trained and previewed.

Needs the bpy wheel. The polls are those of the window's timer; what Blender itself takes to draw is not in them.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

Emit = Callable[..., None]

STARTS = 9
POLLS = 80
SPLATS = 60_000
PREVIEW_EVERY_S = 2.0  # twice as often as training shows one

# A process of its own each time: modules are imported once. Blender has its own add-ons and numpy loaded by then.
START = """
import json, sys, time
import bpy, numpy
before = set(sys.modules)
started, used = time.perf_counter(), time.process_time()
import reify
reify.register()
found = {"wall_ms": 1000 * (time.perf_counter() - started), "cpu_ms": 1000 * (time.process_time() - used)}
used = time.process_time()
bpy.context.scene.reify
found["first_use_ms"] = 1000 * (time.process_time() - used)
found["modules"] = len(set(sys.modules) - before)
reify.unregister()
started = time.perf_counter()
reify.register()
found["again_ms"] = 1000 * (time.perf_counter() - started)
print(json.dumps(found))
"""


def run(emit: Emit) -> None:
    """Print every figure of the suite."""
    with tempfile.TemporaryDirectory(prefix="reify-") as compiled:
        starts = [_start(Path(compiled)) for _ in range(STARTS + 1)][1:]  # the first one compiles, as after an installation
    middle = {name: statistics.median(start[name] for start in starts) for name in starts[0]}
    emit("register_ms", round(middle["cpu_ms"], 1), "ms", fastest=round(min(start["cpu_ms"] for start in starts), 1), of="processor time")
    emit("register_wall_ms", round(middle["wall_ms"], 1), "ms", fastest=round(min(start["wall_ms"] for start in starts), 1))
    emit("register_again_ms", round(middle["again_ms"], 1), "ms")
    emit("register_modules", middle["modules"], "modules")
    emit("first_panel_ms", round(middle["first_use_ms"], 1), "ms", of="processor time")
    polls, prepare_ms, commit_ms = _polls()
    emit("ui_stall_max_ms", round(max(polls), 1), "ms", polls=len(polls), splats=SPLATS)
    emit("ui_stall_median_ms", round(statistics.median(polls), 2), "ms")
    emit("ui_stall_p95_ms", round(statistics.quantiles(polls, n=20)[-1], 1), "ms")
    emit("preview_prepare_ms", round(prepare_ms, 1), "ms", when="Generate is pressed")
    emit("commit_ms", round(commit_ms, 1), "ms", splats=SPLATS)


def _start(compiled: Path) -> dict[str, float]:
    root = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled), "PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run([sys.executable, "-c", START], check=True, capture_output=True, text=True, cwd=root, env=environment)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _polls() -> tuple[list[float], float, float]:
    """Milliseconds of each poll while a worker trains, of the preparation before it and of the commit after."""
    import bpy

    from .. import register, unregister
    from ..backend import device
    from ..backend.jobs.cache import Cache
    from ..backend.jobs.environment import Environment
    from ..backend.jobs.job import Job
    from ..backend.jobs.runner import Task
    from ..backend.orders import Order, Target
    from ..scene import preview
    from ..session import pump, queue

    device.prepare_numba()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    register()
    polls: list[float] = []
    scene = bpy.context.scene
    assert scene is not None
    started = time.perf_counter()
    preview.prepare()
    prepare_ms = 1000 * (time.perf_counter() - started)
    with tempfile.TemporaryDirectory() as folder:
        order = Order("photos", {}, target=Target(scene.name))
        task = Task("Bench", _train, lambda listener: Job(Environment(Cache(Path(folder))), listener), order)
        queue.runner().submit(task)
        while task.preview_count == 0 and not task.state.ended:  # kernels are compiled, or read from the cache
            time.sleep(0.05)
        while len(polls) < POLLS and not task.state.ended:
            time.sleep(pump.TICK_S)
            started = time.perf_counter()
            pump.tick()
            polls.append(1000 * (time.perf_counter() - started))
        assert task.job is not None
        task.job.keep()
        while not task.state.ended:
            time.sleep(0.05)
        if task.failure is not None:
            raise RuntimeError(task.failure.details)
        started = time.perf_counter()
        pump.tick()
        commit_ms = 1000 * (time.perf_counter() - started)
    unregister()
    return polls, prepare_ms, commit_ms


def _train(job: Any) -> Any:
    """Steps of the CPU's rasterizer on a synthetic cloud that grows, until the job is asked to keep what it has."""
    import numpy as np

    from ..backend import device
    from ..backend.rendering.targets import Target
    from ..backend.splats.cpu.rasterizer import CpuRasterizer
    from ..backend.splats.layout import NAMES
    from ..backend.splats.step import SplatStep
    from ..backend.values import Result
    from .splats import synthetic_camera, synthetic_splats

    splats = synthetic_splats(SPLATS)
    rasterizer = CpuRasterizer(splats, SPLATS, 3, device.available_threads())
    photo = (np.random.default_rng(1).random((400, 400, 3)) * 255).astype(np.uint8)
    target = Target(synthetic_camera(400, 400), photo)
    step = SplatStep(rates=dict.fromkeys(NAMES, 1e-7), bases=16)
    shown, count = 0.0, SPLATS // 2
    try:
        while not job.keep_requested:
            figures = rasterizer.step(target, step)
            job.progress(0.5, "step", loss=figures.loss)
            if time.monotonic() - shown > PREVIEW_EVERY_S:
                count = min(SPLATS, count * 11 // 10)
                job.preview(rasterizer.splats().take(np.arange(count)))
                shown = time.monotonic()
        return Result("Bench", replace(job.report, method="photos"), splats=rasterizer.splats())
    finally:
        rasterizer.close()
