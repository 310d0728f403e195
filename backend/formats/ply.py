"""PLY files as tables: every element's columns and lists by name, ASCII or binary of either byte order; vertices back to files.

Names are lower-cased, since programs disagree about their case. What the columns mean is `columns`' business.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..errors import ReifyError
from ..files import writing
from ..reading import open_file
from ..values import Array

NUMPY_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
PLY_TYPES = {"i1": "char", "u1": "uchar", "i2": "short", "u2": "ushort", "i4": "int", "u4": "uint", "f4": "float", "f8": "double"}
BYTE_ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">", "ascii": "="}
LONGEST_HEADER = 1 << 20  # bytes
# How C's libraries, among them old ones of Windows, print what isn't finite; `float` knows the others.
NOT_NUMBERS = {"-nan(ind)": np.nan, "nan(ind)": np.nan, "1.#qnan": np.nan, "-1.#ind": np.nan, "1.#inf": np.inf, "-1.#inf": -np.inf}


@dataclass(frozen=True, eq=False)
class Lists:
    """A list for each row of an element, of any lengths."""

    counts: Array  # [N] int64
    values: Array  # [sum of counts], row after row

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def starts(self) -> Array:
        """Where each row's values begin, [N] int64."""
        return np.cumsum(self.counts) - self.counts


@dataclass(frozen=True, eq=False)
class Element:
    """The rows of one element, such as `vertex`."""

    count: int
    columns: dict[str, Array] = field(default_factory=dict)  # name -> [N] of the file's type
    lists: dict[str, Lists] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Ply:
    """A file's elements by name, and its comments."""

    elements: dict[str, Element]
    comments: tuple[str, ...]


@dataclass(frozen=True)
class _Property:
    name: str
    kind: str  # numpy's, without byte order
    count_kind: str = ""  # of a list's length; empty for a scalar


@dataclass
class _Layout:
    name: str
    count: int
    properties: list[_Property] = field(default_factory=list)


@dataclass
class _Header:
    encoding: str = ""
    layouts: list[_Layout] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)


def read_ply(path: Path, wanted: Container[str] = ("vertex",)) -> Ply:
    """The elements that are `wanted`, as far as the file has them; raises ReifyError where it is no whole PLY file."""
    return _opened(path, lambda stream: _read(stream, wanted, path))


def read_vertices(path: Path) -> tuple[Element, tuple[str, ...]]:
    """The `vertex` element and the file's comments; raises ReifyError where it is no whole PLY file, or has no vertices."""
    ply = read_ply(path)
    if "vertex" not in ply.elements:
        raise ReifyError(f"{path.name} has no vertices.", "Choose another file.")
    return ply.elements["vertex"], ply.comments


def counts(path: Path) -> dict[str, int]:
    """How many rows each element has, by the file's head alone; raises ReifyError where it is no PLY file."""
    return {layout.name: layout.count for layout in _opened(path, lambda stream: _read_header(stream, path)).layouts}


def vertex_columns(path: Path) -> set[str]:
    """The names of what every vertex has, by the file's head alone; raises ReifyError where it is no PLY file."""
    layouts = _opened(path, lambda stream: _read_header(stream, path)).layouts
    return {each.name for layout in layouts if layout.name == "vertex" for each in layout.properties}


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


def _opened(path: Path, read: Callable[[BinaryIO], Any]) -> Any:
    try:
        with open_file(path) as stream:
            return read(stream)
    except OSError as error:
        raise ReifyError(f"{path} can't be read: {error.strerror or error}.", "Check the path.") from error


def _read(stream: BinaryIO, wanted: Container[str], path: Path) -> Ply:
    header = _read_header(stream, path)
    if header.encoding not in BYTE_ORDERS:
        raise _damaged(path)
    read = _read_ascii if header.encoding == "ascii" else _read_binary
    last = max((i for i, layout in enumerate(header.layouts) if layout.name in wanted), default=-1)
    elements = {}
    for layout in header.layouts[: last + 1]:
        if len({each.name for each in layout.properties}) < len(layout.properties):
            raise _damaged(path)
        try:
            element = read(stream, layout, BYTE_ORDERS[header.encoding])
        except (ValueError, IndexError, OverflowError):
            raise _damaged(path) from None
        if layout.name in wanted:
            elements[layout.name] = element
    return Ply(elements, tuple(header.comments))


