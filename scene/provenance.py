"""Where an object came from, kept on the object itself: enough to say so, and to make it again."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from typing import Any

import bpy
import numpy as np

from ..backend.reading import parse_json
from ..backend.schema import conforming
from ..backend.values import Array, Report

KEY = "reify"
NAME = "reify_name"  # what a datablock was called when it was made: a copy has another name, and this along with it
SOURCE_FROM_WORLD = "reify_source_from_world"  # 16 numbers, row after row


def describe(made: bpy.types.ID, report: Report, role: str) -> None:
    """Store `report` on a datablock; `role` is what it is of the result: "splats", "mesh", "points", "camera", "root", "collection"."""
    metrics = {name: value for name, value in report.metrics.items() if math.isfinite(value)}  # JSON has no word for others
    made[KEY] = json.dumps({"role": role, **dataclasses.asdict(report), "metrics": metrics})
    for own in (made, getattr(made, "data", None)):
        if own is not None:
            keep_name(own)


def describe_as(made: bpy.types.ID, other: bpy.types.ID, role: str) -> None:
    """Store on a datablock what another one has stored, with a role of its own."""
    made[KEY] = json.dumps({**parse_json(other[KEY]), "role": role})
    for own in (made, getattr(made, "data", None)):
        if own is not None:
            keep_name(own)


def keep_name(made: bpy.types.ID) -> None:
    """Take a datablock's present name for that of an original."""
    made[NAME] = made.name


def is_original(made: bpy.types.Object) -> bool:
    """Whether an object is the one that was made, and no copy of it.

    One that was only renamed is known by its data, which nobody shares. Files of earlier versions don't tell; there all are originals.
    """
    if made.get(NAME, made.name) == made.name:
        return True
    data = made.data
    return data is not None and data.users == 1 and data.get(NAME) == data.name


def read(source: bpy.types.ID | None) -> dict[str, Any] | None:
    """What `describe` stored: a report's fields, all there and of the right type, and "role".

    None where there is nothing, or nothing readable (`is_unreadable`): files are edited by scripts and written by other versions.
    """
    text = source.get(KEY) if source is not None else None
    return _parsed(text) if isinstance(text, str) else None


def is_unreadable(source: bpy.types.ID | None) -> bool:
    """Whether Reify made a datablock, and what it stored can't be read by this version."""
    return source is not None and source.get(KEY) is not None and read(source) is None


@functools.lru_cache(maxsize=1024)  # panels ask for every object of a result at every redraw
def _parsed(text: str) -> dict[str, Any] | None:
    try:
        stored = parse_json(text)
        role = stored.pop("role")
        report = conforming(Report, stored)
    except (ValueError, TypeError, LookupError, AttributeError):
        return None
    return {"role": role, **dataclasses.asdict(report)} if isinstance(role, str) else None


def keep_source_from_world(made: bpy.types.ID, source_from_world: Array | None) -> None:
    """Store on a datablock what leads from the world to its source's large coordinates, [4,4]; None stores nothing."""
    if source_from_world is not None:
        made[SOURCE_FROM_WORLD] = [float(value) for value in source_from_world.ravel()]  # kept in 64 bits


def source_from_world(made: bpy.types.Object | None) -> Array | None:
    """What `keep_source_from_world` stored on an object or on what it hangs on, [4,4] float64; None where its coordinates were small."""
    while made is not None:
        if (stored := made.get(SOURCE_FROM_WORLD)) is not None:
            return _matrix(stored)
        made = made.parent
    return None


def _matrix(stored: Any) -> Array | None:
    try:
        matrix = np.array(list(stored), dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return matrix.reshape(4, 4) if matrix.size == 16 and np.isfinite(matrix).all() else None


def copy(source: bpy.types.ID, target: bpy.types.ID) -> None:
    """Let `target` come from where `source` comes from."""
    for key in (KEY, SOURCE_FROM_WORLD):
        if source.get(key) is not None:
            target[key] = source[key]
        elif target.get(key) is not None:
            del target[key]


def role(source: bpy.types.ID | None) -> str:
    """The role of a datablock in its result, empty where it isn't of Reify's making."""
    return (read(source) or {}).get("role", "")


def collection_of(made: bpy.types.Object | None) -> bpy.types.Collection | None:
    """The collection of the result that an object belongs to; None where it isn't of Reify's making or was moved out."""
    if made is None:
        return None
    return next((found for found in bpy.data.collections if role(found) == "collection" and made.name in found.all_objects), None)
