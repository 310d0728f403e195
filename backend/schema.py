"""What a file says, held against the dataclass that it should hold: files are damaged, and written by other versions."""

from __future__ import annotations

import dataclasses
import functools
import sys
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

Kind = TypeVar("Kind")
LARGEST = sys.float_info.max  # nan and infinity, and whole numbers beyond it, are no floats


def conforming(kind: type[Kind], stored: Any) -> Kind:
    """The dataclass `kind` from what JSON made of its `asdict`.

    Raises ValueError, naming the field, where one is missing, unknown, of another type, or a number that isn't finite.
    """
    if not isinstance(stored, Mapping):
        raise ValueError(f"a {kind.__name__} is an object, not {stored!r}")
    hints, fields = _hints(kind), {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if unknown := stored.keys() - fields.keys():
        raise ValueError(f"a {kind.__name__} has no {min(map(str, unknown))!r}")
    for name, field in fields.items():
        if name not in stored and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{name!r} is missing")
    return kind(**{name: _fitting(value, hints[name], name) for name, value in stored.items()})


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _fitting(value: Any, annotation: Any, name: str) -> Any:
    """`value` as the annotation has it; raises ValueError where it is none of its."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _fitting(value, next(argument for argument in arguments if argument is not type(None)), name)
    if dataclasses.is_dataclass(annotation):
        return conforming(annotation, value)  # type: ignore[arg-type]
    if origin is tuple and isinstance(value, list | tuple):
        kinds = (arguments[0],) * len(value) if arguments[-1] is Ellipsis else arguments
        if len(kinds) != len(value):
            raise ValueError(f"{name!r} holds {len(kinds)} values, not {len(value)}")
        return tuple(_fitting(item, kind, name) for item, kind in zip(value, kinds, strict=True))
    if origin in (dict, Mapping) and isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _fitting(item, arguments[1], f"{name}.{key}") for key, item in value.items()}
    if annotation is Any:
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if annotation is float and is_number and abs(value) <= LARGEST:
        return float(value)
    if annotation is Path and isinstance(value, str):
        return Path(value)
    if annotation in (str, bool, int) and type(value) is annotation:
        return value
    raise ValueError(f"{name!r} can't be {str(value)[:40]!r}")
