"""PLY files as tables: lists, byte orders, line ends, and what is damaged."""

import struct
import tracemalloc

import numpy as np
import pytest
from reify.backend.errors import ReifyError
from reify.backend.formats.ply import counts, read_ply, read_vertices

HEADER = [
    "element vertex 3", "property float x", "property list uchar ushort seen_by", "property double w",
    "element face 2", "property list uchar int vertex_indices", "element edge 1", "property int a",
]  # fmt: skip
SEEN_BY = [[7, 8], [], [9, 10, 11]]


def binary(order: str, line: bytes = b"\n") -> bytes:
    encoding = "binary_little_endian" if order == "<" else "binary_big_endian"
    head = line.join(part.encode() for part in ["ply", f"format {encoding} 1.0", "comment made by hand", *HEADER, "end_header", ""])
    body = b"".join(struct.pack(f"{order}fB{len(seen)}Hd", 0.5 * i, len(seen), *seen, 2.0 + i) for i, seen in enumerate(SEEN_BY))
    faces = struct.pack(f"{order}B3i", 3, 0, 1, 2) + struct.pack(f"{order}B4i", 4, 2, 1, 0, 2)
    return head + body + faces + struct.pack(f"{order}i", -5)


def text() -> bytes:
    rows = [f"{0.5 * i} {len(seen)} {' '.join(map(str, seen))} {2 + i}" for i, seen in enumerate(SEEN_BY)]
    return "\n".join(
        ["ply", "format ascii 1.0", "comment made by hand", *HEADER, "end_header", *rows, "", "3 0 1 2", "4 2 1 0 2", "-5", ""]
    ).encode()


FILES = {
    "little endian": binary("<"), "big endian": binary(">"), "ascii": text(), "lines of Windows": binary("<", b"\r\n"),
    "lines of old Macs": binary(">", b"\r"), "text of Windows": text().replace(b"\n", b"\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_lists_of_any_lengths_lie_beside_columns(tmp_path, name):
    (tmp_path / "a.ply").write_bytes(FILES[name])
    ply = read_ply(tmp_path / "a.ply", ("vertex", "face", "edge"))
    vertex, face = ply.elements["vertex"], ply.elements["face"]
    assert vertex.columns["x"].tolist() == [0, 0.5, 1] and vertex.columns["w"].tolist() == [2, 3, 4]
    assert vertex.lists["seen_by"].counts.tolist() == [2, 0, 3] and vertex.lists["seen_by"].values.tolist() == [7, 8, 9, 10, 11]
    assert face.lists["vertex_indices"].starts.tolist() == [0, 3] and face.lists["vertex_indices"].values.tolist() == [0, 1, 2, 2, 1, 0, 2]
    assert ply.elements["edge"].columns["a"].tolist() == [-5] and ply.comments == ("made by hand",)
    assert counts(tmp_path / "a.ply") == {"vertex": 3, "face": 2, "edge": 1}


def test_lists_of_one_length_are_read_as_a_table(tmp_path):
    count = 100_000
    head = f"ply\nformat binary_little_endian 1.0\nelement face {count}\nproperty list uchar int vertex_indices\nproperty uchar flag\n"
    rows = np.zeros(count, [("n", "u1"), ("v", "<i4", 3), ("flag", "u1")])
    rows["n"], rows["v"], rows["flag"] = 3, np.arange(3 * count).reshape(-1, 3), np.arange(count) % 7
    (tmp_path / "a.ply").write_bytes(head.encode() + b"element vertex 1\nproperty float x\nend_header\n" + rows.tobytes() + b"\0\0\x80?")
    ply = read_ply(tmp_path / "a.ply", ("vertex", "face"))
    assert np.array_equal(ply.elements["face"].lists["vertex_indices"].values, np.arange(3 * count))
    assert np.array_equal(ply.elements["face"].columns["flag"], np.arange(count) % 7) and ply.elements["vertex"].columns["x"] == [1.0]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_file_that_was_cut_off_is_refused(tmp_path, name, cut):
    (tmp_path / "a.ply").write_bytes(FILES[name][: -cut - 2])
    with pytest.raises(ReifyError, match="cut off"):
        read_ply(tmp_path / "a.ply", ("vertex", "face", "edge"))


def test_numbers_as_windows_prints_what_is_none_are_read(tmp_path):
    (tmp_path / "a.ply").write_text("ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nend_header\n-nan(ind)\n1.#INF\n2\n")
    x = read_vertices(tmp_path / "a.ply")[0].columns["x"]
    assert np.isnan(x[0]) and np.isposinf(x[1]) and x[2] == 2


def test_a_file_without_vertices_is_refused(tmp_path):
    (tmp_path / "a.ply").write_text("ply\nformat ascii 1.0\nelement face 0\nproperty list uchar int vertex_indices\nend_header\n")
    with pytest.raises(ReifyError, match="no vertices"):
        read_vertices(tmp_path / "a.ply")


@pytest.mark.parametrize("count", [-1, 10**9, 2**31, 2**63, 10**30])
@pytest.mark.parametrize("encoding", ["ascii", "binary_little_endian"])
@pytest.mark.parametrize("properties", ["", "property float x", "property list uchar int x"])
def test_a_count_that_the_file_has_no_room_for_is_refused_before_memory_is_reserved(tmp_path, count, encoding, properties):
    path = tmp_path / "a.ply"
    path.write_bytes(f"ply\nformat {encoding} 1.0\nelement vertex {count}\n{properties}\nend_header\n1 2 3\n".encode())
    tracemalloc.start()
    for read in (read_ply, counts):
        with pytest.raises(ReifyError, match="damaged or cut off"):
            read(path)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
