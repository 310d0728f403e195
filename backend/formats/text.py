"""Text files of other programs, whatever encoding they were saved in."""

from __future__ import annotations

import codecs
from pathlib import Path

from ..reading import read_bytes

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like UTF-16's, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LARGEST_TEXT = 256 << 20  # bytes; an images.txt of 10,000 photos has half as many
# What Windows and old archives write names in, by how many people do: Chinese, Japanese, Korean, Taiwanese, Western, DOS.
LEGACY = ("gb18030", "cp932", "cp949", "big5", "cp1252", "cp437")


def read_text(path: Path) -> str:
    """A file as text: UTF-8, UTF-16 and UTF-32 with or without a byte order mark.

    Bytes that aren't UTF-8 become surrogates (PEP 383), which `readings` makes sense of. Raises OSError, and
    ReifyError beyond LARGEST_TEXT.
    """
    return decoded(read_bytes(path, LARGEST_TEXT))


def decoded(data: bytes) -> str:
    """The same for bytes."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    head = data[:400]
    if head[1::2].count(0) > len(head) // 4:  # Latin letters in UTF-16, little endian
        return data.decode("utf-16-le", errors="replace")
    if head[::2].count(0) > len(head) // 4:
        return data.decode("utf-16-be", errors="replace")
    return data.decode("utf-8", errors="surrogateescape")


def readings(text: str) -> tuple[str, ...]:
    """What a text with surrogates may have meant, one for each encoding that fits; a sound one means itself."""
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        data = text.encode("utf-8", errors="surrogateescape")
    else:
        return (text,)
    found = []
    for encoding in LEGACY:
        try:
            found.append(data.decode(encoding))
        except UnicodeDecodeError:
            continue
    return tuple(dict.fromkeys(found)) or (data.decode("utf-8", errors="replace"),)


def printable(text: str) -> str:
    """The text as it can be shown, in the likeliest encoding where it isn't UTF-8."""
    return readings(text)[0]
