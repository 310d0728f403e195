"""What networks take of memory, planned before they start: how weights are held, the largest way that fits first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .library.entry import Stage

GB = 1e9


@dataclass(frozen=True)
class Holding:
    """A way to hold weights while a network runs; layers compute in the type of the first way all the same."""

    name: str  # of the type
    bytes: float  # of each parameter
    cost: str = ""  # in plain words

    def of(self, stage: Stage) -> int:
        """Bytes that a stage takes with its weights held so."""
        return int(self.bytes * stage.parameters) + stage.working_bytes


EIGHT_BITS = Holding("int8", 1.02, "slower, and a little less exact")  # with a factor for each row
ON_PROCESSOR = (Holding("float32", 4), Holding("float16", 2, "slower"), EIGHT_BITS)
ON_CARD = (Holding("float16", 2), EIGHT_BITS)


def fitting(stage: Stage, ways: Sequence[Holding], free_bytes: int) -> tuple[Holding, ...]:
    """The ways from the first that fits on; the last one alone where none does, since estimates are on the safe side."""
    for number, way in enumerate(ways):
        if way.of(stage) <= free_bytes:
            return tuple(ways[number:])
    return tuple(ways[-1:])


def least_bytes(stages: Sequence[Stage]) -> int:
    """Of main memory that stages after each other take, each with its weights held in the smallest way."""
    return max(ON_PROCESSOR[-1].of(stage) for stage in stages)


def plan(title: str, stages: Sequence[Stage], free_bytes: int) -> str:
    """One sentence: what a model takes of main memory at most, and how its weights are held to fit into what is free."""
    chosen = [fitting(stage, ON_PROCESSOR, free_bytes)[0] for stage in stages]
    most = max(way.of(stage) for way, stage in zip(chosen, stages, strict=True))
    smallest = min(chosen, key=lambda way: way.bytes)
    taken = f"{title} takes up to {most / GB:.1f} GB of memory"
    if smallest is ON_PROCESSOR[0]:
        return f"{taken}; {free_bytes / GB:.1f} GB are free."
    return f"{taken}, with weights as {smallest.name} ({smallest.cost}), because {free_bytes / GB:.1f} GB are free."
