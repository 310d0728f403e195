"""PLY files as tables: every element's columns and lists by name, ASCII or binary of either byte order; vertices back to files.

Names are lower-cased, since programs disagree about their case. What the columns mean is `columns`' business.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..errors import ReifyError
from ..files import writing
from ..reading import open_file
from ..values import Array
from .limits import check_rows, damaged
from .splat_rows import BLOCK, blocks

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
    with _opened(path) as stream:
        header = _read_header(stream, path)
        return Ply(_read(stream, header, wanted, path), tuple(header.comments))


def read_vertices(path: Path) -> tuple[Element, tuple[str, ...]]:
    """The `vertex` element and the file's comments; raises ReifyError where it is no whole PLY file, or has no vertices."""
    ply = read_ply(path)
    if "vertex" not in ply.elements:
        raise ReifyError(f"{path.name} has no vertices.", "Choose another file.")
    return ply.elements["vertex"], ply.comments


@dataclass(frozen=True, eq=False)
class Vertices:
    """The `vertex` element of an open file, read block by block."""

    count: int
    comments: tuple[str, ...]
    kinds: dict[str, Array]  # name -> [0] of the file's type
    blocks: Iterator[dict[str, Array]]  # name -> [n], n <= BLOCK where the file is binary and has no lists


@contextmanager
def open_vertices(path: Path) -> Iterator[Vertices]:
    """The vertices of a file that is open inside the block; raises ReifyError where it is no whole PLY file, or has no vertices."""
    with _opened(path) as stream:
        header = _read_header(stream, path)
        names = [layout.name for layout in header.layouts]
        if "vertex" not in names:
            raise ReifyError(f"{path.name} has no vertices.", "Choose another file.")
        layout = header.layouts[names.index("vertex")]
        if header.encoding == "ascii" or any(each.count_kind for each in layout.properties):
            columns = _read(stream, header, ("vertex",), path)["vertex"].columns
            kinds, blocks = {name: column[:0] for name, column in columns.items()}, iter([columns])
        else:
            _read(stream, header, (), path, until="vertex")
            dtype = _row(layout, header, path)
            check_rows(path, layout.count, dtype.itemsize, path.stat().st_size - stream.tell())
            kinds = {name: np.empty(0, dtype[name]) for name in dtype.names or ()}
            blocks = _blocks(stream, dtype, layout.count)
        yield Vertices(layout.count, tuple(header.comments), kinds, blocks)


def counts(path: Path) -> dict[str, int]:
    """How many rows each element has, by the file's head alone; raises ReifyError where it is no PLY file."""
    return {layout.name: layout.count for layout in _layouts(path)}


def comments(path: Path) -> tuple[str, ...]:
    """A file's comments, by its head alone; raises ReifyError where it is no PLY file."""
    with _opened(path) as stream:
        return tuple(_read_header(stream, path).comments)


def vertex_columns(path: Path) -> set[str]:
    """The names of what every vertex has, by the file's head alone; raises ReifyError where it is no PLY file."""
    return {each.name for layout in _layouts(path) if layout.name == "vertex" for each in layout.properties}


def write_vertices(path: Path, columns: Mapping[str, Array], comments: tuple[str, ...] = ()) -> None:
    """Write columns of equal length, each with its own dtype, as the `vertex` element of a binary little endian file."""
    count = len(next(iter(columns.values())))
    kinds = {name: column.dtype for name, column in columns.items()}
    write_elements(
        path, {"vertex": (count, kinds)}, ({name: column[rows] for name, column in columns.items()} for rows in blocks(count)), comments
    )


def write_elements(
    path: Path,
    elements: Mapping[str, tuple[int, Mapping[str, np.dtype]]],
    parts: Iterable[Mapping[str, Array]],
    comments: tuple[str, ...] = (),
) -> None:
    """Write a binary little endian file of elements, each a count and its columns' types, whose rows come in `parts`, all in order."""
    lines = ["ply", "format binary_little_endian 1.0", *(f"comment {comment}" for comment in comments)]
    for name, (count, kinds) in elements.items():
        lines.append(f"element {name} {count}")
        lines += [f"property {PLY_TYPES[kind.str[1:]]} {column}" for column, kind in kinds.items()]
    with writing(path) as partial, partial.open("wb") as stream:
        stream.write("\n".join([*lines, "end_header", ""]).encode("ascii"))
        for part in parts:
            rows = np.empty(len(next(iter(part.values()))), [(name, column.dtype.newbyteorder("<")) for name, column in part.items()])
            for name, column in part.items():
                rows[name] = column
            rows.tofile(stream)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with open_file(path) as stream:
            yield stream
    except OSError as error:
        raise ReifyError(f"{path} can't be read: {error.strerror or error}.", "Check the path.") from error


def _layouts(path: Path) -> list[_Layout]:
    with _opened(path) as stream:
        return _read_header(stream, path).layouts


def _read(stream: BinaryIO, header: _Header, wanted: Container[str], path: Path, until: str = "") -> dict[str, Element]:
    """The elements that are wanted, by name; those behind the last one, and from `until` on, aren't read."""
    if header.encoding not in BYTE_ORDERS:
        raise damaged(path)
    read = _read_ascii if header.encoding == "ascii" else _read_binary
    names = [layout.name for layout in header.layouts]
    end = names.index(until) if until else max((i for i, name in enumerate(names) if name in wanted), default=-1) + 1
    elements = {}
    for layout in header.layouts[:end]:
        if len({each.name for each in layout.properties}) < len(layout.properties):
            raise damaged(path)
        check_rows(path, layout.count, _least_bytes(layout, header.encoding), path.stat().st_size - stream.tell())
        try:
            element = read(stream, layout, BYTE_ORDERS[header.encoding])
        except (ValueError, IndexError, OverflowError):
            raise damaged(path) from None
        if layout.name in wanted:
            elements[layout.name] = element
    return elements


def _least_bytes(layout: _Layout, encoding: str) -> int:
    """The fewest bytes that a row can take, and 1 for one without properties."""
    if encoding == "ascii":
        return max(1, len(layout.properties))
    return max(1, sum(np.dtype(each.count_kind or each.kind).itemsize for each in layout.properties))


def _row(layout: _Layout, header: _Header, path: Path) -> np.dtype:
    if header.encoding not in BYTE_ORDERS or len({each.name for each in layout.properties}) < len(layout.properties):
        raise damaged(path)
    return np.dtype([(each.name, BYTE_ORDERS[header.encoding] + each.kind) for each in layout.properties])


def _blocks(stream: BinaryIO, dtype: np.dtype, count: int) -> Iterator[dict[str, Array]]:
    rows: Array = np.empty(min(count, BLOCK), dtype)
    for part in blocks(count):
        block = rows[: part.stop - part.start]
        if stream.readinto(block) != block.nbytes:  # type: ignore[attr-defined]
            raise OSError(None, "it changed while it was read")
        yield {name: block[name] for name in dtype.names or ()}


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
        raise damaged(path)
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
        raise damaged(path) from None
    if any(not 0 <= layout.count <= size for layout in header.layouts):  # a row takes a byte at least
        raise damaged(path)
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
