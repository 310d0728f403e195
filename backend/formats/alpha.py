"""Whether a picture's header announces an alpha channel, by the standard library alone: a drop is looked at before the engine is there."""

from __future__ import annotations

from pathlib import Path

HEADER_BYTES = 32
PNG, PNG_COLOR_TYPE_AT, PNG_WITH_ALPHA = b"\x89PNG\r\n\x1a\n", 25, (4, 6)  # gray or RGB with alpha (PNG specification, 11.2.1)
WEBP_FLAGS_AT, WEBP_ALPHA = 20, 0x10  # of the chunk VP8X (RFC 9649, 2.7)
WEBP_LOSSLESS_AT, WEBP_LOSSLESS_ALPHA = 24, 0x10  # the bit behind two sizes of 14 bits (RFC 9649, 3.4)


def announces_alpha(path: Path) -> bool:
    """True for PNG and WebP files with an alpha channel, be it opaque; False for all else, files that can't be read among them."""
    try:
        with path.open("rb") as file:
            head = file.read(HEADER_BYTES)
    except OSError:
        return False
    if len(head) < HEADER_BYTES:
        return False
    if head.startswith(PNG):
        return head[PNG_COLOR_TYPE_AT] in PNG_WITH_ALPHA
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return {
            b"VP8X": bool(head[WEBP_FLAGS_AT] & WEBP_ALPHA),
            b"VP8L": bool(head[WEBP_LOSSLESS_AT] & WEBP_LOSSLESS_ALPHA),
        }.get(head[12:16], False)
    return False
