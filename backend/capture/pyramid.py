"""A photo's pyramid: decoded and undistorted once, averaged down to every size that stages ask for, kept beside the job's cache.

A level depends on its photo, camera and size alone, and never on which others are made along with it. Levels are stored losslessly, so a
stage computes the same from them as from the photo itself; they are the first to go where the cache is full.
"""

from __future__ import annotations

import functools
import io
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import device, folders
from ..files import writing
from ..formats import images
from ..geometry import axes
from ..geometry.masks import moved_outline
from ..jobs import store
from ..jobs.identity import code_digest
from ..jobs.job import Job
from ..values import Array, Cameras, Photo
from .masks import read_mask

BASE_PX = 3200  # longer side at which lenses are undone, twice that of the largest usual level; less blurs or aliases levels near it
MOST_SKIPPED = 1.5  # ratio of sizes up to which looking up every pixel once, bicubic, hardly aliases
PLANES = ("rgb", "alpha", "weight")
Picture = tuple[Array, Array | None, Array | None]  # rgb, alpha, weight, as in Views


@dataclass(frozen=True, eq=False)
class _Base:
    """A photo at the size at which its lens is undone; [H,W] uint8 each but the color."""

    rgb: Array  # [H,W,3] uint8
    own: Array | None  # the photo's transparency, by which its colors count
    alpha: Array | None  # the same with a subject's mask
    weight: Array | None  # a mask of what is known
    known: Array | None = None  # 255 where the lens saw anything, 0 elsewhere; None: everywhere


def prepare(photos: Sequence[Photo], lenses: Cameras, sides_px: Iterable[int], *, job: Job) -> None:
    """Make the levels of photo i, which camera i took, that the job's cache doesn't have yet, with all cores."""
    assert job.environment.cache is not None
    shelf = Shelf(job.environment.cache.pictures)
    sides = sorted(set(sides_px))

    def work(index: int) -> None:
        if wanted := [side for side in sides if not shelf.has(photos[index], lenses, index, side)]:
            for side, picture in load_levels(photos[index], lenses, index, wanted).items():
                with job.keeping():
                    shelf.put(photos[index], lenses, index, side, picture)

    for done, _ in enumerate(by_all_cores(work, range(len(photos))), 1):
        job.progress(done / len(photos), f"preparing photo {done} of {len(photos)}")


def by_all_cores(work: Callable[[int], Any], indices: Iterable[int]) -> Iterator[Any]:
    """What `work` returns for each index, in their order; it has to release the interpreter. What hasn't begun ends with the caller."""
    pool = ThreadPoolExecutor(device.available_threads())
    try:
        yield from pool.map(work, indices)
    finally:
        pool.shutdown(cancel_futures=True)


