"""What a sentence says, as the panel shows it while it is being written, and as it is changed by hand."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy

from ..backend.errors import ReifyError

if TYPE_CHECKING:
    from ..backend.prompt.parsed import Parse


@dataclass(frozen=True)
class Understood:
    """A sentence as lines, and what can't be made of it."""

    lines: tuple[tuple[str, str, int], ...] = ()  # what each is: "thing", "relation" or "", and its number among those
    problem: str = ""
    possible: bool = False  # something can be made
    edited: bool = False


@functools.lru_cache(maxsize=64)  # panels ask at every redraw
def understood(text: str, by_meaning: bool = False, reading: str = "") -> Understood:
    """Read a sentence, or what was understood of it and changed by hand; nothing is raised. The first one takes a fifth of a second.

    `by_meaning` says that MiniLM is there, which runs in the job alone: what is unknown here may become something then.
    """
    if not text.strip():
        return Understood()
    from ..backend.prompt import sentence
    from ..backend.shapes import catalogue

    try:
        found = parse_of(text, reading)
        edited = is_edited(text, reading)
    except ReifyError as error:
        return Understood(problem=f"{error.what} {error.fix}")
    count = len(found.entities)
    said = sentence.outline(found)
    kinds = ["thing"] * count + ["relation"] * len(found.relations)
    kinds += [""] * (len(said) - len(kinds))
    lines = tuple(zip(said, kinds, (*range(count), *range(len(said) - count)), strict=True))
    missing = " ".join(sentence.unknown(found, catalogue.sizes()))
    if missing and by_meaning:
        told = f"{missing} MiniLM looks for what means nearly the same."
        return Understood(lines, told, possible=True, edited=edited)
    return Understood(lines, missing, any(entity.known for entity in found.entities), edited)


def parse_of(text: str, reading: str) -> Parse:
    """What is understood of a sentence, as it was changed by hand if that is of this one; raises ReifyError where it can't be read."""
    from ..backend.prompt import editing, sentence
    from ..backend.shapes import catalogue

    return editing.from_text(reading, catalogue.sizes()) if is_edited(text, reading) else sentence.parse(text.strip(), catalogue.sizes())


def is_edited(text: str, reading: str) -> bool:
    """Whether what was changed by hand is of this sentence."""
    from ..backend.prompt import editing
    from ..backend.shapes import catalogue

    return bool(reading) and editing.from_text(reading, catalogue.sizes()).sentence == text.strip()


def change(context: bpy.types.Context, changed: Callable[[Parse], Parse]) -> None:
    """Change what was understood of the sentence in the panel; raises ReifyError where that can't be."""
    from ..backend.prompt import editing

    group = context.scene.reify.text
    group.reading = editing.as_text(changed(parse_of(group.text, group.reading)))
