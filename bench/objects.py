"""Splats as Blender objects: what making, and showing, them takes, and how well the viewport shows what was trained.

`display` needs the bpy wheel, `window` what tests/gui/make_chroot.sh makes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
Emit = Callable[..., None]

WIDTH_PX, HEIGHT_PX = 1280, 800
SHOWN = 48_000  # splats of a usual capture
PASSES = 25
MILLION = 1_000_000


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
    seconds = []
    for _ in range(3):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        started = time.perf_counter()
        made = splats_object("S", splats)
        seconds.append(time.perf_counter() - started)
    emit("object_1m_seconds", round(min(seconds), 3), "s", median=round(statistics.median(seconds), 3), sh_degree=splats.sh_degree)
    started = time.perf_counter()
    read_splats(made)
    emit("object_1m_read_seconds", round(time.perf_counter() - started, 3), "s")


def _display(emit: Emit) -> None:
    """The passes of the drawing thread, a wall across half of the subject's depth among them."""
    import numpy as np

    from ..scene.viewport.rasterizer import Instance, Rasterizer, rows_from
    from ..tests.scene.viewport.subject import bumpy_ball

    view = _view()
    rasterizer = Rasterizer()
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
    from ..scene.viewport.view import view_of

    far, near = 1000.0, 0.01
    lens = 2 * 50 / 72  # of a new viewport: 50 mm, 72 mm wide
    projection = np.diag([lens, lens * WIDTH_PX / HEIGHT_PX, -(far + near) / (far - near), 0.0])
    projection[2, 3], projection[3, 2] = -2 * far * near / (far - near), -1.0
    pose = np.diag([1.0, -1.0, -1.0, 1.0]) @ looking_at(np.array([[0.0, -4.2, 1.0]]), np.zeros(3))[0]
    depth = np.ones((HEIGHT_PX, WIDTH_PX), np.float32)
    depth[:, : WIDTH_PX // 2] = (far + near - 2 * far * near / 4.2) / (far - near) / 2 + 0.5
    return view_of(projection, pose, WIDTH_PX, HEIGHT_PX, (near, far), depth=depth)


def _window(emit: Emit) -> None:
    """What the test in a real window measures."""
    with tempfile.TemporaryDirectory(prefix="reify-") as folder:
        environment = {**os.environ, "REIFY_GUI_SHOTS": folder}
        command = [sys.executable, "-m", "pytest", "-q", "-m", "gui", "tests/gui/test_splats.py"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=sys.stderr)
        figures = Path(folder) / "splats-figures.json"
        if not figures.is_file():
            print("there is no Blender with a window: tests/gui/make_chroot.sh", file=sys.stderr)
            return
        for name, (value, unit) in json.loads(figures.read_text()).items():
            emit(name, value, unit)


PARTS = {"objects": _objects, "display": _display, "window": _window}
