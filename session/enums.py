"""Items of enums with numbers of their own: .blend files keep the number, and by position it would change with each new item.

The number is a hash of 24 bits: Blender's interface passes it through float32, which holds no more. Files of before have 31 bits.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import bpy

from ..scene import compat

BITS = 24
DROPPED_BITS = 31 - BITS

Item = tuple[str, str, str, int]


def number(identifier: str) -> int:
    """The number of an item, 0 to 2^24 - 1."""
    return zlib.crc32(identifier.encode()) >> (32 - BITS)


def items(described: Iterable[tuple[str, str, str]]) -> tuple[Item, ...]:
    """Items for an EnumProperty, of identifier, label and tooltip."""
    return tuple((identifier, label, tooltip, number(identifier)) for identifier, label, tooltip in described)


def upgrade(names: Iterable[str]) -> None:
    """Shorten the numbers that older files have stored in these properties of their scenes, and in the groups below them."""
    for scene in bpy.data.scenes:
        stored = compat.stored_properties(scene)
        for name in names:
            if name in stored:
                for owner, found in _enums(getattr(scene, name), stored[name]):
                    known = {item.value for item in found.enum_items}  # none where a function gives them
                    value = owner[found.identifier]
                    if value >> BITS or (value not in known and value >> DROPPED_BITS in known):
                        owner[found.identifier] = value >> DROPPED_BITS


def _enums(group: Any, stored: Any) -> Iterator[tuple[Any, Any]]:
    """What holds the number of each enum that a file has set, and its definition."""
    for found in group.bl_rna.properties:
        if found.identifier not in stored:
            continue
        if found.type == "ENUM":
            yield stored, found
        elif found.type == "POINTER" and isinstance(value := getattr(group, found.identifier), bpy.types.PropertyGroup):
            yield from _enums(value, stored[found.identifier])
