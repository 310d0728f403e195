"""The constants of an ONNX file, read from its Protocol Buffers without the onnx package (18 MB): weights, and who uses them.

Field numbers are those of onnx.proto3; the wire format is Protocol Buffers' own (protobuf.dev, "Encoding").
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..values import Array

VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5  # wire types
GRAPH = 7  # of ModelProto
NODE, INITIALIZER = 1, 5  # of GraphProto
INPUT, NAME, OPERATOR = 1, 3, 4  # of NodeProto
DIMS, TYPE, FLOATS, TENSOR_NAME, RAW = 1, 2, 4, 8, 9  # of TensorProto
TYPES: dict[int, np.dtype[Any]] = {1: np.dtype("<f4"), 7: np.dtype("<i8"), 10: np.dtype("<f2"), 11: np.dtype("<f8")}


@dataclass(frozen=True)
class Node:
    """One operation of a graph."""

    name: str  # "/stage1/rebnconvin/conv_s1/Conv"
    operator: str  # "Conv"
    inputs: tuple[str, ...]  # names of values and constants


@dataclass(frozen=True)
class Graph:
    """What a file holds, as far as weights go."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]


def read_graph(path: Path) -> Graph:
    """The operations and constants of an ONNX file; raises OSError, or ValueError for what is damaged or of an unknown kind."""
    content = memoryview(path.read_bytes())
    nodes: list[Node] = []
    constants: dict[str, Array] = {}
    for graph in _messages(content, GRAPH):
        for number, value in _fields(graph):
            if number == NODE:
                nodes.append(_node(_message(value)))
            elif number == INITIALIZER:
                name, array = _tensor(_message(value))
                constants[name] = array
    if not nodes:
        raise ValueError(f"{path.name} holds no graph")
    return Graph(tuple(nodes), constants)


def _node(content: memoryview) -> Node:
    inputs: list[str] = []
    named = {NAME: "", OPERATOR: ""}
    for number, value in _fields(content):
        if number == INPUT:
            inputs.append(_text(value))
        elif number in named:
            named[number] = _text(value)
    return Node(named[NAME], named[OPERATOR], tuple(inputs))


def _tensor(content: memoryview) -> tuple[str, Array]:
    dims: list[int] = []
    name, kind, raw = "", 0, memoryview(b"")
    for number, value in _fields(content):
        if number == DIMS:
            dims += [value] if isinstance(value, int) else list(_varints(value))
        elif number == TYPE and isinstance(value, int):
            kind = value
        elif number == TENSOR_NAME:
            name = _text(value)
        elif number in (RAW, FLOATS):
            raw = _message(value)
    if kind not in TYPES:
        raise ValueError(f"the constant {name} has the unknown type {kind}")
    if len(raw) != math.prod(dims) * TYPES[kind].itemsize:
        raise ValueError(f"the constant {name} of shape {dims} has {len(raw)} bytes")
    return name, np.frombuffer(raw, TYPES[kind]).reshape(dims)


def _messages(content: memoryview, wanted: int) -> Iterator[memoryview]:
    return (_message(value) for number, value in _fields(content) if number == wanted)


def _fields(content: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Field numbers and values: whole numbers of varints, bytes of all else. Raises ValueError where the content ends early."""
    place = 0
    while place < len(content):
        key, place = _varint(content, place)
        kind = key & 7
        if kind == VARINT:
            value, place = _varint(content, place)
            yield key >> 3, value
            continue
        length = {EIGHT_BYTES: 8, FOUR_BYTES: 4}.get(kind)
        if kind == LENGTH:
            length, place = _varint(content, place)
        if length is None or place + length > len(content):
            raise ValueError("a field ends early, or is of an unknown kind")
        yield key >> 3, content[place : place + length]
        place += length


def _varint(content: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(content):
            break
        byte = content[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number ends early")


def _varints(content: memoryview) -> Iterator[int]:
    place = 0
    while place < len(content):
        value, place = _varint(content, place)
        yield value


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number stands where a message should be")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_message(value)).decode("utf-8", "replace")
