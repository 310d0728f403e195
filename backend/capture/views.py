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
from ..jobs.job import Job
from ..values import Capture, Views
from . import pyramid

MOST_KEPT_BYTES = 1_500 << 20  # of loaded pictures, and never more than a quarter of the free memory


def load_views(capture: Capture, long_side_px: int, only: Sequence[int] | None = None, job: Job | None = None) -> Views:
    """Views of all photos, or of those in `only` in that order, whose longer side is at most `long_side_px` (0: full size).

    Cameras keep focal length and principal point, scaled; what a lens saw beyond the pinhole picture is dropped, and what it
    didn't see has weight 0. With a `job` that has a cache, the photos are decoded by all cores before this returns, at the sizes that the
    job's further stages ask for, too; else nothing is decoded before it is indexed. Raises ReifyError where the capture has no cameras,
    and where a picture can't be read any more.
    """
    if capture.cameras is None:
        raise ReifyError("The photos have no cameras yet.", "Find the cameras first.")
    chosen = list(range(len(capture.photos))) if only is None else list(only)
    photos = [capture.photos[i] for i in chosen]
    lenses = capture.cameras.take(chosen)
    sizes_px = np.array([images.scaled_size(width, height, long_side_px) for width, height in lenses.size_px.tolist()]).reshape(-1, 2)
    pinholes = replace(axes.resize_cameras(lenses, sizes_px), distortion=np.zeros_like(lenses.distortion), fisheye=False)
    shelf = None
    if job is not None and job.environment.cache is not None:
        pyramid.prepare(photos, lenses, (long_side_px, *job.picture_sides_px), job=job)
        shelf = pyramid.Shelf(job.environment.cache.pictures)

    def load(index: int) -> pyramid.Picture:
        kept = shelf.get(photos[index], lenses, index, long_side_px) if shelf is not None else None
        return kept or pyramid.load_level(photos[index], lenses, index, long_side_px)

    loader = _Loader(load, len(photos))
    return Views(
        rgb=_Column(loader, 0),
        alpha=_Column(loader, 1),
        weight=_Column(loader, 2),
        cameras=pinholes,
        names=tuple(photo.name for photo in photos),
    )


class _Loader:
    """Loads pictures once and keeps them while they fit; the first ones stay, since training comes back to all in random order."""

    def __init__(self, load: Callable[[int], pyramid.Picture], count: int) -> None:
        self.count = count
        self._load = load
        self._kept: dict[int, pyramid.Picture] = {}
        self._last: tuple[int, pyramid.Picture] | None = None  # rgb, alpha and weight of one picture are asked for in turn
        self._room = min(MOST_KEPT_BYTES, device.free_memory() // 4)
        self._lock = threading.Lock()

    def __call__(self, index: int) -> pyramid.Picture:
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
