"""A scene's splats as shaders of a graphics card read them: their parameters as texels, and the order in which they are drawn.

base    BASE texels a splat: mean and opacity, quaternion (w x y z), scales, color of the constant basis
bands   of each SH degree above 0 its 3, 5 or 7 coefficients, a texel each
order   the splats to be drawn, the farthest first: number of the splat and of its instance
places  one row for the view, then one for each instance: what `place_texels` says

Textures are WIDTH texels wide, so that a splat's texels are found by its number alone; the last row is filled up with zeros.
Letters: N splats of all clouds together, I instances, H rows of a texture.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .columns import BASE_COLOR, LOG_SCALE, MEAN, OPACITY, QUATERNION, SH
from .layout import channel_width
from .scene_rows import Instance, Rows
from .view import View

Array = Any
WIDTH = 4096
BASE = 4
BANDS = (3, 5, 7)
PLACE = 10  # texels in a row of `places`
PLANES = 6  # clip planes of a view at most
SURFELS, ANTIALIASED = 1, 2  # flags of an instance
LARGEST_LOG_SCALE = 40.0  # as the kernels bound it
_BLOCK = 65_536


@dataclass(frozen=True, eq=False)
class Texels:
    """Every cloud's parameters, one after the other."""

    clouds: tuple[Rows, ...]
    base: Array  # [H,WIDTH,4] float32
    bands: tuple[Array, ...]  # [H,WIDTH,4] float32 of each degree above 0 that any cloud has


@dataclass(frozen=True, eq=False)
class Order:
    """What is drawn of a view, and in which order."""

    texels: Texels
    packed: Array  # [H,WIDTH,2] float32, the farthest first
    drawn: int  # splats in it
    seconds: float


def texels_of(clouds: Sequence[Rows]) -> Texels:
    """The parameters of clouds as texels; clouds of fewer SH bases than others get zeros for those they lack."""
    count = sum(map(len, clouds))
    most = max((cloud.bases for cloud in clouds), default=1)
    base = _blank(count * BASE)
    bands = [_blank(count * width) for degree, width in enumerate(BANDS, 1) if most > degree**2]
    first = 0
    for cloud in clouds:
        for block in range(0, len(cloud), _BLOCK):
            rows = cloud.parameters[block : block + _BLOCK]
            here = slice(first, first + len(rows))
            _put_base(rows, base.reshape(-1, 4)[: count * BASE].reshape(count, BASE, 4)[here])
            coefficients = rows[:, SH:].reshape(len(rows), 3, channel_width(cloud.bases)).transpose(0, 2, 1)
            for degree, (width, band) in enumerate(zip(BANDS, bands, strict=False), 1):
                if cloud.bases > degree**2:
                    out = band.reshape(-1, 4)[: count * width].reshape(count, width, 4)
                    out[here, :, :3] = coefficients[:, degree**2 - 1 : degree**2 - 1 + width]
            first += len(rows)
    return Texels(tuple(clouds), base, tuple(bands))


