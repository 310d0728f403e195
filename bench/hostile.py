"""Harm of every kind: damaged files, kills in the middle, full disks, hundreds of jobs, and memory against what was estimated.

dev.py bench hostile            all of it, an hour and more
dev.py bench hostile kills      one part of it, some minutes; see PARTS
"""

from __future__ import annotations

import contextlib
import functools
import gc
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backend import interrupts
from ..tests.capture import layouts
from . import _runs

if TYPE_CHECKING:
    from ..backend.orders import Order

Emit = Callable[..., None]

INPUTS = 5000  # of each reader
FAMILIES = ("splats", "points", "cameras", "pictures", "own", "models")  # of readers
PHOTO_KILLS, INSTALL_KILLS = 14, 6
TOGETHER = (2, 4)
DISKS = 10  # sizes, from nothing to as much as is needed
JOBS = 200
PHOTOS_EACH = 20  # jobs
SOAKED_AFTER = 60  # jobs, by which libraries have what they keep
# A photo run in a process of its own, which prints the bytes that it took at its peak beyond what it started with, and the estimate.
PEAK = """
import json, re, sys
from pathlib import Path
from reify.backend import device, orders
from reify.backend.jobs.environment import Environment
from reify.backend.methods import method_called
from reify.backend.settings import values, with_values
device.prepare_numba()
def peak(): return int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) << 10
method = method_called("photos")
settings = with_values(method.settings(), json.loads(sys.argv[2]))
before = peak()
source = Path(sys.argv[1])
orders.run(orders.Order("photos", values(settings), (source,)), Environment(), lambda event: None)
print(peak() - before, method.needed(settings, method.inputs((source,))).memory.bytes)
"""
LEAST: dict[str, float] = {
    "training.steps": 60,
    "training.long_side_px": 96,
    "surface.max_voxels": 1,
    "texture.size_px": 512,
    "mesh.faces": 5000,
}
TAKING: dict[str, dict[str, float]] = {  # what takes memory beside that
    "photos": {},
    "splats": {"training.max_splats": 60_000, "training.steps": 800},
    "fusion": {"surface.max_voxels": 12, "surface.voxel_size": 0.003},
    "textures": {"texture.size_px": 4096},
}


def run(emit: Emit, parts: Sequence[str]) -> None:
    """Print every figure of the parts, of all where none is named."""
    for name in parts or PARTS:
        PARTS[name](emit)


def inputs(emit: Emit, family: str) -> None:
    """Mutations of the files of a family of readers."""
    from ..tests.hostile.campaign import campaign
    from ..tests.hostile.readers import FAMILIES

    names = list(FAMILIES[family])
    faults = campaign(INPUTS, names, names_each=1)
    for fault in faults:
        print(fault, file=sys.stderr)
    counts = {kind: sum(fault["kind"] == kind for fault in faults) for kind in ("traceback", "crash", "memory", "time", "outside")}
    emit("hostile_inputs", INPUTS * len(names), "inputs", family=family, readers=len(names))
    emit("hostile_tracebacks", counts["traceback"], "inputs", family=family)
    emit("hostile_crashes", counts["crash"], "inputs", family=family)
    emit("hostile_beyond_bounds", counts["memory"] + counts["time"] + counts["outside"], "inputs", family=family, **counts)


def kills(emit: Emit) -> None:
    """Kill -9 at seeded moments of every stage of photo runs, each done again and compared with an undisturbed one."""
    with tempfile.TemporaryDirectory(prefix="reify-bench-") as temporary:
        photos = _runs.Photos(Path(temporary))
        survived = 0
        for number, (stage, after_s) in enumerate(_runs.moments(photos.whole(), PHOTO_KILLS)):
            name = f"killed{number}"
            _killed(photos.start(name), stage, after_s)
            survived += _said(f"killed {after_s:.1f} s into {stage}", photos.fault(name, photos.start(name)))
    emit("kills_survived", survived, "kills", of=PHOTO_KILLS, at="photos")


