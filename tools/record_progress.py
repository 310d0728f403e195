"""`python -m reify.tools.record_progress METHOD SOURCE -o FILE.json [--preset NAME] [setting=value …]`: runs a job and records it.

The file holds what a forecast is made from: the settings, the size of the input, and for each stage rows of seconds, fraction, and
seconds of compiling until then. Time in which the job's threads wait for a core is left out (Linux only), so that a busy machine records
what an idle one would; a training that ends by time is therefore recorded shorter than its setting says. Tests replay the files.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path

from .. import api
from ..backend import device
from ..backend.files import write_text
from ..backend.jobs.job import Event, Progress
from ..backend.values import Result

EVERY_S = 1.0  # between two rows of a stage
LOOK_EVERY_S = 0.1


class Clock:
    """Seconds in which this process and its children weren't kept waiting for a core, and those of them in which kernels were compiled."""

    def __init__(self) -> None:
        self.seconds = self.compiling = 0.0
        self._at, self._compiled = time.monotonic(), device.compiling_seconds()
        self._threads: dict[int, tuple[int, int]] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._run, daemon=True).start()

    def now(self) -> tuple[float, float]:
        """Both, up to this moment."""
        with self._lock:
            at, compiled, threads = time.monotonic(), device.compiling_seconds(), _threads()
            ran, waited = (
                sum(max(times[kind] - self._threads[tid][kind], 0) for tid, times in threads.items() if tid in self._threads)
                for kind in (0, 1)
            )
            share = ran / (ran + waited) if ran + waited else 1.0
            self.seconds += (at - self._at) * share
            self.compiling += (compiled - self._compiled) * share
            self._at, self._compiled, self._threads = at, compiled, threads
            return self.seconds, self.compiling

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_EVERY_S)
            self.now()


def _threads() -> dict[int, tuple[int, int]]:
    """Nanoseconds that each thread of this process and its children has run, and has waited for a core."""
    found = {}
    for process in {os.getpid(), *_children()}:
        for task in Path(f"/proc/{process}/task").glob("*/schedstat"):
            try:
                ran, waited, _ = task.read_text().split()
            except OSError:  # it has just ended
                continue
            found[int(task.parent.name)] = (int(ran), int(waited))
    return found


def _children() -> list[int]:
    found = []
    for path in Path("/proc/self/task").glob("*/children"):
        try:
            found += [int(child) for child in path.read_text().split()]
        except OSError:
            continue
    return found


class Recorder:
    """Hears a job's events."""

    def __init__(self) -> None:
        self.stages: dict[str, list[list[float]]] = {}
        self._clock = Clock()

    def hear(self, event: Event) -> None:
        """Take down where the job stands."""
        if isinstance(event, Progress):
            seconds, compiling = self._clock.now()
            rows = self.stages.setdefault(event.stage, [])
            if not rows or event.fraction == 1.0 or seconds - rows[-1][0] >= EVERY_S:
                rows.append([round(seconds, 2), round(event.fraction, 4), round(compiling, 2)])


def size_of(result: Result) -> dict[str, float]:
    """What the method's `expected` is told of the input."""
    report, capture = result.report, result.capture
    if capture is not None:
        pixels = sum(photo.width * photo.height for photo in capture.photos) / len(capture.photos)
        posed = "structure from motion" not in report.choices
        return {"photos": report.metrics["photos"], "megapixels": round(pixels / 1e6, 3), "posed": posed}
    return {"faces": report.metrics["before.faces"]} if "before.faces" in report.metrics else {}


def main() -> int:
    """Record one job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("method")
    parser.add_argument("source", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--preset", default="")
    parser.add_argument("changes", nargs="*", metavar="setting=value")
    arguments = parser.parse_intermixed_args()
    changes = dict(change.split("=", 1) for change in arguments.changes)
    recorder = Recorder()
    result = api.make(arguments.method, arguments.source, preset=arguments.preset, settings=changes, listener=recorder.hear)
    recording = {
        "method": arguments.method,
        "settings": dict(result.report.settings),
        "size": size_of(result),
        "cached": list(result.report.cached),
        "stages": recorder.stages,
    }
    write_text(arguments.output, json.dumps(recording))
    print({title: round(rows[-1][0] - rows[0][0], 1) for title, rows in recorder.stages.items()}, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
