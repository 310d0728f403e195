"""Photos as losses compare them with renderings: at full, half or quarter size, loaded once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..values import Cameras, Views

Array = Any


@dataclass(frozen=True, eq=False)
class Target:
    """A camera and what is to be seen through it."""

    camera: Cameras  # one, pinhole
    rgb: Array | None = None  # [H,W,3] uint8, sRGB, straight
    alpha: Array | None = None  # [H,W] uint8, 0 is empty space; None is all opaque
    weight: Array | None = None  # [H,W] uint8, below 128 is unknown and not compared; None is all known

    def __post_init__(self) -> None:
        width, height = (int(v) for v in self.camera.size_px[0])
        for name, shape in (("rgb", (height, width, 3)), ("alpha", (height, width)), ("weight", (height, width))):
            plane = getattr(self, name)
            if plane is not None and plane.shape != shape:
                raise ValueError(f"Target.{name} is {plane.shape}, expected {shape}")


class Targets:
    """The training views, shrunk by whole factors on demand and kept within a limit of memory."""

    def __init__(self, views: Views, indices: tuple[int, ...], keep_bytes: int) -> None:
        self.views, self.indices = views, indices
        self._kept: dict[tuple[int, int], Target] = {}
        self._room, self._factor = keep_bytes, 0

    def __len__(self) -> int:
        return len(self.indices)

    def get(self, place: int, factor: int) -> Target:
        """Training view `place`, each side divided by `factor`; up to factor - 1 pixels at the right and bottom are cropped."""
        key = (place, factor)
        if key in self._kept:
            return self._kept[key]
        target = self._shrunk(place, factor)
        size = _bytes_of(target)
        if size <= self._room:
            self._room -= size
            self._kept[key] = target
        return target

    def keep_only(self, factor: int) -> None:
        """Free the pictures of all other sizes."""
        if factor != self._factor:
            for key in [key for key in self._kept if key[1] != factor]:
                self._room += _bytes_of(self._kept.pop(key))
            self._factor = factor

    def _shrunk(self, place: int, factor: int) -> Target:
        index = self.indices[place]
        rgb, alpha, weight = self.views.rgb[index], self.views.alpha[index], self.views.weight[index]
        camera = self.views.cameras.take([index])
        if factor == 1:
            return Target(camera, np.ascontiguousarray(rgb), _contiguous(alpha), _contiguous(weight))
        if alpha is not None:
            opacity = alpha.astype(np.float32)[..., None] / 255
            premultiplied = _means(rgb * opacity, factor)
            mean_opacity = _means(opacity, factor)
            rgb = _rounded(premultiplied / np.maximum(mean_opacity, 1e-3))
            alpha = _rounded(mean_opacity[..., 0] * 255)
        else:
            rgb = _rounded(_means(rgb, factor))
        if weight is not None:
            weight = _rounded(_means((weight > 127)[..., None] * 255.0, factor)[..., 0] // 255 * 255)
        return Target(shrunk(camera, factor), rgb, alpha, weight)


def shrunk(cameras: Cameras, factor: int) -> Cameras:
    """Pinhole cameras for pictures whose sides are divided by `factor`, rounded down."""
    k = cameras.K.copy()
    k[:, :2] *= 1 / factor
    return replace(cameras, K=k, size_px=cameras.size_px // factor)


def _bytes_of(target: Target) -> int:
    return sum(plane.nbytes for plane in (target.rgb, target.alpha, target.weight) if plane is not None)


def _contiguous(picture: Array | None) -> Array | None:
    return None if picture is None else np.ascontiguousarray(picture)


def _means(picture: Array, factor: int) -> Array:
    height, width, channels = picture.shape[0] // factor, picture.shape[1] // factor, picture.shape[2]
    cut = picture[: height * factor, : width * factor].astype(np.float32)
    return cut.reshape(height, factor, width, factor, channels).mean(axis=(1, 3))


def _rounded(picture: Array) -> Array:
    return np.ascontiguousarray(np.clip(picture + 0.5, 0, 255).astype(np.uint8))
