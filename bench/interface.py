"""What the interface costs: enabling it, stalls of the main thread, clicks to a result, and how far the time left is off.

Stalls are polls of the window's timer while splats are trained and previewed, and results put into the scene; what Blender itself takes
to draw is not in them. Needs the bpy wheel.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

Emit = Callable[..., None]

STARTS = 9
POLLS = 80
SPLATS = 60_000
LARGE, TEXTURE_PX = 200_000, 4096  # splats and faces, and the side of the texture, up to which a commit shall not be noticed
VERY_LARGE = 1_000_000  # splats of a commit whose longest slice is told
LARGEST = "very_large"
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
    polls, preparing, committing = _polls()
    commits = _commits()
    slices = {"preparing": preparing, "a small commit": committing, **{name: taken for name, taken in commits.items() if name != LARGEST}}
    longest = max(slices, key=lambda name: max(slices[name]))
    stall = max(*polls, *slices[longest])
    emit("ui_stall_max_ms", round(stall, 1), "ms", polls=len(polls), splats=SPLATS, longest_slice=longest, of="processor time")
    for name, taken in commits.items():
        emit(f"commit_{name}_ms", round(sum(taken), 1), "ms", of="processor time", longest_slice=round(max(taken), 1), slices=len(taken))
    error, moments = _time_left_error()
    emit("time_left_error_percent", round(error, 1), "%", moments=moments, of="median over recorded jobs, from 20 % of each on")
    clicks = _clicks_to_result()
    emit("clicks_to_result", len(clicks), "clicks", clicks=clicks, start="a running Blender with the engine")
    emit("ui_stall_median_ms", round(statistics.median(polls), 2), "ms")
    emit("ui_stall_p95_ms", round(statistics.quantiles(polls, n=20)[-1], 1), "ms")
    emit("preview_prepare_ms", round(sum(preparing), 1), "ms", when="Generate was pressed", longest_slice=round(max(preparing), 1))
    emit("commit_ms", round(sum(committing), 1), "ms", splats=SPLATS, longest_slice=round(max(committing), 1))


def _start(compiled: Path) -> dict[str, float]:
    root = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled), "PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run([sys.executable, "-c", START], check=True, capture_output=True, text=True, cwd=root, env=environment)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _polls() -> tuple[list[float], list[float], list[float]]:
    """Milliseconds of each poll while a worker trains, of each slice of the preparation before it and of the commit after."""
    import bpy

    from .. import register, unregister
    from ..backend import device
    from ..backend.jobs.cache import Cache
    from ..backend.jobs.environment import Environment
    from ..backend.jobs.job import Job
    from ..backend.jobs.runner import Task
    from ..backend.orders import Order, Target
    from ..scene import preview, splat_nodes
    from ..session import pump, queue

    device.prepare_numba()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    register()
    polls: list[float] = []
    scene = bpy.context.scene
    assert scene is not None
    _ = scene.reify  # type: ignore[attr-defined]  # without the panel nobody presses Generate
    preparing = _in_ms(preview.prepare_in_slices())
    splat_nodes.set_drawn(True)  # as in a window, where a thread draws splats
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
        committing = [_used_ms(lambda: pump.tick(sliced=True))]
        while pump.is_slicing():
            committing.append(_used_ms(lambda: pump.tick(sliced=True)))
    unregister()
    return polls, preparing, committing


def _used_ms(step: Callable[[], Any]) -> float:
    used = time.thread_time()
    step()
    return 1000 * (time.thread_time() - used)


def _in_ms(slices: Iterator[None]) -> list[float]:
    """Milliseconds of this thread that each slice of work takes."""
    taken = []
    used = time.thread_time()
    for _ in slices:
        taken.append(1000 * (time.thread_time() - used))
        used = time.thread_time()
    return [*taken, 1000 * (time.thread_time() - used)]


def _commits() -> dict[str, list[float]]:
    """Milliseconds of the main thread's own time that each slice takes of putting splats, and a mesh with its texture, into the scene."""
    import bpy
    import numpy as np

    from ..backend.formats.encoded import encode_ahead
    from ..backend.jobs.job import Job
    from ..backend.jobs.runner import Task
    from ..backend.orders import Order, Target
    from ..backend.values import Mesh, Report, Result
    from ..scene import preview, splat_nodes
    from ..session.committing import put_in_slices
    from .splats import synthetic_splats

    side = round((LARGE / 2) ** 0.5) + 1
    grid = np.stack(np.meshgrid(*2 * [np.linspace(-1, 1, side)], indexing="ij"), -1).reshape(-1, 2).astype(np.float32)
    index = np.arange(side * side).reshape(side, side)
    quads = np.stack((index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]), -1).reshape(-1, 4)
    faces = np.concatenate((quads[:, [0, 1, 2]], quads[:, [0, 2, 3]])).astype(np.int32)
    picture = (np.random.default_rng(0).random((TEXTURE_PX // 8, TEXTURE_PX // 8, 3)) * 255).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    height = 0.2 * np.sin(4 * grid[:, :1])
    mesh = Mesh(np.hstack((grid, height)), faces, uvs=((grid + 1) / 2)[faces], textures={"base_color": picture})
    encode_ahead([picture])  # the worker's part
    report = Report(method="photos", settings={}, seed=0, inputs={}, seconds={}, metrics={}, versions={})
    results = {
        "mesh": Result("Bench", report, mesh=mesh),
        "splats": Result("Bench", report, splats=synthetic_splats(LARGE)),
        LARGEST: Result("Bench", report, splats=synthetic_splats(VERY_LARGE)),
    }
    taken = {}
    for name, result in results.items():
        bpy.ops.wm.read_factory_settings(use_empty=True)
        preview.prepare()
        splat_nodes.set_drawn(True)
        task = Task("Bench", partial(_given, result), lambda listener: Job(), Order("photos", {}, target=Target("Scene")))
        task.result = result
        taken[name] = _in_ms(put_in_slices(bpy.context, task))
    return taken


def _given(result: Any, job: Any) -> Any:
    return result


def _time_left_error() -> tuple[float, int]:
    """Percent of the time really left by which the shown one is off, the median, on recorded jobs after one on the same machine."""
    from ..tools.replay_progress import AGAIN, late, recorded, replay

    off = []
    for before, name in AGAIN:
        rows, _ = replay(recorded(name), replay(recorded(before), {})[1])
        off += [100 * abs(row.left - left) / left for row, left in late(rows) if row.left is not None and left > 0]
    return statistics.median(off), len(off)


def _clicks_to_result() -> list[str]:
    """What has to be pressed from a drop of photos to a result in the scene; raises RuntimeError where that isn't enough."""
    import dataclasses

    import bpy

    from .. import register, unregister
    from ..backend.jobs.needs import Needs
    from ..backend.methods import photos
    from ..backend.values import Result
    from ..tools.replay_progress import RECORDINGS
    from .splats import synthetic_splats

    bpy.ops.wm.read_factory_settings(use_empty=True)
    register()
    known = photos.METHOD
    photos.METHOD = dataclasses.replace(
        known, run=lambda inputs, settings, job: Result("Bench", job.report, splats=synthetic_splats(1000)), needs=Needs()
    )
    clicks = []
    try:
        operators: Any = bpy.ops.reify  # type: ignore[attr-defined]
        scene: Any = bpy.context.scene
        operators.drop_files(directory=str(RECORDINGS), files=[{"name": "0001.jpg"}, {"name": "0002.jpg"}])
        for source in scene.reify.photos.sources:
            source.path = str(RECORDINGS)
        clicks.append("drop: Use in Reify")
        operators.create()
        clicks.append("Generate")
        if "Bench Splats" not in bpy.data.objects or not bpy.data.objects["Bench Splats"].select_get():
            raise RuntimeError("the clicks lead to no selected result")
    finally:
        photos.METHOD = known
        unregister()
    return clicks


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
