"""Results of the same sources: their versions, told apart by name."""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from ..backend.values import Report
from . import provenance, stored

VERSION = "reify_version"  # of a result's collection, counted from 1


def older(scene: bpy.types.Scene, method: str, sources: Iterable[str]) -> list[bpy.types.Collection]:
    """The results in a scene that a method has made of the same sources, the newest last."""
    wanted = set(sources)
    found = []
    for collection in scene.collection.children_recursive:
        made = provenance.read(collection) or {}
        if made.get("role") == "collection" and made["method"] == method and wanted and set(made["inputs"]) == wanted:
            found.append(collection)
    return sorted(found, key=version)


def version(collection: bpy.types.Collection) -> int:
    """The number of a result among those of its sources."""
    return stored.whole(collection, VERSION, 1, low=1)


def next_version(scene: bpy.types.Scene, report: Report) -> int:
    """The number that a new result gets."""
    return max(map(version, older(scene, report.method, report.inputs)), default=0) + 1
