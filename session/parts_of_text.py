"""Single things of scenes that sentences made: which the active object is, and making it again while the rest stays."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ..backend.errors import ReifyError
from ..scene import assembly, provenance, stored


@dataclass(frozen=True)
class PartOfText:
    """A thing of a scene."""

    name: str  # of the part
    noun: str
    sentence: str
    reading: str  # what was understood of it
    style: str  # empty: as the sentence says
    seed: int  # that it was made with last


def part_of(item: bpy.types.Object | None) -> PartOfText | None:
    """What an object is of a sentence's scene; None where it is nothing of one."""
    made = provenance.read(item)
    if item is None or made is None or made["method"] != "text" or not stored.text(item, assembly.PART):
        return None
    settings = made["settings"]
    style = str(settings.get("style", ""))
    seed = stored.whole(item, assembly.PART_SEED, made["seed"])
    noun = stored.text(item, assembly.NOUN)
    reading = stored.text(item, assembly.READING)
    sentence = str(settings.get("text", ""))
    return PartOfText(str(item[assembly.PART]), noun, sentence, reading, "" if style == "as said" else style, seed)


def remake(item: bpy.types.Object, seed: int, thing: str, alike: bool) -> None:
    """Make the thing that an object is once more, in its place; with `alike` all of its number, which share their mesh.

    Raises ReifyError where it is nothing of a sentence's scene, or there is no such thing.
    """
    from ..backend.assembly.assemble import remade

    found = part_of(item)
    if found is None:
        raise ReifyError("This is no thing of a sentence's scene.", "Select one that From Text has made.")
    collection = provenance.collection_of(item)
    others = list(collection.all_objects) if collection is not None else [item]
    items = [other for other in others if other.data == item.data] if alike else [item]
    sizes = [_largest_side(other) for other in others if part_of(other) is not None]
    share = _largest_side(item) / max([*sizes, 1e-9])
    other_thing = thing.strip() or (found.noun if found.noun else "")
    part = remade(found.reading, found.style, found.name, seed, noun=other_thing, share=min(1.0, max(share, 0.01)))
    assembly.renew(items, part, part.style or found.style or _style_of(found.reading), part.noun == found.noun)
    for made in items:
        made[assembly.PART_SEED] = seed


def _largest_side(item: bpy.types.Object) -> float:
    size = item.dimensions
    return float(max(size[0], size[1], size[2]))


def _style_of(reading: str) -> str:
    from ..backend.prompt.editing import from_text
    from ..backend.shapes import catalogue

    return from_text(reading, catalogue.sizes()).style