def kills_of_installs(emit: Emit) -> None:
    """Kill -9 at seeded moments of installations, each of which a further one makes whole."""
    survived = 0
    with tempfile.TemporaryDirectory(prefix="reify-bench-") as temporary:
        installs = _runs.Installs(Path(temporary))
        run = installs.start()
        code = run.ended()
        whole, began = installs.files(), [*run.began.values(), time.monotonic()]
        stages = {stage: later - earlier for stage, earlier, later in zip(installs.STAGES, began, began[1:], strict=False)}
        for stage, after_s in _runs.moments(stages, INSTALL_KILLS):
            shutil.rmtree(installs.root / "engine")
            _killed(installs.start(), stage, after_s)
            again = installs.start()
            same = code == again.ended() == 0 and installs.files() == whole
            survived += _said(f"killed {after_s:.1f} s into {stage}", "" if same else again.words[-600:] or "not the same")
    emit("kills_survived", survived, "kills", of=INSTALL_KILLS, at="installations")


def _killed(run: _runs.Run, stage: str, after_s: float) -> None:
    run.wait_for(stage)
    time.sleep(after_s)
    run.process.kill()
    run.process.wait()


def _said(what: str, fault: str) -> bool:
    """Tell what came of one attempt; True where it has no fault."""
    print(f"{what}: {fault or 'whole'}", file=sys.stderr, flush=True)
    return not fault


def signals(emit: Emit) -> None:
    """SIGINT and SIGTERM in every stage: the command ends with 130, with nothing half-written, and is done again to the same result."""
    with tempfile.TemporaryDirectory(prefix="reify-bench-") as temporary:
        photos = _runs.Photos(Path(temporary))
        survived, slowest_s = 0, 0.0
        chosen = [(sent, *moment) for sent in interrupts.SIGNALS for moment in _runs.moments(photos.whole(), len(_runs.STAGES), sent)]
        for sent, stage, after_s in chosen:
            name = f"{sent.name}-{stage}".replace(" ", "-")
            run = photos.start(name)
            run.wait_for(stage)
            time.sleep(after_s)
            run.process.send_signal(sent)
            began = time.monotonic()
            code, fault = run.ended(), photos.fault(name, run, ended_well=False)
            slowest_s = max(slowest_s, time.monotonic() - began)
            if not fault and code not in (0, interrupts.EXIT_CODE):  # 0 where it came when all was written
                fault = f"code {code}: {run.words[-600:]}"
            survived += _said(f"{sent.name} {after_s:.1f} s into {stage}", fault or photos.fault(name, photos.start(name)))
    emit("signals_survived", survived, "signals", of=len(chosen))
    emit("signals_slowest_s", round(slowest_s, 2), "s")


def together(emit: Emit) -> None:
    """Two and four runs at once of one capture with one cache: each makes all of it."""
    survived = 0
    with tempfile.TemporaryDirectory(prefix="reify-bench-") as temporary:
        photos = _runs.Photos(Path(temporary))
        photos.whole()
        for count in TOGETHER:
            names = [f"{count}-{number}" for number in range(count)]
            runs = {name: photos.start(name, cache=f"{count}") for name in names}
            survived += sum(_said(f"one of {count} at once", photos.fault(name, run)) for name, run in runs.items())
    emit("together_survived", survived, "runs", of=sum(TOGETHER))


def disk(emit: Emit) -> None:
    """A full disk under the cache, which costs nothing but the cache, and under the outputs, which are whole or not there."""
    survived = 0
    with tempfile.TemporaryDirectory(prefix="reify-bench-") as temporary:
        photos = _runs.Photos(Path(temporary))
        photos.whole()
        for kind in ("cache", "output"):
            folder = "whole-cache" if kind == "cache" else "whole"
            needed = sum(path.lstat().st_size for path in (photos.root / folder).rglob("*") if path.is_file() and not path.is_symlink())
            for number in range(DISKS):
                name = f"{kind}{number}"
                full = photos.root / (f"{name}-cache" if kind == "cache" else name)
                with _disk_of(full, max(8 << 10, int(needed * number / (DISKS - 1)))):
                    run = photos.start(name)
                    fault = photos.fault(name, run, ended_well=kind == "cache")
                    if not fault and kind == "output" and run.ended() and "disk" not in run.words:
                        fault = f"doesn't say why: {run.words[-600:]}"
                survived += _said(f"{number / (DISKS - 1):.0%} of the room that the {kind} needs", fault)
    emit("full_disks_survived", survived, "runs", of=2 * DISKS)


