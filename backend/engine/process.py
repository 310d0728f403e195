"""Child processes: how they are started and listened to, and that none outlives the process that started it."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from . import pip_settings

CHILD = Path(__file__).with_name("child.py")


@contextlib.contextmanager
def child_of(python: str, arguments: list[str], *, proven: bool = False) -> Iterator[subprocess.Popen[str]]:
    """A child process that ends with this one; whatever goes wrong inside the block ends it too.

    A pip takes over what holds of the user's settings, except for hosts trusted without a certificate where they must be `proven`.
    """
    environment = pip_settings.environment(python, CHILD, proven=proven) if arguments[0] == "pip" else dict(os.environ)
    environment = {key: value for key, value in environment.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    child = subprocess.Popen(
        [python, "-s", str(CHILD), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**environment, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    try:
        yield child
    finally:
        assert child.stdin is not None
        child.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.0 if sys.exc_info()[0] else 5.0)
        if child.poll() is None:
            child.kill()
            child.wait()


def lines_of(child: subprocess.Popen[str]) -> Iterator[str]:
    """What the child prints, line by line, and an empty string whenever it is silent for 0.2 s, so that Cancel works."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        assert child.stdout is not None
        for line in child.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, name="reify-pip", daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=0.2)
        except queue.Empty:
            yield ""
            continue
        if line is None:
            return
        yield line