def _read_header(stream: BinaryIO, path: Path) -> _Header:
    size = os.fstat(stream.fileno()).st_size
    start = stream.read(4)
    if not start.startswith(b"ply") or start[3:].strip():
        raise ReifyError(f"{path.name} is no PLY file.", "Choose a file that a splat or scanning program has written.")
    head, end = start, -1
    while end < 0 and len(head) < LONGEST_HEADER and (more := stream.read(4096)):
        head += more
        # One step back, in case the word lies across two reads.
        end = max(head.find(b"\nend_header"), head.find(b"\rend_header"))
    if end < 0:
        raise _damaged(path)
    body = end + len(b"\nend_header")
    while head[body : body + 1] in (b" ", b"\t"):
        body += 1
    # A lone carriage return ends lines of old Macs; elsewhere the byte behind it is a line feed.
    body += 2 if head[body : body + 2] == b"\r\n" and b"\n" in head[:end] else 1
    stream.seek(body)
    header = _Header()
    try:
        for line in head[:end].decode("utf-8", "replace").splitlines()[1:]:
            _read_header_line(header, line.split())
    except (ValueError, IndexError, KeyError):
        raise _damaged(path) from None
    if any(not 0 <= layout.count <= size for layout in header.layouts):  # a row takes a byte at least
        raise _damaged(path)
    return header


def _read_header_line(header: _Header, words: list[str]) -> None:
    match words:
        case ["format", encoding, _]:
            header.encoding = encoding
        case ["comment" | "obj_info", *comment]:
            header.comments.append(" ".join(comment))
        case ["element", name, count]:
            header.layouts.append(_Layout(name.lower(), int(count)))
        case ["property", "list", count_kind, kind, name]:
            header.layouts[-1].properties.append(_Property(name.lower(), NUMPY_TYPES[kind], NUMPY_TYPES[count_kind]))
        case ["property", kind, name]:
            header.layouts[-1].properties.append(_Property(name.lower(), NUMPY_TYPES[kind]))


def _read_binary(stream: BinaryIO, layout: _Layout, order: str) -> Element:
    if any(each.count_kind for each in layout.properties):
        start = stream.tell()
        data = np.frombuffer(stream.read(), np.uint8)
        element, used = _alike(data, layout, order) or _ragged(data, layout, order)
        stream.seek(start + used)
        return element
    dtype = np.dtype([(each.name, order + each.kind) for each in layout.properties])
    if layout.count * dtype.itemsize > os.fstat(stream.fileno()).st_size:  # before that much is reserved
        raise ValueError("cut off")
    rows = np.frombuffer(stream.read(layout.count * dtype.itemsize), dtype) if dtype.itemsize else np.empty(layout.count, dtype)
    if len(rows) != layout.count:
        raise ValueError("cut off")
    return Element(layout.count, {each.name: rows[each.name] for each in layout.properties})


def _alike(data: Array, layout: _Layout, order: str) -> tuple[Element, int] | None:
    """The rows and their size in bytes, where all lists are as long as the first row's; None where they aren't."""
    fields: list[tuple[Any, ...]] = []
    lengths: dict[str, int] = {}
    for each in layout.properties:
        if each.count_kind:
            fields.append((f"{each.name} ", order + each.count_kind))
            size = np.dtype(fields).itemsize
            if len(data) < size:
                return None
            lengths[each.name] = int(data[:size].view(np.dtype(fields))[0][-1])
            fields.append((each.name, order + each.kind, (lengths[each.name],)))
        else:
            fields.append((each.name, order + each.kind))
    dtype = np.dtype(fields)
    used = layout.count * dtype.itemsize
    if len(data) < used:
        return None
    rows = data[:used].view(dtype)
    if any((rows[f"{name} "] != length).any() for name, length in lengths.items()):
        return None
    columns = {each.name: rows[each.name] for each in layout.properties if not each.count_kind}
    lists = {name: Lists(np.full(layout.count, length), rows[name].reshape(-1)) for name, length in lengths.items()}
    return Element(layout.count, columns, lists), used


