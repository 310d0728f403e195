"""Pictures to photos: which of them are copies, what their headers say, and whether they are frames of one camera."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ..errors import ReifyError
from ..formats import images
from ..jobs import store
from ..values import Photo
from . import exif
from .masks import Assigned, Masks, with_mask

# What a date begins with; numbers that count frames aren't that long.
DATE = re.compile(r"(19|20)\d{6}")
NUMBERED = re.compile(r"(.*?)(\d{2,7})$")

Progress = Callable[[float, str], None]


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
            with suppress(OSError):  # that it can't be read is said when its turn comes
                original_of[path] = seen.setdefault(store.file_digest(path), path)
    copies = [path for path in dict.fromkeys(paths) if original_of.get(path, path) != path]
    if copies:
        example = f"{copies[0].name} of {original_of[copies[0]].name}"
        warn(f"{_photos(len(copies))} left out as an exact copy of another one, such as {example}.")
    return [path for path in dict.fromkeys(paths) if path not in set(copies)]


def photos_of(
    paths: Sequence[Path], root: Path, assigned: Assigned, masks: Masks, progress: Progress, warn: Callable[[str], None]
) -> list[Photo]:
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
        photo = Photo(
            path=path,
            name=path.relative_to(root).as_posix(),
            width=info.width,
            height=info.height,
            focal_px=focal_px,
            device=device and f"{device} {info.width}x{info.height}",
            has_alpha=info.has_alpha and masks.wanted,
        )
        photos.append(with_mask(photo, assigned.of_photo.get(path), masks))
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
