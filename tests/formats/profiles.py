"""Color profiles and PNG files made by hand."""

from __future__ import annotations

import struct
import zlib

import numpy as np

# Red, green and blue in XYZ under D50.
DISPLAY_P3 = ((0.5151, 0.2412, -0.0011), (0.2919, 0.6922, 0.0419), (0.1572, 0.0666, 0.7841))
ADOBE_RGB = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))
SRGB = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7139))


def icc(primaries: tuple[tuple[float, ...], ...] = (), gamma: float = 2.2) -> bytes:
    """An ICC profile of version 2: RGB with these primaries, gray without any."""

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(values: tuple[float, ...]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(map(fixed, values))

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    tags = [(b"desc", b"desc" + bytes(4) + struct.pack(">I", 2) + b"x" + bytes(79)), (b"wtpt", xyz((0.9642, 1.0, 0.8249)))]
    tags += [(bytes([name]) + b"XYZ", xyz(place)) for name, place in zip(b"rgb", primaries, strict=False)]
    tags += [(bytes([name]) + b"TRC", curve) for name in (b"rgb" if primaries else b"k")]
    at, table, data = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags:
        table += name + struct.pack(">II", at + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    kind = b"RGB " if primaries else b"GRAY"
    head = struct.pack(">I4sI4s4s4s", at + len(data), b"lcms", 0x02100000, b"mntr", kind, b"XYZ ") + bytes(12) + b"acsp" + bytes(28)
    return (head + b"".join(map(fixed, (0.9642, 1.0, 0.8249)))).ljust(128, b"\0") + table + data


def chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(samples: np.ndarray, depth: int, *before: tuple[bytes, bytes]) -> bytes:
    """A PNG file of gray [H,W] or RGB [H,W,3] samples of `depth` bits, with chunks before its pixels."""
    height, width = samples.shape[:2]
    rows = samples.reshape(height, -1)
    if depth == 16:
        packed = [row.astype(">u2").tobytes() for row in rows]
    else:
        bits = [np.unpackbits(row.astype(np.uint8)[:, None], axis=1)[:, 8 - depth :] for row in rows]
        packed = [np.packbits(row.ravel()).tobytes() for row in bits]
    header = struct.pack(">IIBBBBB", width, height, depth, 0 if samples.ndim == 2 else 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in packed)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunk(*one) for one in before) + body + chunk(b"IEND", b"")
