"""What goes to standard output and what doesn't: Blender's own notes are printed by C, past Python's streams."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO


@contextlib.contextmanager
def output_to_error() -> Iterator[None]:
    """Send standard output to standard error meanwhile: only the report belongs on it."""
    with _output_to(sys.stderr):
        yield


@contextlib.contextmanager
def without_notes() -> Iterator[None]:
    """Drop what Blender says of pictures that it renders and files that it writes: it would tear the line of progress."""
    with open(os.devnull, "w") as nowhere, _output_to(nowhere):
        yield


@contextlib.contextmanager
def _output_to(stream: TextIO) -> Iterator[None]:
    try:
        output, other = sys.stdout.fileno(), stream.fileno()
    except (OSError, ValueError):  # a test or a GUI has put something else there, which Blender can't write to
        yield
        return
    sys.stdout.flush()
    kept = os.dup(output)
    os.dup2(other, output)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, output)
        os.close(kept)
