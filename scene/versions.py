"""Results of the same sources: their versions, told apart by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import bpy

from ..backend.values import Report
from . import provenance, stored

VERSION = "reify_version"  # of a result's collection, counted from 1


def older(scene: bpy.types.Scene, method: str, sources: Iterable[str], sentence: str = "") -> list[bpy.types.Collection]:
    """The results in a scene that a method has made of the same sources, or without any of the same sentence, the newest last."""
    wanted = set(sources)
    found = []
    for collection in scene.collection.children_recursive:
        made = provenance.read(collection) or {}
        if made.get("role") != "collection" or made["method"] != method or set(made["inputs"]) != wanted:
            continue
        if wanted or (sentence and sentence_of(made["settings"]) == sentence):
            found.append(collection)
    return sorted(found, key=version)


def sentence_of(settings: Mapping[str, Any]) -> str:
    """The sentence that a result is made of; empty where it isn't made of one."""
    return str(settings.get("text", "")).strip()


def version(collection: bpy.types.Collection) -> int:
    """The number of a result among those of its sources."""
    return stored.whole(collection, VERSION, 1, low=1)


def next_version(scene: bpy.types.Scene, report: Report) -> int:
    """The number that a new result gets."""
    return max(map(version, older(scene, report.method, report.inputs, sentence_of(report.settings))), default=0) + 1
