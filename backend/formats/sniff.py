"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

from pathlib import Path

# Brands of ISO base media files (ISO/IEC 14496-12).
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1")
VIDEO_BRANDS = (
    b"isom",
    b"iso2",
    b"iso5",
    b"iso6",
    b"mp41",
    b"mp42",
    b"avc1",
    b"M4V ",
    b"qt  ",
    b"3gp4",
    b"3gp5",
    b"3gp6",
    b"mmp4",
    b"dash",
)
READ = ("JPEG", "PNG", "GIF", "HEIC", "AVIF")  # as pictures
MAGIC = (  # first bytes, what it is
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"8BPS", "Photoshop file"),
    (b"%PDF", "PDF"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"gimp xcf", "GIMP file"),
    (b"FUJIFILMCCD-RAW", "camera RAW"),
    (b"II*\0\x10\0\0\0CR", "camera RAW"),
    (b"IIRO", "camera RAW"),
    (b"IIU\0", "camera RAW"),
    (b"\0MRM", "camera RAW"),
    (b"FOVb", "camera RAW"),
    (b"PK\x03\x04", "ZIP archive"),
    (b"\x1aE\xdf\xa3", "video"),
    (b"\0\x05\x16\x07", "macOS resource fork"),
    (b"version https://git-lfs", "Git LFS pointer"),
)


def kind_of(path: Path) -> str:
    """What the first bytes say: "HEIC", "video", "camera RAW" …, "" where they say nothing or the file can't be read."""
    try:
        with path.open("rb") as stream:
            head = stream.read(512)
    except OSError:
        return ""
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in HEIF_BRANDS:
            return "HEIC"
        return {b"avif": "AVIF", b"avis": "AVIF", b"crx ": "camera RAW"}.get(brand, "video" if brand in VIDEO_BRANDS else "")
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(b"<svg") or (text.startswith(b"<?xml") and b"<svg" in text):
        return "SVG"
    if text.startswith((b"<!doctype html", b"<html")):
        return "web page"
    return next((kind for first, kind in MAGIC if head.startswith(first)), "")