def _ragged(data: Array, layout: _Layout, order: str) -> tuple[Element, int]:
    """The rows and their size in bytes, found one after another: half a microsecond for each value or list of a row."""
    raw, kinds = data.tobytes(), [(each.count_kind, np.dtype(each.kind).itemsize) for each in layout.properties]
    signed = {"<": "little", ">": "big"}[order]
    at = np.empty((len(kinds), layout.count), np.int64)
    counts = np.ones((len(kinds), layout.count), np.int64)
    position = 0
    for row in range(layout.count):
        for index, (count_kind, size) in enumerate(kinds):
            if count_kind:
                width = int(count_kind[1])
                count = int.from_bytes(raw[position : position + width], signed)  # type: ignore[arg-type]
                position += width
                counts[index, row] = count
                at[index, row] = position
                position += size * count
            else:
                at[index, row] = position
                position += size
        if position > len(raw):
            raise ValueError("cut off")
    found = [_gathered(data, at[i], counts[i], np.dtype(order + each.kind)) for i, each in enumerate(layout.properties)]
    columns = {each.name: values for each, values in zip(layout.properties, found, strict=True) if not each.count_kind}
    lists = {each.name: Lists(counts[i], found[i]) for i, each in enumerate(layout.properties) if each.count_kind}
    return Element(layout.count, columns, lists), position


def _gathered(data: Array, at: Array, counts: Array, dtype: np.dtype) -> Array:
    """The values of each row one after another: `counts` [N] of them from the byte `at` [N] on."""
    values = np.empty(int(counts.sum()), dtype)
    starts = np.cumsum(counts) - counts
    for count in np.unique(counts):
        rows = np.flatnonzero(counts == count)
        taken = data[at[rows, None] + np.arange(count * dtype.itemsize)]
        values[starts[rows, None] + np.arange(count)] = taken.view(dtype)
    return values


def _read_ascii(stream: BinaryIO, layout: _Layout, order: str) -> Element:
    lines = list(islice(_filled(stream), layout.count))
    if len(lines) != layout.count:
        raise ValueError("cut off")
    if not lines or not layout.properties:
        dtypes = [(each.name, np.dtype(each.kind)) for each in layout.properties if not each.count_kind]
        return Element(layout.count, {name: np.empty(layout.count, dtype) for name, dtype in dtypes})
    if not any(each.count_kind for each in layout.properties):
        rows = _table(lines)[:, : len(layout.properties)]
        return Element(layout.count, {each.name: rows[:, i].astype(each.kind) for i, each in enumerate(layout.properties)})
    return _ascii_with_lists(lines, layout)


def _ascii_with_lists(lines: list[bytes], layout: _Layout) -> Element:
    found: list[list[float]] = [[] for _ in layout.properties]
    counts: list[list[int]] = [[] for _ in layout.properties]
    for line in lines:
        words, at = line.split(), 0
        for index, each in enumerate(layout.properties):
            count = 1
            if each.count_kind:
                count, at = int(words[at]), at + 1
                if count < 0:
                    raise ValueError("a list of less than no values")
                counts[index].append(count)
            if len(words) < at + count:
                raise ValueError("cut off")
            found[index] += [_number(word) for word in words[at : at + count]]
            at += count
    columns, lists = {}, {}
    for index, each in enumerate(layout.properties):
        values = np.array(found[index]).astype(each.kind)
        if each.count_kind:
            lists[each.name] = Lists(np.array(counts[index], np.int64), values)
        else:
            columns[each.name] = values
    return Element(layout.count, columns, lists)


def _filled(stream: BinaryIO) -> Iterator[bytes]:
    return (line for line in stream if line.strip())


def _table(lines: list[bytes]) -> Array:
    """Lines of as many numbers each, [N,C] float64; raises ValueError where they aren't."""
    try:
        return np.loadtxt(lines, ndmin=2, comments=None)
    except ValueError:
        return np.array([[_number(word) for word in line.split()] for line in lines])


def _number(word: bytes) -> float:
    text = word.decode("ascii", "replace").lower()
    return NOT_NUMBERS[text] if text in NOT_NUMBERS else float(text)


def _damaged(path: Path) -> ReifyError:
    return ReifyError(f"{path.name} is damaged or cut off.", "Save or copy it again.")
