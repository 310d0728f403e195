"""`python -m reify.tools.record_progress METHOD SOURCE -o FILE.json [--preset NAME] [setting=value …]`: runs a job, and how it moved.

The file holds what a forecast of the job is made from: its settings, the size of its input, and for each stage rows of seconds,
fraction, and seconds spent compiling until then. `tests/jobs/test_recorded.py` replays such files.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from .. import api
from ..backend import device
from ..backend.files import write_text
from ..backend.jobs.job import Event, Progress
from ..backend.values import Result

EVERY_S = 1.0  # between two rows of a stage


class Recorder:
    """Hears a job's events."""

    def __init__(self) -> None:
        self.stages: dict[str, list[list[float]]] = {}
        self._began = time.monotonic()
        self._compiled = device.compiling_seconds()
        self.used: dict[str, tuple[float, float]] = {}  # seconds of the cores before and after each stage

    def hear(self, event: Event) -> None:
        """Take down where the job stands."""
        if not isinstance(event, Progress):
            return
        seconds, compiled = time.monotonic() - self._began, device.compiling_seconds() - self._compiled
        row = [round(seconds, 2), round(event.fraction, 4), round(compiled, 2)]
        rows = self.stages.setdefault(event.stage, [])
        first, _ = self.used.get(event.stage, (_cpu_seconds(), 0.0))
        self.used[event.stage] = (first, _cpu_seconds())
        if not rows or event.fraction == 1.0 or seconds - rows[-1][0] >= EVERY_S:
            rows.append(row)


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def size_of(result: Result) -> dict[str, float]:
    """What the method's `expected` is told of the input."""
    report, capture = result.report, result.capture
    if capture is not None:
        pixels = sum(photo.width * photo.height for photo in capture.photos) / len(capture.photos)
        return {"photos": report.metrics["photos"], "megapixels": round(pixels / 1e6, 3)}
    return {"faces": report.metrics["before.faces"]} if "before.faces" in report.metrics else {}


def main() -> int:
    """Record one job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("method")
    parser.add_argument("source", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--preset", default="")
    parser.add_argument("changes", nargs="*", metavar="setting=value")
    arguments = parser.parse_args()
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
    print({title: round(after - before, 1) for title, (before, after) in recorder.used.items()}, file=sys.stderr)
    print({title: round(seconds, 1) for title, seconds in result.report.seconds.items()}, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
