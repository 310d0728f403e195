"""Runs pycolmap in a child process: it can be killed at once, its crash isn't Blender's, and its progress is told.

The request is a plain dictionary (`sfm_worker.py` says what is in it); database and model lie in the job's folder, so what a
killed job has computed is used by the next one.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ReifyError
from ..jobs.job import Job
from ..reading import parse_json
from ..values import Array
from .trust import Evidence

POLL_S = 0.1
LOG_LINES = 6  # of the child's last words, shown where it fails
ROOT = Path(__file__).resolve().parents[2]  # holds the package `backend`, under whatever name Blender has loaded it


@dataclass(frozen=True, eq=False)
class Model:
    """What structure from motion found; R of the C photos have a camera."""

    photos: Array  # [R] int, indices into the request's images
    cam_from_world: Array  # [R,4,4]
    K: Array  # [R,3,3] pixels of the request's pictures
    distortion: Array  # [R,8] as in values.Cameras
    xyz: Array  # [N,3]
    rgb: Array  # [N,3] uint8
    error_px: Array  # [N] mean reprojection error
    track_length: Array  # [N] photos that see the point
    reprojection_error_px: float
    features: Array  # [C] found in each photo
    partners: Array  # [C] photos that each one has verified matches with
    inliers: Array  # [C] verified matches of each photo
    model_of: Array  # [C] 0 for the photos of this model, 1 … for those of smaller ones apart from it, -1 for none
    likeness: Array | None = None  # [C,C] larger where two photos are likelier to overlap; None where all were placed
    evidence: Evidence | None = None  # for and against the cameras; None where nothing was placed


def run_worker(request: Mapping[str, Any], folder: Path, job: Job, show: Callable[[str, int, int], None]) -> Model:
    """The model that the child process finds for `request`, whose files lie in `folder`.

    `show(step, done, total)` is called with the child's progress. A child that crashes is started once more, on what it has written.
    Raises ReifyError with the child's last words where it fails, and Cancelled, with the child killed, where the user cancels.
    """
    request_file, log = folder / "request.json", folder / "log.txt"
    request_file.write_text(json.dumps(request), encoding="utf-8")
    code = _run(request_file, log, job, show)
    if _is_crash(code):
        job.warn(f"Finding cameras crashed ({_last_words(log, code)}) and was started once more.")
        code = _run(request_file, log, job, show)
    if code != 0:
        raise ReifyError(f"Finding cameras stopped unexpectedly: {_last_words(log, code)}", f"The full log is {log}.")
    return _read(Path(request["model"]))


def _is_crash(code: int) -> bool:
    """Whether a process was ended by the system: by a signal, or on Windows by an exception."""
    return code < 0 or code >= 0xC0000000


def _run(request_file: Path, log: Path, job: Job, show: Callable[[str, int, int], None]) -> int:
    with log.open("wb") as words:
        child = subprocess.Popen(
            [_python(), "-P", "-m", "backend.capture.sfm_worker", str(request_file)],
            stdin=subprocess.PIPE,  # stays open as long as this process lives
            stdout=subprocess.PIPE,
            stderr=words,
            env=_environment(),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        try:
            _follow(child, job, show)
        finally:
            child.kill()
            child.wait()
            for stream in (child.stdin, child.stdout):
                assert stream is not None
                stream.close()
    return child.returncode


def _python() -> str:
    # Blender sets it to its own Python's program, not to its own.
    if not sys.executable or not Path(sys.executable).is_file():
        raise ReifyError("Blender's Python program can't be found, and finding cameras runs in it.", "Install Blender again.")
    return sys.executable


def _environment() -> dict[str, str]:
    # Packages may lie in a folder that only this process has put on its path. The site's own folders are last for the child as well.
    path = os.pathsep.join([str(ROOT), *(entry for entry in sys.path if entry)])
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}


def _follow(child: subprocess.Popen[bytes], job: Job, show: Callable[[str, int, int], None]) -> None:
    assert child.stdout is not None
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    threading.Thread(target=_pump, args=(child.stdout, lines), daemon=True).start()
    latest = ("start", 0, 1)
    while True:
        show(*latest)  # also where nothing is new: here the user can cancel
        try:
            line = lines.get(timeout=POLL_S)
        except queue.Empty:
            continue
        if line is None:
            child.wait()
            return
        if line.startswith(b"{"):
            told = parse_json(line)
            latest = (told["step"], told["done"], told["total"])


def _pump(stream: Any, lines: queue.SimpleQueue[bytes | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _last_words(log: Path, code: int) -> str:
    words = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    words = [line for line in words if line and not line.startswith(("@", "PC:"))]  # without the C++ stack
    return " ".join(words[-LOG_LINES:]) or f"the process ended with code {code}."


def _read(path: Path) -> Model:
    with np.load(path) as arrays:
        found = {name: array for name, array in arrays.items() if not name.startswith("evidence_")}
        evidence = {name.removeprefix("evidence_"): array for name, array in arrays.items() if name.startswith("evidence_")}
    empty = {"photos": (0,), "cam_from_world": (0, 4, 4), "K": (0, 3, 3), "distortion": (0, 8), "xyz": (0, 3), "rgb": (0, 3)}
    for name, shape in {**empty, "error_px": (0,), "track_length": (0,)}.items():
        found.setdefault(name, np.zeros(shape, np.uint8 if name == "rgb" else np.float64))
    found["reprojection_error_px"] = float(found.get("reprojection_error_px", 0.0))
    return Model(**found, evidence=Evidence(**evidence) if evidence else None)
