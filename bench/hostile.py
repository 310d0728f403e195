"""Harm of every kind: damaged files, kills in the middle, hundreds of jobs, and memory against what was estimated.

dev.py bench hostile            all of it, an hour and more
dev.py bench hostile inputs     one part of it: inputs, kills, soak or memory
"""

from __future__ import annotations

import filecmp
import gc
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

Emit = Callable[..., None]

INPUTS = 5000  # of each reader
KILLS = 20
JOBS = 200
SOAKED_AFTER = 20  # jobs, by which libraries have what they keep
LEAST_MOMENT_S = 0.5
SMALL = (
    *("--training-steps", "300", "--training-long-side-px", "96", "--surface-long-side-px", "96", "--surface-max-voxels", "1"),
    *("--texture-size-px", "256", "--mesh-faces", "2000", "--training-device", "cpu"),
)
# A job of a method in a process of its own, which prints the bytes that it took at its peak beyond what it started with.
PEAK = """
import re, sys
from pathlib import Path
from reify.backend import device, orders
from reify.backend.jobs.environment import Environment
from reify.backend.methods import method_called
from reify.backend.settings import values, with_values
device.prepare_numba()
def peak(): return int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) << 10
method = method_called(sys.argv[1])
settings = with_values(method.settings(), {"training.steps": 60, "training.long_side_px": 96, "texture.size_px": int(sys.argv[3])}
                       if sys.argv[1] == "photos" else {})
before = peak()
orders.run(orders.Order(sys.argv[1], values(settings), (Path(sys.argv[2]),)), Environment(), lambda event: None)
memory = method.needed(settings).memory
print(peak() - before, memory.bytes if memory else 0)
"""


def run(emit: Emit, parts: Sequence[str]) -> None:
    """Print every figure of the parts, of all where none is named."""
    for name in parts or PARTS:
        PARTS[name](emit)


def inputs(emit: Emit) -> None:
    """Mutations of every reader's file."""
    from ..tests.hostile.campaign import campaign
    from ..tests.hostile.readers import READERS

    faults = campaign(INPUTS)
    for fault in faults:
        print(fault, file=sys.stderr)
    counts = {kind: sum(fault["kind"] == kind for fault in faults) for kind in ("traceback", "crash", "memory", "time", "outside")}
    emit("hostile_inputs", INPUTS * len(READERS), "inputs", readers=len(READERS))
    emit("hostile_tracebacks", counts["traceback"], "inputs")
    emit("hostile_crashes", counts["crash"], "inputs")
    emit("hostile_beyond_bounds", counts["memory"] + counts["time"] + counts["outside"], "inputs", **counts)


def kills(emit: Emit) -> None:
    """Kill -9 at seeded moments of a small photo run, each resumed to its end and compared with one that wasn't interrupted."""
    from ..tests.capture import layouts

    moments = random.Random(0)
    with tempfile.TemporaryDirectory(prefix="reify-") as temporary:
        root = Path(temporary)
        layouts.nerfstudio(root / "capture")
        _photo_run(root, "first").wait()  # which compiles kernels
        started = time.perf_counter()
        _photo_run(root, "whole").wait()
        seconds = time.perf_counter() - started
        survived = 0
        for number in range(KILLS):
            name = f"killed{number}"
            job = _photo_run(root, name)
            time.sleep(moments.uniform(LEAST_MOMENT_S, seconds))
            job.send_signal(signal.SIGKILL)
            job.wait()
            again = _photo_run(root, name)
            left = [path.name for path in (root / name).iterdir()] if again.wait() == 0 else ["nothing was made"]
            same = left == ["a.ply"] and filecmp.cmp(root / name / "a.ply", root / "whole" / "a.ply", shallow=False)
            print(f"{name}: {'the same' if same else left}", file=sys.stderr)
            survived += same
        emit("kills_survived", survived, "kills", of=KILLS, run_s=round(seconds, 1))


def _photo_run(root: Path, name: str) -> subprocess.Popen[bytes]:
    """A run with a cache of its own but for compiled kernels, whose output goes to a folder of the same name."""
    from ..backend import device

    kernels = device.kernel_folder()
    cache = root / f"{name}-cache"
    for folder in (cache, root / name):
        folder.mkdir(exist_ok=True)
    if not (cache / "kernels").exists():
        (cache / "kernels").symlink_to(kernels.resolve(), target_is_directory=True)
    command = [sys.executable, "-m", "reify.cli", "run", "photos", str(root / "capture"), "-o", str(root / name / "a.ply"), *SMALL]
    return subprocess.Popen(command, env={**os.environ, "REIFY_CACHE": str(cache)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def soak(emit: Emit) -> None:
    """Threads, open files and memory that are left after many jobs in one process."""
    from PIL import Image

    from ..backend import device, orders
    from ..backend.jobs.environment import Environment
    from ..backend.methods import method_called
    from ..backend.settings import values

    device.prepare_numba()
    with tempfile.TemporaryDirectory(prefix="reify-") as temporary:
        picture = Path(temporary, "a.png")
        y, x = np.mgrid[:64, :64]
        inside = np.hypot(x - 32, y - 32) < 20
        Image.fromarray(np.dstack([np.full((64, 64, 3), 128, np.uint8), np.where(inside, 255, 0).astype(np.uint8)])).save(picture)
        settings = values(method_called("image").settings())
        before = (0, 0, 0)
        for number in range(JOBS):
            if number == SOAKED_AFTER:
                before = _held()
            orders.run(orders.Order("image", settings, (picture,)), Environment(), lambda event: None)
        after = _held()
    emit("soak_threads_left", after[0] - before[0], "threads", jobs=JOBS)
    emit("soak_files_left", after[1] - before[1], "files")
    emit("soak_mb_left", round((after[2] - before[2]) / 1e6, 1), "MB")


def _held() -> tuple[int, int, int]:
    """Threads, open files and bytes of this process; the latter two 0 where the system doesn't tell."""
    gc.collect()
    status = Path("/proc/self/status")
    found = re.search(r"VmRSS:\s*(\d+)", status.read_text()) if status.exists() else None
    files = len(os.listdir("/proc/self/fd")) if status.exists() else 0
    return threading.active_count(), files, int(found[1]) << 10 if found else 0


def memory(emit: Emit) -> None:
    """The peak of jobs against their estimates, as the larger of the two over the smaller: 1.33 is a third."""
    from ..tests.capture import layouts

    worst = 0.0
    with tempfile.TemporaryDirectory(prefix="reify-") as temporary:
        layouts.nerfstudio(Path(temporary, "capture"))
        for size_px in (1024, 4096):
            command = [sys.executable, "-c", PEAK, "photos", str(Path(temporary, "capture")), str(size_px)]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            taken, estimated = int(said[-2]), int(said[-1])
            print(f"photos, texture of {size_px}: {taken / 1e6:.0f} MB of {estimated / 1e6:.0f} MB", file=sys.stderr)
            worst = max(worst, taken / max(estimated, 1), estimated / max(taken, 1))
    emit("memory_estimate_worst", round(worst, 2), "ratio", of="photos with textures of 1024 and 4096 px")


PARTS = {"inputs": inputs, "kills": kills, "soak": soak, "memory": memory}
