"""glTF binary files moved to large coordinates: their positions have 32 bits, but the places of their nodes are JSON numbers."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from ..values import Array


def move_back(path: Path, offset: Array) -> None:
    """Add `offset` [3], Y up, to the places of the topmost nodes of a file (glTF 2.0, section 4.4). Raises OSError."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    content = json.loads(data[20 : 20 + length])
    inner = {child for node in content["nodes"] for child in node.get("children", ())}
    for number, node in enumerate(content["nodes"]):
        if number not in inner:
            node["translation"] = [float(value) for value in offset + node.get("translation", [0.0, 0.0, 0.0])]
    packed = json.dumps(content, separators=(",", ":")).encode()
    packed += b" " * (-len(packed) % 4)
    rest = struct.pack("<I4s", len(packed), b"JSON") + packed + data[20 + length :]
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(rest)) + rest)
