"""The vertices of a PLY file as named columns, ASCII or binary; faces and other elements are left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..errors import ReifyError
from ..files import writing
from ..values import Array

NUMPY_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
PLY_TYPES = {"i1": "char", "u1": "uchar", "i2": "short", "u2": "ushort", "i4": "int", "u4": "uint", "f4": "float", "f8": "double"}


@dataclass
class _Element:
    name: str
    count: int
    properties: list[tuple[str, str]] = field(default_factory=list)  # name, numpy type without byte order
    has_lists: bool = False


@dataclass
class _Header:
    encoding: str
    elements: list[_Element]
    comments: list[str]


def read_vertices(path: Path) -> tuple[Array, tuple[str, ...]]:
    """The `vertex` element as a structured array, and the file's comments; raises ReifyError where it is no whole PLY file."""
    try:
        with path.open("rb") as stream:
            header = _read_header(stream, path)
            vertices = _read_element(stream, header, "vertex", path)
    except OSError as error:
        raise ReifyError(f"{path} can't be read: {error.strerror or error}.", "Check the path.") from error
    return vertices, tuple(header.comments)


def vertex_columns(path: Path) -> set[str]:
    """The names of what every vertex has, by the file's head alone; raises ReifyError where it is no PLY file."""
    try:
        with path.open("rb") as stream:
            elements = _read_header(stream, path).elements
    except OSError as error:
        raise ReifyError(f"{path} can't be read: {error.strerror or error}.", "Check the path.") from error
    return {name for element in elements if element.name == "vertex" for name, _ in element.properties}


def write_vertices(path: Path, columns: Mapping[str, Array], comments: tuple[str, ...] = ()) -> None:
    """Write columns of equal length, each with its own dtype, as the `vertex` element of a binary little endian file."""
    count = len(next(iter(columns.values())))
    rows = np.empty(count, dtype=[(name, column.dtype.newbyteorder("<")) for name, column in columns.items()])
    lines = ["ply", "format binary_little_endian 1.0", *(f"comment {comment}" for comment in comments), f"element vertex {count}"]
    for name, column in columns.items():
        rows[name] = column
        lines.append(f"property {PLY_TYPES[column.dtype.str[1:]]} {name}")
    with writing(path) as partial, partial.open("wb") as stream:
        stream.write("\n".join([*lines, "end_header", ""]).encode("ascii"))
        rows.tofile(stream)


def stack(rows: Array, names: list[str]) -> Array:
    """Columns of a structured array as [N,len(names)] float32."""
    stacked = np.empty((len(rows), len(names)), dtype=np.float32)
    for column, name in enumerate(names):
        stacked[:, column] = rows[name]
    return stacked


def _read_header(stream: BinaryIO, path: Path) -> _Header:
    header = _Header("", [], [])
    if stream.readline(8).strip() != b"ply":
        raise ReifyError(f"{path.name} is no PLY file.", "Choose a file that a splat or scanning program has written.")
    while (line := stream.readline(4096)).strip() != b"end_header":
        if not line:
            raise _damaged(path)
        try:
            _read_header_line(header, line.decode("ascii", "replace").split())
        except (ValueError, IndexError, KeyError):
            raise _damaged(path) from None
    return header


def _read_header_line(header: _Header, words: list[str]) -> None:
    match words:
        case ["format", encoding, _]:
            header.encoding = encoding
        case ["comment", *comment]:
            header.comments.append(" ".join(comment))
        case ["element", name, count]:
            header.elements.append(_Element(name, int(count)))
        case ["property", "list", *_]:
            header.elements[-1].has_lists = True
        case ["property", kind, name]:
            header.elements[-1].properties.append((name, NUMPY_TYPES[kind]))


def _read_element(stream: BinaryIO, header: _Header, wanted: str, path: Path) -> Array:
    order = {"binary_little_endian": "<", "binary_big_endian": ">", "ascii": "<"}.get(header.encoding)
    if order is None:
        raise _damaged(path)
    for element in header.elements:
        if element.has_lists:
            what = f"{path.name} has lists before or in its vertices, which isn't supported."
            raise ReifyError(what, "Save it again with another program.")
        if len(dict(element.properties)) < len(element.properties):
            raise _damaged(path)
        dtype = np.dtype([(name, order + kind) for name, kind in element.properties])
        rows = _read_rows(stream, element.count, dtype, header.encoding == "ascii")
        if len(rows) != element.count:
            raise _damaged(path)
        if element.name == wanted:
            return rows
    raise ReifyError(f"{path.name} has no vertices.", "Choose another file.")


def _read_rows(stream: BinaryIO, count: int, dtype: np.dtype, ascii: bool) -> Array:
    if not ascii:
        data = stream.read(count * dtype.itemsize)
        return np.frombuffer(data[: len(data) // dtype.itemsize * dtype.itemsize], dtype=dtype)
    lines = [line for _, line in zip(range(count), stream, strict=False)]
    try:
        return np.loadtxt(lines, dtype=dtype, ndmin=1) if lines else np.empty(0, dtype)
    except ValueError:
        return np.empty(0, dtype)


def _damaged(path: Path) -> ReifyError:
    return ReifyError(f"{path.name} is damaged or cut off.", "Save or copy it again.")