def place_texels(view: View, instances: Sequence[Array], clouds: Sequence[Rows], step: int = 1) -> Array:
    """What shaders need of a view and of where its instances stand, [1+I,PLACE,4] float32, for a picture of 1/`step` of its size.

    `instances` are world_from_object [4,4] of each cloud of `clouds`.
    Row 0: focal lengths and principal point in pixels; width, height, near and far; the projection's depth terms; the depth's shift, the
    step and two zeros; PLANES clip planes in camera space.
    Other rows: three of cam_from_object [3,4]; the camera's center in the object's space and the cloud's flags.
    """
    found = np.zeros((1 + len(instances), PLACE, 4), np.float32)
    found[0, 0] = np.array([*view.focal_px, *view.principal_px]) / step
    found[0, 1] = -(-view.width // step), -(-view.height // step), view.near, min(view.far, np.finfo(np.float32).max)
    found[0, 2] = view.depth_terms
    found[0, 3, :2] = view.depth_shift, step
    found[0, 4:, 3] = 1.0  # a plane that hides nothing
    world_from_cam = np.linalg.inv(view.cam_from_world)
    for texel, plane in zip(found[0, 4:], view.clip_planes[:PLANES], strict=False):
        texel[:] = plane @ world_from_cam
    for row, matrix, cloud in zip(found[1:], instances, clouds, strict=True):
        pose = view.cam_from_world @ matrix
        row[:3] = pose[:3]
        row[3, :3] = -np.linalg.pinv(pose[:3, :3]) @ pose[:3, 3]
        row[3, 3] = SURFELS * cloud.surfels + ANTIALIASED * cloud.antialiased
    return found


@dataclass(eq=False)
class Sorter:
    """Sorts the splats of views; what doesn't depend on the view is kept from one to the next. One thread at a time may call it."""

    _texels: Texels | None = None
    _means: dict[int, Array] = field(default_factory=dict)  # [N,3] of the clouds in `_texels`, by their identity

    def draw(self, instances: Sequence[Instance], view: View, step: int = 1, share: float = 1.0) -> Order:
        """The splats before `view`, the farthest first; of each cloud the most important `share`, 0 to 1. `step` changes nothing here."""
        started = time.perf_counter()
        clouds = tuple(dict.fromkeys(instance.rows for instance in instances))
        if self._texels is None or self._texels.clouds != clouds:
            self._texels = texels_of(clouds)
            self._means = {id(cloud): np.ascontiguousarray(cloud.parameters[:, MEAN : MEAN + 3]) for cloud in clouds}
        starts = dict(zip(map(id, clouds), np.cumsum([0, *map(len, clouds)]), strict=False))
        depths, splats, places = [], [], []
        for place, instance in enumerate(instances):
            means = self._means[id(instance.rows)][: max(1, round(len(instance.rows) * share))]
            pose = view.cam_from_world @ instance.world_from_object
            depth = means @ pose[2, :3].astype(np.float32) + np.float32(pose[2, 3])
            seen = np.flatnonzero((depth > max(view.near, 0.0)) & (depth < view.far))
            depths.append(depth[seen])
            splats.append(seen + starts[id(instance.rows)])
            places.append(np.full(len(seen), place, np.float32))
        order = _farthest_first(np.concatenate(depths)) if depths else np.zeros(0, np.int64)
        packed = np.zeros((max(1, -(-len(order) // WIDTH)), WIDTH, 2), np.float32)
        flat = packed.reshape(-1, 2)
        if len(order):
            flat[: len(order), 0] = np.concatenate(splats)[order]
            flat[: len(order), 1] = np.concatenate(places)[order]
        return Order(self._texels, packed, len(order), time.perf_counter() - started)

    def close(self) -> None:
        """Let go of the clouds."""
        self._texels, self._means = None, {}


def _farthest_first(depths: Array) -> Array:
    """Indices that sort positive float32 depths downwards.

    As whole numbers they have the same order, and numpy sorts those of 16 bits by radix: 1 M in 20 ms instead of 90.
    """
    bits = ~depths.view(np.uint32)
    order = np.argsort((bits & 0xFFFF).astype(np.uint16), kind="stable")
    return order[np.argsort((bits >> 16).astype(np.uint16)[order], kind="stable")]


def _put_base(rows: Array, out: Array) -> None:
    out[:, 0, :3] = rows[:, MEAN : MEAN + 3]
    out[:, 0, 3] = 1 / (1 + np.exp(-np.clip(rows[:, OPACITY], -40, 40)))
    quats = rows[:, QUATERNION : QUATERNION + 4]
    out[:, 1] = quats / np.maximum(np.linalg.norm(quats, axis=1, keepdims=True), 1e-12)
    out[:, 2, :3] = np.exp(np.minimum(rows[:, LOG_SCALE : LOG_SCALE + 3], LARGEST_LOG_SCALE))
    out[:, 3, :3] = rows[:, BASE_COLOR : BASE_COLOR + 3]


def _blank(texels: int) -> Array:
    return np.zeros((max(1, -(-texels // WIDTH)), WIDTH, 4), np.float32)