@contextlib.contextmanager
def _disk_of(folder: Path, size: int) -> Iterator[None]:
    """Mount a disk of so many bytes in memory on a folder, which takes root on Linux."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={-(-size >> 12) << 12}", "reify-bench", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def soak(emit: Emit) -> None:
    """Threads, open files and memory that are left after many jobs of every kind in one process."""
    from ..backend import device, orders
    from ..backend.jobs.environment import Environment

    device.prepare_numba()
    with tempfile.TemporaryDirectory(prefix="reify-bench-") as temporary:
        photos, others = _orders(Path(temporary))
        before = (0, 0, 0)
        for number in range(JOBS):
            if number == SOAKED_AFTER:
                before = _held()
            order = others[number % len(others)] if number % PHOTOS_EACH else photos
            orders.run(order, Environment(), lambda event: None)
        after = _held()
    emit("soak_threads_left", after[0] - before[0], "threads", jobs=JOBS)
    emit("soak_files_left", after[1] - before[1], "files")
    emit("soak_mb_left", round((after[2] - before[2]) / 1e6, 1), "MB")


def _orders(root: Path) -> tuple[Order, tuple[Order, ...]]:
    """A small photo run, and orders that take a tenth of a second of what else there is: a picture, a scan's points and splats."""
    from PIL import Image

    from ..backend.formats.points_ply import write_points_ply
    from ..backend.formats.splat_ply import write_splat_ply
    from ..backend.methods import method_called
    from ..backend.orders import Order
    from ..backend.settings import values, with_values
    from ..backend.values import Points, Splats

    def order(method: str, source: Path, **settings: Any) -> Order:
        return Order(method, values(with_values(method_called(method).settings(), settings)), (source,))

    y, x = np.mgrid[:64, :64]
    inside = np.where(np.hypot(x - 32, y - 32) < 20, 255, 0).astype(np.uint8)
    Image.fromarray(np.dstack([np.full((64, 64, 3), 128, np.uint8), inside])).save(root / "a.png")
    rng = np.random.default_rng(0)
    ball = rng.normal(size=(3000, 3)).astype(np.float32)
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    write_points_ply(Points(ball, np.full((3000, 3), 128, np.uint8), ball), root / "points.ply")
    small, opaque, gray = np.full((3000, 3), -3.0, np.float32), np.full(3000, 4.0, np.float32), np.zeros((3000, 1, 3), np.float32)
    write_splat_ply(Splats(ball, np.tile(np.array([1, 0, 0, 0], np.float32), (3000, 1)), small, opaque, gray), root / "splats.ply")
    layouts.nerfstudio(root / "capture")
    tiny = {"training.steps": 60, "training.long_side_px": 96, "texture.size_px": 256, "surface.max_voxels": 1, "mesh.faces": 2000}
    return (
        order("photos", root / "capture", **tiny),
        (
            order("image", root / "a.png"),
            order("surface", root / "points.ply"),
            order("surface", root / "splats.ply", voxel_size=0.1, views=8, long_side_px=96),
        ),
    )


def _held() -> tuple[int, int, int]:
    """Threads, open files and bytes of this process; the latter two 0 where the system doesn't tell."""
    gc.collect()
    status = Path("/proc/self/status")
    found = re.search(r"VmRSS:\s*(\d+)", status.read_text()) if status.exists() else None
    files = len(os.listdir("/proc/self/fd")) if status.exists() else 0
    return threading.active_count(), files, int(found[1]) << 10 if found else 0


def memory(emit: Emit) -> None:
    """The peak of jobs against their estimates, as the larger of the two over the smaller: 1.33 is a third."""
    worst = {}
    with tempfile.TemporaryDirectory(prefix="reify-bench-") as temporary:
        layouts.nerfstudio(Path(temporary, "capture"))
        for kind, changes in TAKING.items():
            command = [sys.executable, "-c", PEAK, str(Path(temporary, "capture")), json.dumps({**LEAST, **changes})]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            taken, estimated = int(said[-2]), int(said[-1])
            print(f"{kind}: {taken / 1e6:.0f} MB, estimated {estimated / 1e6:.0f} MB", file=sys.stderr, flush=True)
            worst[kind] = round(max(taken / estimated, estimated / taken), 2)
    emit("memory_estimate_worst", max(worst.values()), "ratio", **worst)


PARTS: dict[str, Callable[[Emit], None]] = {
    **{f"inputs_{family}": functools.partial(inputs, family=family) for family in FAMILIES},
    "kills": kills,
    "kills_of_installs": kills_of_installs,
    "signals": signals,
    "together": together,
    "disk": disk,
    "soak": soak,
    "memory": memory,
}
