"""Captures that come with their cameras, whatever program has written them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ..errors import ReifyError
from ..formats import images, offset
from ..formats.posed import Posed
from ..geometry import axes
from ..values import Array, Cameras, Capture, Photo, Points
from . import exif, listing, panorama
from .masks import Assigned, Masks, with_mask
from .world import transform_capture

EARTH_RADIUS_M = (6_350_000.0, 6_390_000.0)  # from the poles to a mountain at the equator


def to_capture(posed: Posed, assigned: Assigned, masks: Masks, progress: listing.Progress, warn: Callable[[str], None]) -> Capture:
    """A Capture of the posed pictures that can be read; cameras are turned and scaled to the pictures as they stand upright.

    `assigned` are the masks that lie beside the pictures, which count where the camera file names none. Large coordinates lose their
    offset in double precision.
    """
    for note in posed.notes:
        warn(note)
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
        photo = Photo(
            path=path.absolute(),
            name=posed.names[i],
            width=info.width,
            height=info.height,
            focal_px=focal_px,
            device=device and f"{device} {info.width}x{info.height}",
            has_alpha=info.has_alpha and masks.wanted,
            rig=panorama.UNCUT if posed.panoramas[i] else "",
        )
        given = posed.masks[i]
        photos.append(with_mask(photo, given or assigned.of_photo.get(path), masks, given=given is not None))
        orientations.append(info.orientation)
        kept.append(i)
    for text in listing.shortened(unreadable, "pictures that can't be read"):
        warn(f"Skipped: {text}")
    test = None if posed.test is None else tuple(new for new, old in enumerate(kept) if old in set(posed.test))
    upright_px = np.array([(photo.width, photo.height) for photo in photos]).reshape(-1, 2)
    cameras = posed.cameras.take(kept)
    cameras = axes.turn_cameras(cameras, _turns(cameras.size_px, upright_px, orientations))
    _warn_of_other_shapes(cameras.size_px, upright_px, photos, warn)
    cameras, points, taken_off = centered(axes.resize_cameras(cameras, upright_px), posed.points)
    capture = Capture("", tuple(photos), cameras, points, test or (), metric=posed.metric, offset=taken_off)
    return capture if (level := _level_of_geocentric(taken_off)) is None else transform_capture(capture, level)


def centered(cameras: Cameras, points: Points | None) -> tuple[Cameras, Points | None, Array | None]:
    """Cameras and points without the offset of large coordinates, points as float32, and that offset [3], None where there is none."""
    taken_off = offset.offset_of(cameras.centers)
    return offset.cameras_without(cameras, taken_off), None if points is None else offset.centered(points, taken_off), taken_off


def _level_of_geocentric(taken_off: Array | None) -> Array | None:
    """World from geocentric coordinates (ECEF) around a place [3] on the Earth: east, north, up [4,4]; None for other coordinates."""
    if taken_off is None or not EARTH_RADIUS_M[0] < (radius := float(np.linalg.norm(taken_off))) < EARTH_RADIUS_M[1]:
        return None
    up = taken_off / radius
    east = np.cross([0.0, 0.0, 1.0], up)
    if np.linalg.norm(east) < 1e-6:
        return None
    east /= np.linalg.norm(east)
    level = np.eye(4)
    level[:3, :3] = [east, np.cross(up, east), up]
    return level


def _turns(declared_px: np.ndarray, upright_px: np.ndarray, orientations: Sequence[int]) -> np.ndarray:
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
    return replace(capture, cameras=None, points=None, offset=None, metric=False)
