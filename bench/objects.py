"""Splats as Blender objects: what making, and showing, them takes, and how well the viewport shows what was trained.

`objects` and `display` need the bpy wheel, `window` what tests/gui/make_chroot.sh makes. `files` reads and writes a million splats of SH
degree 3 in each format, `turning` compares a turned scene with the unturned one.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
Emit = Callable[..., None]

WIDTH_PX, HEIGHT_PX = 1280, 800
SHOWN = 48_000  # splats of a usual capture
PASSES = 25
MILLION = 1_000_000
RENDERED, RENDER_PX, TURNS = 6000, (160, 100), 24


def run(emit: Emit, parts: Sequence[str] = ()) -> None:
    """Print every figure of the suite, or those of some parts."""
    for name, part in PARTS.items():
        if not parts or name in parts:
            part(emit)


def _objects(emit: Emit) -> None:
    import bpy

    from ..scene.splats import read_splats, splats_object
    from .splats import synthetic_splats

    splats = synthetic_splats(MILLION)
    seconds, used = [], []
    for _ in range(3):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        started, before = time.perf_counter(), time.process_time()
        made = splats_object("S", splats)
        seconds.append(time.perf_counter() - started)
        used.append(time.process_time() - before)
    started = time.perf_counter()
    splats_object("Again", splats)  # the nodes are there already
    more = {
        "median": round(statistics.median(seconds), 3),
        "processor": round(min(used), 3),
        "again": round(time.perf_counter() - started, 3),
    }
    emit("object_1m_seconds", round(min(seconds), 3), "s", **more, sh_degree=splats.sh_degree)
    started = time.perf_counter()
    read_splats(made)
    emit("object_1m_read_seconds", round(time.perf_counter() - started, 3), "s")


def _files(emit: Emit) -> None:
    """Reading includes the turn to Z up. The peak is of what numpy and Python allocate, as a multiple of the splats' floats."""
    from ..backend.formats.given import read_splats
    from ..backend.formats.splat_files import FORMATS, write_splats
    from .splats import synthetic_splats

    splats = synthetic_splats(MILLION)
    floats = sum(each.nbytes for each in (splats.means, splats.quats, splats.log_scales, splats.opacity_logits, splats.sh))
    with tempfile.TemporaryDirectory(prefix="reify-") as folder:
        for one in FORMATS:
            if any(importlib.util.find_spec(package) is None for package in one.packages):
                continue
            path = Path(folder) / f"million{one.endings[0]}"
            for verb, work in (("write", partial(write_splats, splats, path)), ("read", partial(read_splats, path))):
                seconds, used = _seconds(work)
                tracemalloc.start()
                work()
                peak = tracemalloc.get_traced_memory()[1] / floats
                tracemalloc.stop()
                more = {"processor": round(used, 2), "peak_per_floats": round(peak, 2), "megabytes": round(path.stat().st_size / 1e6, 1)}
                emit(f"{one.id}_1m_{verb}_seconds", round(seconds, 2), "s", **more)
            path.unlink()


def _seconds(work: Callable[[], Any]) -> tuple[float, float]:
    """The least seconds of three runs, by the clock and of the processor."""
    found = []
    for _ in range(3):
        started, used = time.perf_counter(), time.process_time()
        work()
        found.append((time.perf_counter() - started, time.process_time() - used))
    return min(found)


def _turning(emit: Emit) -> None:
    """Splats and camera turned alike show the same picture."""
    import numpy as np

    from ..backend.geometry import quaternions
    from ..backend.metrics.images import psnr
    from ..backend.splats.render import rasterize
    from ..backend.splats.transform import transformed
    from .splats import synthetic_camera, synthetic_splats

    splats, camera = synthetic_splats(SHOWN), synthetic_camera(640, 400)
    rng = np.random.default_rng(0)
    found = []
    for quat in rng.normal(size=(3, 4)):
        turn = np.eye(4)
        turn[:3, :3], turn[:3, 3] = quaternions.to_matrices(quat[None])[0], rng.normal(size=3)
        other = replace(camera, cam_from_world=camera.cam_from_world @ np.linalg.inv(turn))
        pictures = [rasterize(one, seen, 0, geometry=False).rgb for one, seen in ((splats, camera), (transformed(splats, turn), other))]
        found.append(psnr(*pictures))
    emit("sh_rotation_psnr", round(min(found), 1), "dB", sh_degree=splats.sh_degree)


def _display(emit: Emit) -> None:
    """The passes of the drawing thread, a wall across half of the subject's depth among them."""
    import numpy as np

    from ..backend.splats.rasterizers import of_scene
    from ..tests.scene.viewport.subject import bumpy_ball

    view = _view()
    rasterizer = of_scene()
    from ..backend.splats.scene_rows import Instance, rows_from

    instances = [Instance(rows_from(bumpy_ball(SHOWN)), np.eye(4))]
    for name, step in (("viewport_frame_ms", 2), ("viewport_full_ms", 1)):
        rasterizer.draw(instances, view, step)  # compiles the kernels
        used = time.process_time()
        passes = [1000 * rasterizer.draw(instances, view, step).seconds for _ in range(PASSES)]
        used = 1000 * (time.process_time() - used) / PASSES / rasterizer.team.threads
        figures = {"fastest": round(min(passes), 1), "processor_ms_per_thread": round(used, 1)}
        emit(name, round(statistics.median(passes), 1), "ms", **figures, splats=SHOWN, step=step)
    rasterizer.close()


