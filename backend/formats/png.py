"""What Pillow doesn't say of a PNG file: its bit depth, the color that is transparent, and its color space (PNG, 3rd edition, 11.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from . import color

GRAY, RGB = 0, 2  # color types
LARGEST_CHUNK = 1 << 16  # bytes; those that are looked at are smaller
NEAR = 0.003  # difference of chromaticities that is rounding


@dataclass(frozen=True)
class PngHeader:
    """The chunks before the pixels."""

    depth: int = 8  # bits of a sample
    color_type: int = RGB
    chunks: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def transparent(self) -> tuple[int, ...]:
        """The samples of the one color that is transparent, at the file's depth; empty where there is none, or a palette has its own."""
        values = self.chunks.get(b"tRNS", b"")
        count = {GRAY: 1, RGB: 3}.get(self.color_type, 0)
        return struct.unpack(f">{count}H", values[: 2 * count]) if count and len(values) >= 2 * count else ()

    @property
    def color_space(self) -> tuple[int | color.Chromaticities, int | float] | None:
        """Primaries and transfer function where they are said and aren't sRGB's; an ICC profile comes before all but code points."""
        if (points := self.chunks.get(b"cICP", b"")) and len(points) == 4:
            return (points[0], points[1]) if not color.is_srgb(points[0], points[1]) else None
        if b"iCCP" in self.chunks or b"sRGB" in self.chunks:
            return None
        gamma = struct.unpack(">I", self.chunks[b"gAMA"])[0] if len(self.chunks.get(b"gAMA", b"")) == 4 else 0
        exponent = 100_000 / gamma if gamma else 2.2
        transfer: int | float = 13 if abs(exponent - 2.2) < 0.05 else exponent
        primaries = self._primaries()
        return None if (primaries, transfer) == (color.BT709, 13) else (primaries, transfer)

    def _primaries(self) -> int | color.Chromaticities:
        said = self.chunks.get(b"cHRM", b"")
        if len(said) != 32:
            return color.BT709
        white, *rest = (tuple(pair) for pair in np.array(struct.unpack(">8I", said)).reshape(4, 2) / 100_000)
        found = (*rest, white)
        if np.abs(np.array(found) - color.PRIMARIES[color.BT709]).max() < NEAR or min(y for _, y in found) <= 0:
            return color.BT709
        return found  # type: ignore[return-value]


def read_header(path: Path) -> PngHeader:
    """The chunks of a PNG file up to its pixels, as far as they are whole."""
    chunks: dict[bytes, bytes] = {}
    with path.open("rb") as stream:
        stream.seek(8)
        while len(head := stream.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"IDAT":
                break
            chunks[kind] = stream.read(length) if length <= LARGEST_CHUNK else b""
            stream.seek(4 + (length if length > LARGEST_CHUNK else 0), 1)
    first = chunks.get(b"IHDR", b"")
    return PngHeader(first[8], first[9], chunks) if len(first) == 13 else PngHeader()
