"""Long work on the main thread in slices: a generator that yields where Blender may draw and answer in between.

Until its last slice such work makes datablocks that nothing uses. Whoever goes through it drops it before undo steps and other files,
which take these away, and begins again.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

Made = TypeVar("Made")
Slices = Generator[None, None, Made]


def whole(slices: Slices[Made]) -> Made:
    """Do all of it at once; returns what it makes."""
    while True:
        try:
            next(slices)
        except StopIteration as end:
            made: Made = end.value
            return made
