"""Files to photos: which files are pictures, in which order, which of them are copies, and where their masks lie."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import ReifyError
from ..formats import images
from ..jobs import store
from ..values import Photo
from . import exif

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".3gp")
UNREADABLE_SUFFIXES = (".heic", ".heif", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf", ".psd", ".jxl")
MASK_FOLDERS = ("masks", "mask")
PICTURE_FOLDERS = ("images", "input", "rgb")
# What a date begins with; numbers that count frames aren't that long.
DATE = re.compile(r"(19|20)\d{6}")
NUMBERED = re.compile(r"(.*?)(\d{2,7})$")

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Masks:
    """Which masks count, and what black means in them; None leaves it to where the mask comes from."""

    wanted: bool = True
    black_is_empty: bool | None = None


def natural_key(text: str) -> tuple[Any, ...]:
    """A sorting key that puts photo 9 before photo 10, and that no two different texts share."""
    parts = re.split(r"(\d+)", text.casefold())
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts if part), text


def is_picture(path: Path) -> bool:
    """True where the name says so."""
    return path.suffix.lower() in images.SUFFIXES


def is_video(path: Path) -> bool:
    """True where the name says so."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def files_in(folder: Path) -> list[Path]:
    """All visible files of a folder and its subfolders, in natural order; raises OSError where one of them can't be listed."""

    def refuse(error: OSError) -> None:
        raise error

    found = []
    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        found += [Path(place, name) for name in names if not name.startswith(".")]
    return sorted(found, key=lambda path: natural_key(path.relative_to(folder).as_posix()))


def picture_folder(folder: Path) -> Path:
    """Where a folder's pictures lie: in itself, or in its `images` folder where there are none beside it.

    Captures often hold copies in several sizes (images, images_2, images_4 …), which mustn't be mixed.
    """
    if not any(is_picture(path) for path in folder.iterdir() if path.is_file()):
        for name in PICTURE_FOLDERS:
            if (folder / name).is_dir() and any(is_picture(path) for path in files_in(folder / name)):
                return folder / name
    return folder


def without_masks(paths: Sequence[Path], root: Path) -> list[Path]:
    """The pictures among `paths` that aren't masks of others: in a folder `masks` below `root`, or called NAME_mask."""
    stems = {path.with_suffix("") for path in paths}
    return [
        path
        for path in paths
        if not set(MASK_FOLDERS) & {part.lower() for part in path.relative_to(root).parent.parts}
        and not (path.stem.endswith("_mask") and path.with_name(path.stem.removesuffix("_mask")) in stems)
    ]


def mask_of(path: Path, root: Path) -> Path | None:
    """The mask of a picture: NAME_mask.png beside it, or the same place in a folder `masks` beside it or above it, up to beside `root`."""
    beside = path.with_name(f"{path.stem}_mask.png")
    if beside.is_file():
        return beside
    for above in path.parents:
        inside = path.relative_to(above)
        tails = (inside, Path(*inside.parts[1:])) if len(inside.parts) > 1 else (inside,)
        for folder in MASK_FOLDERS:
            for tail in tails:
                place = above / folder / tail
                for name in (f"{tail.stem}.png", f"{tail.name}.png", tail.name, f"{tail.stem}_mask.png"):
                    if (candidate := place.with_name(name)).is_file() and candidate != path:
                        return candidate
        if above == root.parent:
            return None
    return None


def distinct(paths: Sequence[Path], progress: Progress, warn: Callable[[str], None]) -> list[Path]:
    """The files without byte-for-byte copies of earlier ones; says how many were left out."""
    by_size: dict[int, list[Path]] = {}
    for path in dict.fromkeys(paths):
        by_size.setdefault(path.stat().st_size, []).append(path)
    original_of: dict[Path, Path] = {}
    for same in by_size.values():
        seen: dict[str, Path] = {}
        for path in same if len(same) > 1 else ():
            progress(0.0, f"comparing {path.name}")
            original_of[path] = seen.setdefault(store.file_digest(path), path)
    copies = [path for path in dict.fromkeys(paths) if original_of.get(path, path) != path]
    if copies:
        example = f"{copies[0].name} of {original_of[copies[0]].name}"
        warn(f"{_photos(len(copies))} left out as an exact copy of another one, such as {example}.")
    return [path for path in dict.fromkeys(paths) if path not in set(copies)]


def photos_of(paths: Sequence[Path], root: Path, masks: Masks, progress: Progress, warn: Callable[[str], None]) -> list[Photo]:
    """A Photo for each picture that can be read, named relative to `root`; the others are named in a warning."""
    photos, unreadable = [], []
    for i, path in enumerate(paths):
        progress(i / len(paths), f"photo {i + 1} of {len(paths)}")
        try:
            info = images.probe(path)
        except ReifyError as error:
            unreadable.append(error.what)
            continue
        focal_px, device = exif.read_device(path)
        mask = mask_of(path, root) if masks.wanted else None
        photos.append(
            Photo(
                path=path,
                name=path.relative_to(root).as_posix(),
                width=info.width,
                height=info.height,
                focal_px=focal_px,
                device=device and f"{device} {info.width}x{info.height}",
                has_alpha=info.has_alpha and masks.wanted,
                mask=mask,
                mask_is_subject=masks.black_is_empty is not False,
            )
        )
    for text in shortened(unreadable, "photos that can't be read"):
        warn(f"Skipped: {text}")
    return photos


def shortened(texts: Sequence[str], what: str, most: int = 10) -> Iterable[str]:
    """The first texts, and how many more there are."""
    yield from texts[:most]
    if len(texts) > most:
        yield f"{len(texts) - most} more {what}."


def number_frames(photos: Sequence[Photo], name: str) -> tuple[tuple[Photo, ...], bool]:
    """The photos as frames of one camera, and True, where they look like frames that were exported from a video.

    That is: one size and folder, no EXIF, and names that differ only in a zero-padded number that isn't a date.
    """
    matches = [NUMBERED.match(Path(photo.name).with_suffix("").as_posix()) for photo in photos]
    numbers = [match for match in matches if match]
    alike = {(match[1], len(match[2]), photo.width, photo.height) for match, photo in zip(matches, photos, strict=True) if match}
    if len(numbers) < max(2, len(photos)) or len(alike) > 1 or any(photo.device or photo.focal_px for photo in photos):
        return tuple(photos), False
    if any(DATE.search(Path(photo.name).name) for photo in photos) or not any(match[2].startswith("0") for match in numbers):
        return tuple(photos), False
    frames = (
        replace(photo, frame=int(match[2]), device=f"frames of {name} {photo.width}x{photo.height}")
        for photo, match in zip(photos, numbers, strict=True)
    )
    return tuple(frames), True


def _photos(count: int) -> str:
    return "1 photo was" if count == 1 else f"{count} photos were"
