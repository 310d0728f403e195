"""Every kind of file that says where photos were taken from: how it is found in a folder, and how it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import bundler, colmap, metashape, polycam, realityscan, record3d, splat_cameras, stray, transforms
from .posed import Described


@dataclass(frozen=True)
class CameraFormat:
    """A program's way of writing cameras down."""

    name: str  # for the user
    find: Callable[[Path, dict[str, str]], list[Path]]  # a folder and the names of its files by their lower case -> what `describe` takes
    describe: Callable[[Path], Described]  # raises ReifyError


FORMATS = (  # where several know the same number of pictures, the first one is used
    CameraFormat("transforms.json", transforms.find, transforms.describe),
    CameraFormat("COLMAP", colmap.find, colmap.describe),
    CameraFormat("Polycam", polycam.find, polycam.describe),
    CameraFormat("Record3D", record3d.find, record3d.describe),
    CameraFormat("Stray Scanner", stray.find, stray.describe),
    CameraFormat("Metashape", metashape.find, metashape.describe),
    CameraFormat("RealityScan", realityscan.find, realityscan.describe),
    CameraFormat("Bundler", bundler.find, bundler.describe),
    CameraFormat("3DGS cameras.json", splat_cameras.find, splat_cameras.describe),
)


@dataclass(frozen=True)
class CameraFile:
    """A file or folder that holds cameras."""

    path: Path
    format: CameraFormat


def camera_files_in(folder: Path) -> list[CameraFile]:
    """What lies directly in a folder, or is the folder itself, and holds cameras; raises OSError."""
    files = _names(folder)
    return [CameraFile(path, form) for form in FORMATS for path in form.find(folder, files)]


def camera_file_at(path: Path) -> CameraFile | None:
    """The camera file that `path` is, or is part of, as cameras.bin is of a COLMAP model; None where it is none."""
    if path.is_dir():
        return next(iter(camera_files_in(path)), None)
    beside = camera_files_in(path.parent)
    exactly = next((found for found in beside if found.path == path), None)
    if exactly is not None or path.suffix.lower() not in (".bin", ".txt"):
        return exactly
    return next((found for found in beside if found.path == path.parent), None)


def _names(folder: Path) -> dict[str, str]:
    return {path.name.lower(): path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")}
