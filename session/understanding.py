"""What a sentence says, as the panel shows it while it is being written."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from ..backend.errors import ReifyError


@dataclass(frozen=True)
class Understood:
    """A sentence as lines, and what can't be made of it."""

    lines: tuple[tuple[str, bool], ...] = ()  # and whether it is a relation
    problem: str = ""
    possible: bool = False  # something can be made


@functools.lru_cache(maxsize=64)  # panels ask at every redraw
def understood(text: str, by_meaning: bool = False) -> Understood:
    """Read a sentence; nothing is raised. The first one takes a fifth of a second, for the nouns.

    `by_meaning` says that MiniLM is there, which runs in the job alone: what is unknown here may become something then.
    """
    if not text.strip():
        return Understood()
    from ..backend.prompt import sentence
    from ..backend.shapes import catalogue

    try:
        found = sentence.parse(text, catalogue.sizes())
    except ReifyError as error:
        return Understood(problem=f"{error.what} {error.fix}")
    count = len(found.entities)
    lines = tuple((line, i >= count) for i, line in enumerate(sentence.outline(found)))
    missing = " ".join(sentence.unknown(found, catalogue.sizes()))
    if missing and by_meaning:
        return Understood(lines, f"{missing} MiniLM looks for what means nearly the same.", possible=True)
    return Understood(lines, missing, any(entity.known for entity in found.entities))
