"""Pictures ready to be compared with renderings: undistorted, scaled, with pinhole cameras, loaded when they are looked at."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, overload

import numpy as np

from .. import device
from ..errors import ReifyError
from ..formats import images
from ..geometry import axes
from ..values import Array, Cameras, Capture, Photo, Views
from .masks import read_mask

MOST_KEPT_BYTES = 1_500 << 20  # of loaded pictures, and never more than a quarter of the free memory
Picture = tuple[Array, Array | None, Array | None]  # rgb, alpha, weight, as in Views


def load_views(capture: Capture, long_side_px: int, only: Sequence[int] | None = None) -> Views:
    """Views of all photos, or of those in `only` in that order, whose longer side is at most `long_side_px` (0: full size).

    Cameras keep focal length and principal point, scaled; what a lens saw beyond the pinhole picture is dropped, and what it
    didn't see has weight 0. Nothing is decoded before it is indexed. Raises ReifyError where the capture has no cameras, and
    while indexing where a picture can't be read any more.
    """
    if capture.cameras is None:
        raise ReifyError("The photos have no cameras yet.", "Find the cameras first.")
    chosen = list(range(len(capture.photos))) if only is None else list(only)
    photos = [capture.photos[i] for i in chosen]
    lenses = capture.cameras.take(chosen)
    sizes_px = np.array([images.scaled_size(width, height, long_side_px) for width, height in lenses.size_px.tolist()]).reshape(-1, 2)
    pinholes = replace(axes.resize_cameras(lenses, sizes_px), distortion=np.zeros_like(lenses.distortion), fisheye=False)
    loader = _Loader(lambda i: load_picture(photos[i], lenses, i, long_side_px), len(photos))
    return Views(
        rgb=_Column(loader, 0),
        alpha=_Column(loader, 1),
        weight=_Column(loader, 2),
        cameras=pinholes,
        names=tuple(photo.name for photo in photos),
    )


def load_picture(photo: Photo, lenses: Cameras, index: int, long_side_px: int) -> Picture:
    """One photo undistorted and scaled: rgb [H,W,3], alpha [H,W] or None, weight [H,W] or None, all uint8."""
    width, height = lenses.size_px[index].tolist()
    size_px = images.scaled_size(width, height, long_side_px)
    if lenses.is_pinhole or not (lenses.fisheye or lenses.distortion[index].any()):
        return _read(photo, size_px)
    # Undistorting at up to twice the size and averaging then keeps what a single look-up would blur or alias.
    work_px = images.scaled_size(width, height, 2 * long_side_px)
    rgb, alpha, weight = _read(photo, work_px)
    from .undistort import undistort

    at_work_size = axes.resize_cameras(lenses.take([index]), np.array([work_px]))
    planes = [rgb, *(plane[..., None] for plane in (alpha, weight) if plane is not None)]
    turned, known = undistort(np.concatenate(planes, axis=2), at_work_size, 0)
    rgb, rest = turned[..., :3], [turned[..., i] for i in range(3, turned.shape[2])]
    alpha = rest.pop(0) if alpha is not None else None
    weight = np.minimum(rest.pop(0), known) if weight is not None else known
    alpha = None if alpha is None else _average(alpha, known, size_px)
    return _packed(_average(rgb, known, size_px), alpha, images.resize_to(weight, size_px))


def _average(plane: Array, known: Array, size_px: tuple[int, int]) -> Array:
    """A plane [H,W] or [H,W,3] at another size, each pixel the average of what is known there: at the rim, no black gets in."""
    averaged = images.resize_to(np.dstack([plane, known]), size_px)  # which weights by the last channel, as by alpha
    return averaged[..., 0] if plane.ndim == 2 else averaged[..., :3]


def _read(photo: Photo, size_px: tuple[int, int]) -> Picture:
    """A photo at a size, still distorted."""
    pixels = images.read_image(photo.path, max(size_px))
    if (pixels.shape[1], pixels.shape[0]) != size_px:  # changed since, or off by one from rounding
        pixels = images.resize_to(pixels, size_px)
    rgb = np.ascontiguousarray(pixels[..., :3])
    alpha = np.ascontiguousarray(pixels[..., 3]) if photo.has_alpha and pixels.shape[2] == 4 else None
    weight = None
    mask = read_mask(photo, size_px)
    if mask is not None and photo.mask_is_subject:
        alpha = mask if alpha is None else np.minimum(alpha, mask)
    elif mask is not None:
        weight = mask
    return _packed(rgb, alpha, weight)


def _packed(rgb: Array | None, alpha: Array | None, weight: Array | None) -> Picture:
    assert rgb is not None
    alpha, weight = (None if plane is None or plane.min() == 255 else plane for plane in (alpha, weight))
    return np.ascontiguousarray(rgb), alpha, weight


class _Loader:
    """Loads pictures once and keeps them while they fit; the first ones stay, since training comes back to all in random order."""

    def __init__(self, load: Callable[[int], Picture], count: int) -> None:
        self.count = count
        self._load = load
        self._kept: dict[int, Picture] = {}
        self._last: tuple[int, Picture] | None = None  # rgb, alpha and weight of one picture are asked for in turn
        self._room = min(MOST_KEPT_BYTES, device.free_memory() // 4)
        self._lock = threading.Lock()

    def __call__(self, index: int) -> Picture:
        with self._lock:
            if index in self._kept:
                return self._kept[index]
            if self._last is not None and self._last[0] == index:
                return self._last[1]
            picture = self._load(index)
            self._last = index, picture
            size = sum(plane.nbytes for plane in picture if plane is not None)
            if size <= self._room:
                self._room -= size
                self._kept[index] = picture
            return picture


class _Column(Sequence[Any]):
    """The rgb, alpha or weight of all pictures, as a sequence."""

    def __init__(self, loader: _Loader, part: int) -> None:
        self._loader = loader
        self._part = part

    def __len__(self) -> int:
        return self._loader.count

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._loader(int(index) % len(self))[self._part]
