"""Nouns by their meaning: sentence embeddings of MiniLM, where its weights are on this machine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec

import numpy as np

from ..jobs.job import Job
from ..networks.library.catalog import MINILM
from ..networks.library.keeping import CONVERTED
from ..networks.library.places import find
from ..values import Array
from . import lexicon

ALIKE = 0.7  # least cosine of two nouns that stand for each other: see bench/text.py, which measured it
HINT = 0.4  # least cosine of what is offered as near


@dataclass
class Meaning:
    """The things that there are, as vectors."""

    things: tuple[str, ...]
    vectors_of: Callable[[Sequence[str]], Array]  # texts -> unit vectors [N,C]
    taken: dict[str, tuple[str, float]] = field(default_factory=dict)  # noun -> the thing it was taken for, and their cosine

    def __post_init__(self) -> None:
        self._vectors = self.vectors_of(self.things)

    def likeness(self, nouns: Sequence[str]) -> Array:
        """Cosines [N,T] of nouns to the things."""
        return self.vectors_of(nouns) @ self._vectors.T

    def thing_called(self, noun: str) -> str:
        """The thing that means nearly the same as a noun, and that WordNet has near it if it knows the noun; empty where none does."""
        cosines = self.likeness([noun])[0]
        best = int(cosines.argmax())
        if not accepts(noun, self.things[best], float(cosines[best])):
            return ""
        self.taken[noun] = (self.things[best], float(cosines[best]))
        return self.things[best]

    def nearest(self, noun: str) -> tuple[str, ...]:
        """Up to three things whose meaning comes nearest."""
        cosines = self.likeness([noun])[0]
        return tuple(self.things[i] for i in np.argsort(-cosines)[: lexicon.NEAREST] if cosines[i] >= HINT)


def accepts(noun: str, thing: str, cosine: float) -> bool:
    """True where a noun may stand for a thing.

    What WordNet knows must be near the thing there, too, for wine is said with wine glasses, but is none; and a compound is named by its
    head: a bus stop is no bus.
    """
    *before, head = noun.split(" ")
    named = thing.split(" ")
    if cosine < ALIKE or noun in lexicon.UNLIKE or (head != named[-1] and set(before) & set(named)):
        return False
    return noun not in lexicon.lexicon().senses or lexicon.steps_to(noun, (thing,))[thing] <= lexicon.FARTHEST


def meaning_of(things: Collection[str], job: Job) -> Meaning | None:
    """The meaning of things where MiniLM's weights and torch are there, None elsewhere. About a second."""
    environment = job.environment
    weights = find(MINILM, environment) if environment.user_folder or environment.weights_folders else None
    if weights is None or find_spec("torch") is None:
        return None
    from ..networks import minilm, running

    network = running.built(minilm.MiniLM, weights.files[CONVERTED], running.chosen_device(environment))
    pieces = minilm.pieces_of(network)
    return Meaning(tuple(sorted(things)), lambda texts: minilm.vectors_of(texts, network, pieces))
