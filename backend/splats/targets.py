"""Photos as training takes them: at full, half or quarter size, loaded once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..values import Views
from .cpu.layout import camera_row
from .engine import Target

Array = Any


class Targets:
    """The training views, shrunk by whole factors on demand and kept."""

    def __init__(self, views: Views, indices: tuple[int, ...], keep_bytes: int) -> None:
        self.views, self.indices = views, indices
        self._kept: dict[tuple[int, int], Target] = {}
        self._room = keep_bytes

    def __len__(self) -> int:
        return len(self.indices)

    def get(self, place: int, factor: int) -> Target:
        """The training view at `place`, each side divided by `factor` (a few pixels at the right and bottom may be cut off)."""
        key = (place, factor)
        if key in self._kept:
            return self._kept[key]
        target = self._shrunk(place, factor)
        size = target.rgb.nbytes + (target.alpha.nbytes if target.alpha is not None else 0)
        if size <= self._room:
            self._room -= size
            self._kept[key] = target
        return target

    def drop(self, factor: int) -> None:
        """Forget the pictures of one size."""
        for key in [key for key in self._kept if key[1] == factor]:
            target = self._kept.pop(key)
            self._room += target.rgb.nbytes + (target.alpha.nbytes if target.alpha is not None else 0)

    def _shrunk(self, place: int, factor: int) -> Target:
        index = self.indices[place]
        rgb, alpha, weight = self.views.rgb[index], self.views.alpha[index], self.views.weight[index]
        camera = camera_row(self.views.cameras, index, 1 / factor)
        if factor == 1:
            return Target(np.ascontiguousarray(rgb), _plane(alpha), _plane(weight), camera)
        if alpha is not None:
            opacity = alpha.astype(np.float32)[..., None] / 255
            premultiplied = _means(rgb * opacity, factor)
            mean_opacity = _means(opacity, factor)
            rgb = _bytes(premultiplied / np.maximum(mean_opacity, 1e-3))
            alpha = _bytes(mean_opacity[..., 0] * 255)
        else:
            rgb = _bytes(_means(rgb, factor))
        if weight is not None:
            weight = _bytes(_means((weight > 127)[..., None] * 255.0, factor)[..., 0] // 255 * 255)
        return Target(rgb, alpha, weight, camera)


def _plane(picture: Array | None) -> Array | None:
    return None if picture is None else np.ascontiguousarray(picture)


def _means(picture: Array, factor: int) -> Array:
    height, width, channels = picture.shape[0] // factor, picture.shape[1] // factor, picture.shape[2]
    cut = picture[: height * factor, : width * factor].astype(np.float32)
    return cut.reshape(height, factor, width, factor, channels).mean(axis=(1, 3))


def _bytes(picture: Array) -> Array:
    return np.ascontiguousarray(np.clip(picture + 0.5, 0, 255).astype(np.uint8))