def _view() -> Any:
    import numpy as np

    from ..backend.geometry.axes import looking_at
    from ..backend.splats.view import view_of

    far, near = 1000.0, 0.01
    lens = 2 * 50 / 72  # of a new viewport: 50 mm, 72 mm wide
    projection = np.diag([lens, lens * WIDTH_PX / HEIGHT_PX, -(far + near) / (far - near), 0.0])
    projection[2, 3], projection[3, 2] = -2 * far * near / (far - near), -1.0
    pose = np.diag([1.0, -1.0, -1.0, 1.0]) @ looking_at(np.array([[0.0, -4.2, 1.0]]), np.zeros(3))[0]
    depth = np.ones((HEIGHT_PX, WIDTH_PX), np.float32)
    depth[:, : WIDTH_PX // 2] = (far + near - 2 * far * near / 4.2) / (far - near) / 2 + 0.5
    return view_of(projection, pose, WIDTH_PX, HEIGHT_PX, (near, far), depth=depth)


def _renders(emit: Emit) -> None:
    """Cycles' pictures of a turntable against the rasterizer's, in this Blender."""
    import bpy
    import numpy as np

    from ..tests.scene.turntable import Turntable
    from ..tests.scene.viewport.subject import bumpy_ball, surrounded

    ball = bumpy_ball(RENDERED)
    for name, subject, frames in (("cycles_psnr", surrounded(ball), TURNS), ("cycles_over_black_psnr", ball, 1)):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        turntable = Turntable(bpy.context.scene, subject, RENDER_PX)
        started = time.perf_counter()
        found = [turntable.psnr(frame) for frame in range(1, frames + 1)]
        seconds = (time.perf_counter() - started) / frames
        figures = {"mean": round(float(np.mean(found)), 2), "frames": frames, "seconds_per_frame": round(seconds, 1)}
        emit(name, round(min(found), 2), "dB", **figures, blender=bpy.app.version_string)


def _edits(emit: Emit) -> None:
    """Seconds that each edit of a million splats takes, Blender's undo push not among them."""
    import bpy
    import numpy as np

    from ..backend.splats.editing.colors import Adjustment
    from ..scene import splat_edits, splat_selection
    from ..scene.splats import splats_object
    from .splats import synthetic_splats

    bpy.ops.wm.read_factory_settings(use_empty=True)
    made = splats_object("S", synthetic_splats(MILLION))
    context, cloud = bpy.context, made.data
    assert context.scene is not None
    context.scene.collection.objects.link(made)
    half = np.arange(MILLION) % 2 == 0
    looks: dict[str, dict[str, Any]] = {
        "OPACITY": {"least_opacity": 0.0, "most_opacity": 0.2},
        "COLOR": {"color": (0.5,) * 3, "tolerance": 0.2},
        "SPHERE": {"radius": 1.0},
    }
    edits: dict[str, Callable[[], Any]] = {"select": lambda: splat_edits.select(cloud, half)}
    for by in ("OPACITY", "COLOR", "SPHERE", "GROW", "SPARSE", "BODY", "FLOATERS", "SUBJECT"):
        edits[f"select_{by.lower()}"] = partial(splat_selection.found, context, made, by, {"weight": 4.0, **looks.get(by, {})})
    edits["adjust"] = lambda: splat_edits.recolor(cloud, Adjustment(exposure=0.5))
    edits["delete"] = lambda: splat_edits.keep(made, half)
    for name, edit in edits.items():
        used, started = time.process_time(), time.perf_counter()
        edit()
        seconds = time.perf_counter() - started
        emit(f"edit_1m_{name}_seconds", round(seconds, 3), "s", processor=round(time.process_time() - used, 3))


def _window(emit: Emit) -> None:
    """What the test in a real window measures."""
    with tempfile.TemporaryDirectory(prefix="reify-") as folder:
        environment = {**os.environ, "REIFY_GUI_SHOTS": folder}
        command = [sys.executable, "-m", "pytest", "-q", "-m", "gui", "tests/gui/test_splats.py"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=sys.stderr)
        found = sorted(Path(folder).glob("*-figures.json"))
        if not found:
            print("there is no Blender with a window: tests/gui/make_chroot.sh", file=sys.stderr)
        for figures in found:
            for name, (value, unit) in json.loads(figures.read_text()).items():
                emit(name, value, unit)


PARTS = {
    "files": _files,
    "turning": _turning,
    "objects": _objects,
    "display": _display,
    "edits": _edits,
    "renders": _renders,
    "window": _window,
}
