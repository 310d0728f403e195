"""A small HEIC picture, as iPhones write it, without an encoder for it: a frame of HEVC in the boxes of HEIF (ISO/IEC 23008-12)."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np


def write_heic(path: Path, pixels: np.ndarray) -> None:
    """Write [H,W,3] uint8, both sides a multiple of 16 and at least 64."""
    configuration, sample = _hevc(pixels)
    height, width = pixels.shape[:2]
    properties = _box(b"ipco", configuration + _full(b"ispe", struct.pack(">II", width, height)))
    association = _full(b"ipma", struct.pack(">IHBBB", 1, 1, 2, 0x81, 2))  # item 1 has both, the first is essential
    entry = _full(b"infe", struct.pack(">HH4s", 1, 0, b"hvc1") + b"\0", version=2)
    handler = _full(b"hdlr", struct.pack(">I4s12x", 0, b"pict") + b"\0")
    first = _box(b"ftyp", b"heic" + bytes(4) + b"mif1heic")

    def meta(offset: int) -> bytes:
        place = _full(b"iloc", struct.pack(">BBHHHHII", 0x44, 0, 1, 1, 0, 1, offset, len(sample)))
        items = _full(b"pitm", struct.pack(">H", 1)) + _full(b"iinf", struct.pack(">H", 1) + entry)
        return _full(b"meta", handler + items + place + _box(b"iprp", properties + association))

    start = len(first) + len(meta(0)) + 8
    path.write_bytes(first + meta(start) + _box(b"mdat", sample))


def _hevc(pixels: np.ndarray) -> tuple[bytes, bytes]:
    """The box hvcC, and the picture as NAL units with their lengths."""
    import av

    stream_of = io.BytesIO()
    with av.open(stream_of, "w", format="mp4") as container:
        stream = container.add_stream("libx265", rate=1, options={"x265-params": "log-level=none:keyint=1", "crf": "4"})
        stream.height, stream.width, stream.pix_fmt = *pixels.shape[:2], "yuv420p"
        stream.codec_context.codec_tag = "hvc1"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")))
        container.mux(stream.encode())
    data = stream_of.getvalue()
    at = data.index(b"hvcC") - 4
    (size,) = struct.unpack_from(">I", data, at)
    mdat = data.index(b"mdat")
    (length,) = struct.unpack_from(">I", data, mdat - 4)
    return data[at : at + size], data[mdat + 4 : mdat - 4 + length]


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _full(kind: bytes, content: bytes, version: int = 0) -> bytes:
    return _box(kind, bytes([version, 0, 0, 0]) + content)
