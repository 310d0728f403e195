"""Numpy arrays to Blender's attributes and back; contiguous arrays of the attribute's own type are the only fast path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..backend.values import Array

FIELDS = {
    "FLOAT": ("value", 1, np.float32),
    "FLOAT_VECTOR": ("vector", 3, np.float32),
    "FLOAT_COLOR": ("color", 4, np.float32),
    "BYTE_COLOR": ("color", 4, np.float32),  # linear as well
    "INT": ("value", 1, np.int32),
    "FLOAT4": ("vector", 4, np.float32),
    "QUATERNION": ("value", 4, np.float32),
    "FLOAT2": ("vector", 2, np.float32),
    "BOOLEAN": ("value", 1, np.bool_),
}


def write(data: Any, name: str, kind: str, values: Array, domain: str = "POINT") -> None:
    """Set attribute `name` of a mesh or point cloud, one row of `values` [N,D] or [N] per element; made where it is missing."""
    found = data.attributes.get(name)
    if found is not None and found.data_type != kind:
        data.attributes.remove(found)
        found = None
    field, _width, dtype = FIELDS[kind]
    target = found if found is not None else data.attributes.new(name, kind, domain)
    target.data.foreach_set(field, np.ascontiguousarray(values, dtype=dtype).ravel())


def read(data: Any, name: str) -> Array:
    """Attribute `name` as [N,D], or [N] for single values; raises KeyError where there is none."""
    found = data.attributes[name]
    field, width, dtype = FIELDS[found.data_type]
    flat: Array = np.empty(len(found.data) * width, dtype=dtype)
    found.data.foreach_get(field, flat)
    return flat if width == 1 else flat.reshape(-1, width)


def taken(data: Any, rows: Array) -> Iterator[tuple[str, str, Array]]:
    """Name, type and the values in some `rows` [M] of every attribute of points, position first; each is valid until the next one.

    All go through the same memory: fresh memory for each costs as much as reading it.
    """
    found = [(a.name, a.data_type) for a in data.attributes if a.domain == "POINT" and a.data_type in FIELDS]
    widest = max(FIELDS[kind][1] for _name, kind in found) * np.dtype(np.float32).itemsize
    whole, some = (np.empty(count * widest, np.uint8) for count in (len(data.attributes["position"].data), len(rows)))
    for name, kind in sorted(found, key=lambda each: each[0] != "position"):
        field, width, dtype = FIELDS[kind]
        flat = whole[: len(whole) // widest * width * np.dtype(dtype).itemsize].view(dtype)
        kept = some[: len(rows) * width * np.dtype(dtype).itemsize].view(dtype).reshape(-1, width)
        data.attributes[name].data.foreach_get(field, flat)
        np.take(flat.reshape(-1, width), rows, axis=0, out=kept, mode="clip")  # any other mode makes a copy
        yield name, kind, kept


def columns(data: Any) -> dict[str, Array]:
    """The numbers that each point or vertex has, [N] by lower-case name, positions as x, y and z: what a PLY file's columns became."""
    single = [found for found in data.attributes if found.domain == "POINT" and found.data_type in ("FLOAT", "INT")]
    return {found.name.lower(): read(data, found.name) for found in single} | dict(zip("xyz", read(data, "position").T, strict=True))
