"""Reading ONNX files without the onnx package; the messages are built by hand from onnx.proto3's field numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reify.backend.networks.onnx import read_graph


def _varint(value: int) -> bytes:
    found = b""
    while value > 0x7F:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _tensor(name: str, array: np.ndarray, kind: int, packed: bool = False) -> bytes:
    dims = _field(1, b"".join(map(_varint, array.shape))) if packed else b"".join(_field(1, size) for size in array.shape)
    return dims + _field(2, kind) + _field(8, name.encode()) + _field(9, array.tobytes())


def _file(path: Path, *tensors: bytes) -> Path:
    node = _field(1, b"x") + _field(1, b"weight") + _field(2, b"y") + _field(3, b"/enter/Conv") + _field(4, b"Conv")
    graph = _field(1, node) + b"".join(_field(5, tensor) for tensor in tensors) + _field(2, b"main")
    path.write_bytes(_field(1, 8) + _field(2, b"pytorch") + _field(7, graph))
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_constants_come_with_their_shapes_and_the_nodes_that_use_them(tmp_path: Path, packed: bool) -> None:
    weight = np.arange(300 * 2, dtype=np.float16).reshape(300, 2)
    index = np.array([7], np.int64)
    graph = read_graph(_file(tmp_path / "net.onnx", _tensor("weight", weight, 10, packed), _tensor("index", index, 7, packed)))
    assert {name: (array.dtype, array.shape) for name, array in graph.constants.items()} == {
        "weight": (np.float16, (300, 2)),
        "index": (np.int64, (1,)),
    }
    assert (graph.constants["weight"] == weight).all()
    assert [(node.name, node.operator, node.inputs) for node in graph.nodes] == [("/enter/Conv", "Conv", ("x", "weight"))]


def test_a_file_that_ends_early_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    whole = _file(tmp_path / "net.onnx", _tensor("weight", np.zeros((3, 5), np.float32), 1)).read_bytes()
    for length in range(len(whole)):
        (tmp_path / "cut.onnx").write_bytes(whole[:length])
        with pytest.raises(ValueError):
            read_graph(tmp_path / "cut.onnx")


def test_an_unknown_type_and_a_wrong_size_are_refused(tmp_path: Path) -> None:
    zeros = np.zeros(4, np.float32)
    with pytest.raises(ValueError, match="unknown type 9"):
        read_graph(_file(tmp_path / "net.onnx", _tensor("weight", zeros, 9)))
    with pytest.raises(ValueError, match="has 16 bytes"):
        read_graph(_file(tmp_path / "net.onnx", _tensor("weight", zeros, 11)))