class Shelf:
    """Levels in files, a folder for each photo with its camera."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, photo: Photo, lenses: Cameras, index: int, side_px: int) -> bool:
        """True where the level is there."""
        return self._file(photo, lenses, index, side_px).is_file()

    def get(self, photo: Photo, lenses: Cameras, index: int, side_px: int) -> Picture | None:
        """The level, None where there is none or it is damaged."""
        file = self._file(photo, lenses, index, side_px)
        try:
            with zipfile.ZipFile(file) as planes:
                found = [_unpacked(planes.read(name)) if name in planes.namelist() else None for name in PLANES]
        except (OSError, ValueError, zipfile.BadZipFile):
            return None
        with suppress(OSError):  # another process may clear it meanwhile
            os.utime(file.parent)  # what was used longest ago goes first
        rgb, alpha, weight = found
        return None if rgb is None else (rgb, alpha, weight)

    def put(self, photo: Photo, lenses: Cameras, index: int, side_px: int, picture: Picture) -> None:
        """Store a level; raises ReifyError where the disk refuses."""
        folders.make_own(self.folder)
        with writing(self._file(photo, lenses, index, side_px)) as partial, zipfile.ZipFile(partial, "w") as planes:
            for name, plane in zip(PLANES, picture, strict=True):
                if plane is not None:
                    planes.writestr(name, _packed(plane))

    def _file(self, photo: Photo, lenses: Cameras, index: int, side_px: int) -> Path:
        camera = (lenses.K[index], lenses.distortion[index], lenses.size_px[index], lenses.fisheye)
        read_as = (photo.mask, photo.mask_is_subject, photo.mask_is_inverted, photo.mask_move, photo.has_alpha, photo.width, photo.height)
        key = store.digest(code_digest(Path(__file__).resolve()), photo.path, read_as, camera)
        return self.folder / key[:24] / f"{side_px}.zip"


def _packed(plane: Array) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    if plane.ndim == 2:
        Image.fromarray(plane).save(stream, format="PNG", compress_level=1)
    else:  # two thirds of a PNG, and as fast
        Image.fromarray(plane).save(stream, format="WEBP", lossless=True, quality=0, method=0)
    return stream.getvalue()


def _unpacked(data: bytes) -> Array:
    from PIL import Image

    return np.array(Image.open(io.BytesIO(data)))


def load_level(photo: Photo, lenses: Cameras, index: int, long_side_px: int) -> Picture:
    """One photo undistorted and scaled: rgb [H,W,3], alpha [H,W] or None, weight [H,W] or None, all uint8."""
    return load_levels(photo, lenses, index, (long_side_px,))[long_side_px]


def load_levels(photo: Photo, lenses: Cameras, index: int, sides_px: Iterable[int]) -> dict[int, Picture]:
    """The levels of one photo, which camera `index` took, whose longer sides are at most `sides_px` (0: full size)."""
    width, height = lenses.size_px[index].tolist()
    found: dict[int, Picture] = {}
    bases: dict[tuple[int, int], _Base] = {}
    has_lens = lenses.fisheye or bool(lenses.distortion[index].any())
    for side_px in sides_px:
        size_px = images.scaled_size(width, height, side_px)
        base_px = images.scaled_size(width, height, max(BASE_PX, 2 * side_px) if side_px else 0)
        if base_px not in bases:
            bases[base_px] = _undistorted(_read(photo, base_px, has_lens), lenses, index, base_px)
        rgb, alpha, weight = _level(bases[base_px], size_px)
        if alpha is not None and any(photo.mask_move):
            alpha = moved_outline(alpha, *(size_px[0] / photo.width * length for length in photo.mask_move))
        found[side_px] = rgb, alpha, weight
    return found


def _read(photo: Photo, size_px: tuple[int, int], has_lens: bool) -> _Base:
    """A photo, still distorted, at a size; somewhat larger where undoing the lens resamples it anyway."""
    pixels = images.read_at_least(photo.path, max(size_px))
    size_now = (pixels.shape[1], pixels.shape[0])
    if not (has_lens and size_px[0] <= size_now[0] <= MOST_SKIPPED * size_px[0]):
        pixels = images.resize_to(pixels, size_px)
    size_px = (pixels.shape[1], pixels.shape[0])
    own = np.ascontiguousarray(pixels[..., 3]) if photo.has_alpha and pixels.shape[2] == 4 else None
    mask = read_mask(photo, size_px)
    alpha, weight = own, None
    if mask is not None and photo.mask_is_subject:
        alpha = mask if own is None else np.minimum(own, mask)
    elif mask is not None:
        weight = mask
    return _Base(np.ascontiguousarray(pixels[..., :3]), own, alpha, weight)


def _undistorted(base: _Base, lenses: Cameras, index: int, size_px: tuple[int, int]) -> _Base:
    if not (lenses.fisheye or lenses.distortion[index].any()):
        return base
    from .undistort import undistort

    planes = {name: plane for name in ("own", "alpha", "weight") if (plane := getattr(base, name)) is not None}
    lens = axes.resize_cameras(lenses.take([index]), np.array([size_px]))
    turned, known = undistort(np.dstack([base.rgb, *planes.values()]), lens, 0)
    found = {name: np.ascontiguousarray(turned[..., 3 + place]) for place, name in enumerate(planes)}
    weight = np.minimum(found["weight"], known) if "weight" in found else known
    return _Base(np.ascontiguousarray(turned[..., :3]), found.get("own"), found.get("alpha"), weight, known)


def _level(base: _Base, size_px: tuple[int, int]) -> Picture:
    """A base averaged down; neither what is transparent nor what the lens didn't see gives color."""
    rgb, alpha, weight = base.rgb, base.alpha, base.weight
    if rgb.shape[1::-1] != size_px:
        counting = [plane for plane in (base.own, base.known) if plane is not None]
        rgb = _average(rgb, functools.reduce(np.minimum, counting) if counting else None, size_px)
        alpha = None if alpha is None else _average(alpha, base.known, size_px)
        weight = None if weight is None else _resized(weight, size_px)
    alpha, weight = (None if plane is None or plane.min() == 255 else plane for plane in (alpha, weight))
    return rgb, alpha, weight


def _average(plane: Array, counting: Array | None, size_px: tuple[int, int]) -> Array:
    """A plane [H,W] or [H,W,3] at another size, each pixel the average of what counts there."""
    if counting is None or counting.min() == 255:
        return _resized(plane, size_px)
    averaged = _resized(np.dstack([plane, counting]), size_px)  # which weights by the last channel, as by alpha
    return np.ascontiguousarray(averaged[..., 0] if plane.ndim == 2 else averaged[..., :3])


def _resized(pixels: Array, size_px: tuple[int, int]) -> Array:
    """As `images.resize_to`, with plain averages of whole pixels first where much is averaged: two to three times as fast."""
    from PIL import Image

    return np.array(Image.fromarray(pixels).resize(size_px, Image.Resampling.HAMMING, reducing_gap=2.0))
