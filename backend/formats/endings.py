"""File name endings: the one table that the panel, dropping, the command line and the readers share.

Those of splats stand in `splat_files`, beside what reads and writes them. Endings are lower case and begin with a dot; `has` compares a
path's ending without regard to case.
"""

from __future__ import annotations

from pathlib import Path

# Pillow reads them: JPEG (.jfif from browsers, .mpo of stereo and portrait cameras), PNG, TIFF and the rest.
PILLOW = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".tif", ".tiff", ".webp", ".avif", ".bmp", ".ppm", ".pgm", ".gif", ".jp2", ".tga",
)  # fmt: skip
HEIF = (".heic", ".heif", ".hif")  # iPhones; read where the package pi_heif is installed
PICTURES = (*PILLOW, ".exr", *HEIF)
RAW = (
    ".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".orf", ".rw2", ".raf", ".pef", ".srw", ".raw", ".rwl", ".iiq",
    ".3fr", ".fff", ".erf", ".kdc", ".dcr", ".mrw", ".x3f", ".mos", ".gpr",
)  # fmt: skip
VECTORS = (".svg", ".svgz")  # drawings; read where the package resvg_py is installed
DRAWINGS = (*PICTURES, *RAW, *VECTORS)  # what From Picture takes
UNREAD_PICTURES = (".psd", ".psb", ".xcf", ".kra", ".jxl", ".jxr", ".insp", ".hdr")  # .insp: two fisheye pictures that aren't stitched yet
VIDEOS = (
    ".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mts", ".m2ts", ".ts", ".mpg", ".mpeg", ".wmv", ".3gp", ".flv", ".ogv",
)  # fmt: skip
UNREAD_VIDEOS = (".insv", ".360", ".braw", ".r3d", ".lrv")  # unstitched, or in a container of the maker's own
SCANS, TABLES = (".las", ".laz"), (".xyz", ".xyzn", ".xyzrgb", ".pts", ".asc", ".txt", ".csv")  # of laser scanners; points as text
CLOUDS = (".ply", *SCANS, *TABLES)
CAMERAS = (".json", ".bin", ".txt", ".xml", ".csv", ".out")  # some of them hold cameras; what is in a file decides
SYSTEM_FOLDERS = ("__macosx", "@eadir", "#recycle", "@recycle", "$recycle.bin", "system volume information", "lost+found", "lost.dir")
DEPTH = (".npy", ".depth", ".conf", ".pfm")  # of scanning apps; pictures may hold depth, too
# What Blender's file browser takes for neither picture nor film; it keeps 240 characters of such a filter, so rare RAW is left out.
BROWSED = (
    *CAMERAS, ".3gp", ".jfif", ".jpe", ".mpo", ".avif", ".gif", ".ppm", ".pgm", *HEIF, ".dng", ".cr2",
    ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf",
)  # fmt: skip


def is_hidden(name: str) -> bool:
    """True for files and folders that a system or a file server keeps for itself: dot files, thumbnails of a NAS, trash."""
    return name.startswith(".") or name.lower() in SYSTEM_FOLDERS


def has(path: Path, endings: tuple[str, ...]) -> bool:
    """True where the file's name has one of these endings."""
    return path.suffix.lower() in endings


def patterns(*endings: str) -> str:
    """Endings as Blender's file browser filters by them: "*.json;*.bin"."""
    return ";".join(f"*{ending}" for ending in endings)
