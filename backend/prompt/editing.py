"""What was understood of a sentence, kept as text and changed by hand: things and relations taken out, put in, described otherwise."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from typing import Any

from ..errors import ReifyError
from ..schema import conforming
from . import lexicon
from .parsed import Entity, Parse, Relation
from .words import COLORS, MATERIALS, MOST, RELATIONS, SHADES, SIZES, STYLES

LARGEST = 100_000  # characters of a parse as text
KINDS = tuple(sorted({kind for kind in RELATIONS.values() if kind not in ("with", "surrounded")}))


def as_text(found: Parse) -> str:
    """A parse as JSON, which `from_text` makes it of again."""
    return json.dumps(asdict(found))


def from_text(text: str, things: Collection[str]) -> Parse:
    """The parse that `as_text` was given; raises ReifyError where it is none, or asks for what there isn't among `things`."""
    try:
        found = conforming(Parse, json.loads(text) if len(text) <= LARGEST else None)
        for entity in found.entities:
            if entity.known != (entity.noun in things) or not 1 <= entity.count <= MOST:
                raise ValueError(f"there is no {entity.noun} x{entity.count}")
        for relation in found.relations:
            if not all(0 <= i < len(found.entities) for i in (relation.subject, *relation.objects)):
                raise ValueError("a relation to nothing")
    except (ValueError, TypeError, RecursionError) as error:
        raise ReifyError(f"What was understood can't be read: {error}.", "Leave it empty, so that the sentence is read anew.") from error
    return found


def only(found: Parse, kept: Collection[int]) -> Parse:
    """The parse with the entities of these indices alone, and the relations between them."""
    number = {old: new for new, old in enumerate(sorted(kept))}
    relations = []
    for relation in found.relations:
        objects = tuple(number[i] for i in relation.objects if i in number)
        if relation.subject in number and objects:
            relations.append(replace(relation, subject=number[relation.subject], objects=objects))
    return replace(found, entities=tuple(found.entities[i] for i in sorted(kept)), relations=tuple(relations))


def with_entity(found: Parse, index: int, changes: Mapping[str, Any], things: Collection[str]) -> Parse:
    """The parse with an entity described otherwise; an index at the end adds one.

    Raises ReifyError where there is no such thing, color, material, size or style.
    """
    noun = lexicon.thing_called(str(changes["noun"]).strip().lower(), things)
    if not noun:
        near = lexicon.nearest(str(changes["noun"]).strip().lower(), things)
        raise ReifyError(f"I have no {changes['noun']}.", f"Nearest are {', '.join(near)}." if near else "Name another thing.")
    shaded = {"", *COLORS, *(f"{shade} {color}" for shade in SHADES for color in COLORS)}
    for name, known in (("color", shaded), ("material", MATERIALS.values()), ("size", SIZES), ("style", STYLES.values())):
        if changes.get(name) and changes[name] not in known:
            raise ReifyError(
                f"There is no {name} {changes[name]}.", f"Choose one of {', '.join(sorted(set(COLORS if name == 'color' else known)))}."
            )
    entities = list(found.entities)
    if index == len(entities):
        entities.append(Entity(noun, noun))
    entities[index] = replace(entities[index], **{**changes, "noun": noun, "known": True})
    return replace(found, entities=tuple(entities))


def with_relation(found: Parse, index: int, relation: Relation | None) -> Parse:
    """The parse with another relation in the place of one, or none there; an index at the end adds it."""
    if relation is not None and relation.subject in relation.objects:
        raise ReifyError("A thing can't stand in a relation to itself.", "Choose two.")
    relations = [*found.relations[:index], *(() if relation is None else (relation,)), *found.relations[index + 1 :]]
    return replace(found, relations=tuple(relations))
