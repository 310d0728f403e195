"""Whether a file that was just written is whole, by its ending: writers that miss a full disk leave files that end early."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

PLY_BYTES = {b"char": 1, b"uchar": 1, b"short": 2, b"ushort": 2, b"int": 4, b"uint": 4, b"float": 4, b"double": 8}
ZSTD, ZSTD_SEEK_TABLE = b"\x28\xb5\x2f\xfd", b"\xb1\xea\x92\x8f"  # how a compressed .blend begins and ends
BLOCK_HEADERS = (20, 24, 32)  # bytes of a .blend's last block, by the version that wrote it
LARGEST_HEADER = 1 << 16


def check(path: Path) -> None:
    """Raise ValueError where a file ends early, by its own account of its size or by how its kind ends; OSError where it can't be read.

    Known are .png, .jpg, .ply without lists, .glb, .stl, .obj, .mtl and .blend; of others only that they aren't empty.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        try:
            ok = size > 0 and CHECKS.get(path.suffix.lower(), _anything)(stream, size)
        except (struct.error, KeyError, IndexError, ValueError):
            ok = False
    if not ok:
        raise ValueError(f"{path.name} ends early, after {size} bytes")


def _anything(stream: BinaryIO, size: int) -> bool:
    return True


def _png(stream: BinaryIO, size: int) -> bool:
    """Portable Network Graphics, section 5.3: chunks of length, kind, data and checksum; the last one is IEND."""
    if stream.read(8) != b"\x89PNG\r\n\x1a\n":
        return False
    while True:
        length, kind = struct.unpack(">I4s", stream.read(8))
        stream.seek(length + 4, os.SEEK_CUR)
        if kind == b"IEND":
            return stream.tell() == size


def _jpeg(stream: BinaryIO, size: int) -> bool:
    return stream.read(2) == b"\xff\xd8" and _end(stream, 2) == b"\xff\xd9"


def _ply(stream: BinaryIO, size: int) -> bool:
    head = stream.read(LARGEST_HEADER)
    lines = head[: head.index(b"end_header\n")].split(b"\n")
    total, count = len(b"\n".join(lines)) + len(b"end_header\n"), 0
    for words in (line.split() for line in lines):
        if words[:1] == [b"element"]:
            count = int(words[2])
        elif words[:2] == [b"property", b"list"] or words[:2] == [b"format", b"ascii"]:
            return size > total
        elif words[:1] == [b"property"]:
            total += count * PLY_BYTES[words[1]]
    return size == total


def _glb(stream: BinaryIO, size: int) -> bool:
    """Section 4.4 of glTF 2.0: the length of all, then chunks of length, kind and data."""
    magic, version, length = struct.unpack("<4sII", stream.read(12))
    if magic != b"glTF" or version != 2 or length != size:
        return False
    while stream.tell() < size:
        chunk, _kind = struct.unpack("<I4s", stream.read(8))
        stream.seek(chunk, os.SEEK_CUR)
    return stream.tell() == size


def _stl(stream: BinaryIO, size: int) -> bool:
    return size == 84 + 50 * stl_triangles(stream)


def _text(stream: BinaryIO, size: int) -> bool:
    return _end(stream, 1) == b"\n"


def _blend(stream: BinaryIO, size: int) -> bool:
    if stream.read(4) == ZSTD:
        return _end(stream, 4) == ZSTD_SEEK_TABLE
    stream.seek(0)
    return stream.read(7) == b"BLENDER" and any(_end(stream, header)[:4] == b"ENDB" for header in BLOCK_HEADERS)


def _end(stream: BinaryIO, count: int) -> bytes:
    stream.seek(-count, os.SEEK_END)
    return stream.read(count)


CHECKS: dict[str, Callable[[BinaryIO, int], bool]] = {
    **{".png": _png, ".jpg": _jpeg, ".jpeg": _jpeg, ".ply": _ply, ".glb": _glb},
    **{".stl": _stl, ".obj": _text, ".mtl": _text, ".blend": _blend},
}


def stl_triangles(stream: BinaryIO) -> int:
    """How many triangles a binary .stl says that it holds."""
    stream.seek(80)
    return int(struct.unpack("<I", stream.read(4))[0])


def faces(path: Path) -> int:
    """How many faces a .glb, .obj or binary .stl holds; those of a .glb and an .stl are triangles. Raises OSError or ValueError."""
    with path.open("rb") as stream:
        if path.suffix.lower() == ".stl":
            return stl_triangles(stream)
        if path.suffix.lower() == ".obj":
            return sum(line.startswith(b"f ") for line in stream)
        stream.seek(12)
        (length,) = struct.unpack("<I", stream.read(4))
        stream.seek(20)
        content: dict[str, Any] = json.loads(stream.read(length))
    corners = [
        content["accessors"][primitive["indices"]]["count"]
        for mesh in content.get("meshes", ())
        for primitive in mesh["primitives"]
        if primitive.get("mode", 4) == 4 and "indices" in primitive
    ]
    return sum(corners) // 3
