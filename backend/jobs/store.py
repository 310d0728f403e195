"""Values to files and back, without anything that could run code: JSON for the structure, safetensors for the arrays."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import types
import typing
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from .. import values
from ..files import write_text, writing
from ..reading import is_file, open_file, parse_json, read_json
from .identity import PACKAGE

READ_BYTES = 16 << 20  # at once, a hundredth of a second
_file_digests: dict[tuple[Path, int, int], str] = {}  # by path, size and time of change

VALUE_TYPES = {t.__name__: t for t in vars(values).values() if isinstance(t, type) and dataclasses.is_dataclass(t)}

CHECKSUMS = "checksums"  # key of a .safetensors file's metadata
BLOCK = 1 << 20  # bytes of a file that are read at a time


def save(value: Any, folder: Path) -> None:
    """Write `value` (values.py's types, arrays, paths, plain Python) as value.json and arrays.safetensors.

    value.json is written last and under its final name only when complete: a folder with it is whole. It holds a checksum of itself, of
    each array, and of the files in `folder` that the value names. Raises ReifyError where the system refuses: full disk, no permission.
    """
    arrays: dict[str, np.ndarray] = {}
    structure = _encode(value, arrays)
    checksums = save_arrays(arrays, folder / "arrays.safetensors")
    files = {name: _file_checksum(folder / name) for name in _files_in(folder, structure)}
    stored = {"value": structure, "arrays": checksums, "files": files}
    write_text(folder / "value.json", json.dumps({**stored, "checksum": _checksum(json.dumps(stored).encode())}))


def load(folder: Path) -> Any:
    """Read what `save` wrote; raises OSError or ValueError where it is missing, or anything of it is damaged."""
    try:
        stored = read_json(folder / "value.json", finite=False)
        if "checksum" not in stored:
            return _of_first_form(stored, folder)
        checksum = stored.pop("checksum")
        if checksum != _checksum(json.dumps(stored).encode()):
            raise ValueError("value.json has changed")
        arrays, checksums = load_arrays(folder / "arrays.safetensors")
        if checksums != stored["arrays"]:
            raise ValueError("the arrays are those of another value")
        if changed := [name for name, written in stored["files"].items() if _file_checksum(folder / name) != written]:
            raise ValueError(f"{changed[0]} has changed")
        return _decode(stored["value"], arrays)
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{folder} is damaged: {error}") from error


def _of_first_form(structure: Any, folder: Path) -> Any:
    """What version 0.1.0 has kept, without checksums; raises ValueError for anything else."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return _decode(structure, load_file(folder / "arrays.safetensors"))
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def save_arrays(arrays: Mapping[str, np.ndarray], path: Path) -> dict[str, int]:
    """Write arrays as a .safetensors file that holds a checksum of each, and return these; raises ReifyError where the system refuses."""
    from safetensors.numpy import save_file

    checksums = {name: _array_checksum(array) for name, array in arrays.items()}
    with writing(path) as partial:
        save_file(dict(arrays), partial, metadata={CHECKSUMS: json.dumps(checksums)})
    return checksums


def load_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """The arrays that `save_arrays` wrote, and their checksums; raises OSError or ValueError where they are missing or damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as opened:
            checksums = parse_json((opened.metadata() or {})[CHECKSUMS])
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118  # it is no mapping
    except (SafetensorError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if {name: _array_checksum(array) for name, array in arrays.items()} != checksums:
        raise ValueError(f"{path} is damaged: an array has changed")
    return arrays, checksums


def plain(value: Any) -> Any:
    """A value without arrays as JSON has it; `unplain` makes it again."""
    arrays: dict[str, np.ndarray] = {}
    structure = _encode(value, arrays)
    if arrays:
        raise TypeError("a value with arrays has no plain form")
    return structure


def unplain(structure: Any) -> Any:
    """The value that `plain` was given; raises ValueError, KeyError or TypeError for anything else."""
    return _decode(structure, {})


def check_storable(annotation: Any) -> None:
    """Raise TypeError where what a type annotation allows is more than `save` can write and `load` gives back the same.

    Those are None, bool, int, float, str, Path, arrays, values.py's types whose fields are of such kinds, and unions, tuples and mappings
    from str of these. A list would come back as a tuple.
    """
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in (None, type(None), bool, int, float, str, np.ndarray) or origin is np.ndarray:
        return
    if isinstance(annotation, type) and issubclass(annotation, Path):
        return
    if annotation in VALUE_TYPES.values():
        hints = typing.get_type_hints(annotation)
        for entry in dataclasses.fields(annotation):
            check_storable(hints[entry.name])
        return
    if origin in (typing.Union, types.UnionType) or (origin is tuple and arguments):
        for argument in arguments:
            if argument is not Ellipsis:
                check_storable(argument)
        return
    if origin in (dict, Mapping) and arguments[0] is str:
        return check_storable(arguments[1])
    raise TypeError(f"a {annotation} can't be stored")


def digest(*parts: Any) -> str:
    """A hexadecimal SHA-256 of values by their content; a Path counts by its name and, where it is a file's, by the bytes.

    Raises TypeError for what has no content to go by: functions, sets, objects that are no dataclasses.
    """
    state = hashlib.sha256()
    for part in parts:
        _feed(state, part)
    return state.hexdigest()


def file_digest(path: Path, check: Callable[[], None] = lambda: None) -> str:
    """SHA-256 of a file's bytes; read once as long as its size and time stay the same. `check` is called meanwhile and may raise."""
    status = path.stat()
    key = path, status.st_size, status.st_mtime_ns
    if key not in _file_digests:
        state = hashlib.sha256()
        with open_file(path) as stream:
            while part := stream.read(READ_BYTES):
                check()
                state.update(part)
        _file_digests[key] = state.hexdigest()
    return _file_digests[key]


def _files_in(folder: Path, structure: Any) -> list[str]:
    """The files in a folder that an encoded value names, by their paths in it."""
    if isinstance(structure, dict) and isinstance(structure.get("path"), str):
        path = Path(structure["path"])
        return [str(path.relative_to(folder))] if path.is_relative_to(folder) and path.is_file() else []
    inner = structure.values() if isinstance(structure, dict) else structure if isinstance(structure, list) else ()
    return sorted({name for item in inner for name in _files_in(folder, item)})


def _array_checksum(array: np.ndarray) -> int:
    array = np.ascontiguousarray(array)
    return _checksum(array.reshape(-1).view(np.uint8), _checksum(f"{array.dtype}{array.shape}".encode()))


def _file_checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            checksum = _checksum(block, checksum)
    return checksum


def _checksum(data: Any, start: int = 0) -> int:
    """CRC-32: finds every change of up to 32 bits in a row, at 2.7 times the speed of SHA-256; it is against disks, not against people."""
    return zlib.crc32(data, start)


def _encode(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        name = f"array{len(arrays)}"
        arrays[name] = np.ascontiguousarray(value)
        return {"array": name}
    if isinstance(value, Path):
        return {"path": str(value)}
    if dataclasses.is_dataclass(value) and type(value).__name__ in VALUE_TYPES:
        fields = {f.name: _encode(getattr(value, f.name), arrays) for f in dataclasses.fields(value)}
        return {"type": type(value).__name__, "fields": fields}
    if isinstance(value, tuple | list):
        return {"tuple": [_encode(item, arrays) for item in value]}
    if isinstance(value, Mapping):
        return {"map": {str(key): _encode(item, arrays) for key, item in value.items()}}
    raise TypeError(f"a stage's value can't hold a {type(value).__name__}")


def _decode(structure: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if not isinstance(structure, dict):
        return structure
    match structure:
        case {"array": name}:
            return arrays[name]
        case {"path": text}:
            return Path(text)
        case {"type": name, "fields": fields}:
            return VALUE_TYPES[name](**{key: _decode(item, arrays) for key, item in fields.items()})
        case {"tuple": items}:
            return tuple(_decode(item, arrays) for item in items)
        case {"map": items}:
            return {key: _decode(item, arrays) for key, item in items.items()}
    raise ValueError(f"unknown structure {list(structure)}")


def _feed(state: Any, value: Any) -> None:
    state.update(_kind(value).encode())
    if isinstance(value, np.ndarray):
        state.update(f"{value.dtype}{value.shape}".encode())
        state.update(np.ascontiguousarray(value).data)
    elif isinstance(value, Path):
        state.update(os.fsencode(value.name))
        if is_file(value):
            with suppress(OSError):  # what can't be read counts by its name
                state.update(file_digest(value).encode())
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for entry in dataclasses.fields(value):
            state.update(entry.name.encode())
            _feed(state, getattr(value, entry.name))
    elif isinstance(value, tuple | list):
        state.update(str(len(value)).encode())
        for item in value:
            _feed(state, item)
    elif isinstance(value, Mapping):
        for key in sorted(value):
            state.update(str(key).encode())
            _feed(state, value[key])
    elif value is None or isinstance(value, bool | int | float | str | bytes | np.generic):
        state.update(repr(value).encode(errors="surrogatepass"))
    else:
        raise TypeError(f"a {_kind(value)} has no content that a digest could be made of")


def _kind(value: Any) -> str:
    """The name of a value's type; with its module, below our package, where it is one of ours: two methods may both have `Settings`."""
    kind = type(value)
    return f"{kind.__module__.removeprefix(PACKAGE)}.{kind.__qualname__}" if dataclasses.is_dataclass(kind) else kind.__name__
