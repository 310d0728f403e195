"""What the artist thinks of a result: stars and a note, kept on its collection. So they are saved, and stay where it is made anew."""

from __future__ import annotations

from typing import Any

import bpy

from . import provenance, stored, versions

RATING, NOTES = "reify_rating", "reify_notes"
MOST_STARS = 5


def rating_of(collection: bpy.types.Collection) -> int:
    """Its stars, 0 where it wasn't rated."""
    return stored.whole(collection, RATING, 0, high=MOST_STARS)


def notes_of(collection: bpy.types.Collection) -> str:
    """Its note."""
    return stored.text(collection, NOTES)


def rate(collection: bpy.types.Collection, stars: int) -> None:
    """Give a result 1 to 5 stars; 0 takes them back."""
    collection[RATING] = min(max(stars, 0), MOST_STARS)


def note(collection: bpy.types.Collection, text: str) -> None:
    """Write a note on a result; an empty one takes it back."""
    collection[NOTES] = text


def results_in(scene: bpy.types.Scene) -> list[bpy.types.Collection]:
    """The results in a scene, in the outliner's order."""
    return [found for found in scene.collection.children_recursive if provenance.role(found) == "collection"]


def versions_of(scene: bpy.types.Scene, collection: bpy.types.Collection) -> list[bpy.types.Collection]:
    """All results in a scene that were made of the same sources or the same sentence by the same method, the newest last."""
    made = provenance.read(collection) or {"method": "", "inputs": {}, "settings": {}}
    return versions.older(scene, made["method"], made["inputs"], versions.sentence_of(made["settings"]))


def described(collection: bpy.types.Collection) -> dict[str, Any]:
    """A result for scripts: name, version, rating, notes, method, inputs, settings and figures."""
    made = provenance.read(collection) or {}
    kept = {key: made.get(key) for key in ("method", "inputs", "settings", "metrics")}
    return {
        "name": collection.name,
        "version": versions.version(collection),
        "rating": rating_of(collection),
        "notes": notes_of(collection),
        **kept,
    }
