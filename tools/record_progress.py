"""`python -m reify.tools.record_progress METHOD SOURCE -o FILE.json [--preset NAME] [setting=value …]`: runs a job, and how it moved.

The file holds what a forecast of the job is made from: its settings, the size of its input, and for each stage rows of seconds,
fraction, and seconds spent compiling until then. `tests/jobs/test_recorded.py` replays such files.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from .. import api
from ..backend import device
from ..backend.files import write_text
from ..backend.formats.images import probe
from ..backend.jobs.job import Event, Progress
from ..backend.values import Result

EVERY_S = 1.0  # between two rows of a stage


class Recorder:
    """Hears a job's events."""

    def __init__(self) -> None:
        self.stages: dict[str, list[list[float]]] = {}
        self._began = time.monotonic()
        self._compiled = device.compiling_seconds()
        self._last: tuple[str, float, list[float]] = ("", 0.0, [])

    def hear(self, event: Event) -> None:
        """Take down where the job stands."""
        if not isinstance(event, Progress):
            return
        seconds, compiled = time.monotonic() - self._began, device.compiling_seconds() - self._compiled
        row = [round(seconds, 2), round(event.fraction, 4), round(compiled, 2)]
        rows = self.stages.setdefault(event.stage, [])
        if not rows or event.fraction == 1.0 or seconds - rows[-1][0] >= EVERY_S:
            rows.append(row)


def size_of(source: Path, result: Result) -> dict[str, float]:
    """What the method's `expect` is told of the input."""
    if result.capture is not None:
        photos = result.capture.photos
        return {"photos": result.report.metrics["photos"], "megapixels": photos[0].width * photos[0].height / 1e6}
    if "faces_before" in result.report.metrics:
        return {"faces": result.report.metrics["faces_before"]}
    info = probe(source)
    return {"megapixels": info.width * info.height / 1e6}


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
        "size": size_of(arguments.source, result),
        "cached": list(result.report.cached),
        "stages": recorder.stages,
    }
    write_text(arguments.output, json.dumps(recording))
    print({title: round(seconds, 1) for title, seconds in result.report.seconds.items()}, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
