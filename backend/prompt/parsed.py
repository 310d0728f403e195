"""What a sentence says: the values that `sentence.parse` makes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entity:
    """One kind of thing in the sentence, with its count."""

    noun: str  # the thing as the catalogue calls it; the word's singular where it has no such thing
    word: str  # as it is written
    known: bool = True
    count: int = 1
    color: str = ""  # "red", "dark green"
    accent: str = ""  # a second color
    material: str = ""  # a template of `words.MATERIALS`
    size: str = ""  # a word of `words.SIZES`
    stretch: str = ""  # a word of `words.STRETCHES`
    length_m: tuple[str, float] | None = None  # axis "x", "y" or "z" and what it measures
    traits: tuple[str, ...] = ()  # "old", "round" …
    style: str = ""  # of this thing alone
    arrangement: str = ""  # "row", "stack", "ring" or "group", of counts
    avoid: tuple[str, ...] = ()  # colors and materials that it must not have
    parts: tuple[tuple[str, str], ...] = ()  # slot -> color or material; "content" -> liquid


@dataclass(frozen=True)
class Relation:
    """`subject` stands in this relation to `objects`; all are indices of entities."""

    kind: str  # a value of `words.RELATIONS`
    subject: int
    objects: tuple[int, ...]


@dataclass(frozen=True)
class Parse:
    """What a sentence says."""

    sentence: str
    entities: tuple[Entity, ...]
    relations: tuple[Relation, ...] = ()
    style: str = ""  # of the whole scene
    absent: tuple[str, ...] = ()  # nouns that were negated
    ignored: tuple[str, ...] = ()  # words that carry nothing here
