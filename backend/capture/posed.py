"""Captures that come with their cameras: COLMAP models and transforms.json."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..formats import colmap, images, transforms
from ..formats.posed import Posed
from ..geometry import axes
from ..values import Capture, Photo
from . import exif, listing

MODEL_PLACES = ("", "sparse/0", "sparse", "colmap/sparse/0", "dense/sparse", "0")


def find(folder: Path) -> Callable[[], Posed] | None:
    """What reads the cameras that a folder holds, None where it holds none."""
    if (folder / "transforms.json").is_file():
        return lambda: transforms.read_transforms(folder / "transforms.json")
    parts = [folder / f"transforms_{split}.json" for split in ("train", "test")]
    if parts[0].is_file():
        return lambda: transforms.read_transforms(*(part for part in parts if part.is_file()))
    for place in MODEL_PLACES:
        if colmap.is_model(folder / place):
            return lambda: _read_colmap(folder / place)
    return None


def find_file(path: Path) -> Callable[[], Posed] | None:
    """What reads the cameras of a single file: a transforms.json, or any file of a COLMAP model."""
    if path.suffix.lower() == ".json":
        return lambda: transforms.read_transforms(path)
    if path.suffix.lower() in (".bin", ".txt") and colmap.is_model(path.parent):
        return lambda: _read_colmap(path.parent)
    return None


def to_capture(
    posed: Posed, name: str, root: Path, masks: listing.Masks, progress: listing.Progress, warn: Callable[[str], None]
) -> Capture:
    """A Capture of the posed pictures that can be read; cameras are turned and scaled to the pictures as they stand upright."""
    if posed.missing:
        first = ", ".join(posed.missing[:3])
        warn(f"Skipped: {len(posed.missing)} of {len(posed.missing) + len(posed.images)} pictures that don't exist ({first} …).")
    photos: list[Photo] = []
    orientations, kept, unreadable = [], [], []
    for i, path in enumerate(posed.images):
        progress(i / len(posed.images), f"photo {i + 1} of {len(posed.images)}")
        try:
            info = images.probe(path)
        except ReifyError as error:
            unreadable.append(error.what)
            continue
        if info.orientation in images.MIRRORED:
            unreadable.append(f"{path.name} is mirrored by its EXIF orientation, which fits no camera.")
            continue
        focal_px, device = exif.read_device(path)
        mask, mask_is_subject = _mask_of(posed.masks[i], path.absolute(), root, masks)
        photos.append(
            Photo(
                path=path.absolute(),
                name=posed.names[i],
                width=info.width,
                height=info.height,
                focal_px=focal_px,
                device=device and f"{device} {info.width}x{info.height}",
                has_alpha=info.has_alpha and masks.wanted,
                mask=mask,
                mask_is_subject=mask_is_subject,
            )
        )
        orientations.append(info.orientation)
        kept.append(i)
    for text in listing.shortened(unreadable, "pictures that can't be read"):
        warn(f"Skipped: {text}")
    test = None if posed.test is None else tuple(new for new, old in enumerate(kept) if old in set(posed.test))
    upright_px = np.array([(photo.width, photo.height) for photo in photos]).reshape(-1, 2)
    cameras = posed.cameras.take(kept)
    cameras = axes.turn_cameras(cameras, _turns(cameras.size_px, upright_px, orientations))
    _warn_of_other_shapes(cameras.size_px, upright_px, photos, warn)
    return Capture(name, tuple(photos), axes.resize_cameras(cameras, upright_px), posed.points, test or ())


def _read_colmap(folder: Path) -> Posed:
    places = [folder, *folder.absolute().parents[:3]]
    return colmap.read_colmap(folder, [place / name for place in places for name in (*listing.PICTURE_FOLDERS, "")])


def _mask_of(given: Path | None, path: Path, root: Path, masks: listing.Masks) -> tuple[Path | None, bool]:
    if not masks.wanted:
        return None, True
    if given is not None:  # transforms.json hides what is black in `mask_path`; it doesn't say that nothing is there
        return given.absolute(), masks.black_is_empty is True
    return listing.mask_of(path, root.absolute()), masks.black_is_empty is not False


def _turns(declared_px: np.ndarray, upright_px: np.ndarray, orientations: list[int]) -> np.ndarray:
    # Programs of this field mostly ignore EXIF orientation: their cameras belong to the stored pixels, unless the size says otherwise.
    turns = np.array([images.QUARTER_TURNS[orientation] for orientation in orientations], dtype=np.int64)
    already_upright = (turns % 2 == 1) & _same_shape(declared_px, upright_px) & ~_same_shape(declared_px[:, ::-1], upright_px)
    return np.where(already_upright, 0, turns)


def _same_shape(a_px: np.ndarray, b_px: np.ndarray) -> np.ndarray:
    return np.abs(a_px[:, 0] * b_px[:, 1] / (a_px[:, 1] * b_px[:, 0]) - 1) < 0.02


def _warn_of_other_shapes(declared_px: np.ndarray, upright_px: np.ndarray, photos: list[Photo], warn: Callable[[str], None]) -> None:
    odd = [photo.name for photo, same in zip(photos, _same_shape(declared_px, upright_px), strict=True) if not same]
    if odd:
        warn(f"{len(odd)} pictures, such as {odd[0]}, have another shape than their cameras: they may have been cropped.")


def without_cameras(capture: Capture) -> Capture:
    """The same photos and split with cameras yet to be found."""
    return replace(capture, cameras=None, points=None)
