"""The CPU rasterizer as the viewport needs it: several clouds in one picture, each with its own transform, before the scene's depth.

The only file of this room that knows the kernels. Clouds keep their own space: each is projected by the camera times its object's
matrix, which may scale unevenly, shear and mirror; what is seen along a ray has the color of that direction in the object's space.
After that all splats of all clouds are sorted and blended together. Nothing here knows Blender, and arrays are never changed once
they are handed over, so that a thread can draw while the main thread reads the next scene.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...backend import device
from ...backend.values import Splats

device.prepare_numba()  # says where compiled kernels are kept, before the first one is imported

from ...backend.splats.columns import CAMERA, CENTER, FOCAL, SIZE, TRANSLATION  # noqa: E402
from ...backend.splats.cpu import planes, projection, surfels, tiles  # noqa: E402
from ...backend.splats.cpu.intermediates import DISC, PROJECTED, TILE  # noqa: E402
from ...backend.splats.cpu.team import Team  # noqa: E402
from ...backend.splats.layout import rows_of  # noqa: E402
from .blending import blend, limits_of  # noqa: E402
from .view import View  # noqa: E402

Array = Any
MOST_BASES = 16  # SH bases that the kernels know
_CHUNKS = 32  # of the depth order, for building the tiles' lists in parallel
_SPLATS = projection.RANGE
_NO_LIMITS = np.zeros((0, 0), np.float32)
_BY_SPLAT = ("projected", "boxes", "counts", "depths", "planes", "discs")
_BLOCK = 8192  # splats that are put into rows at a time: their rows fit into the cache


@dataclass(frozen=True, eq=False)
class Rows:
    """A cloud's splats as the kernels read them, the most important first, so that the first n are the best n."""

    parameters: Array  # [N, row width] float32
    bases: int  # SH bases, 1 to 16
    antialiased: bool
    surfels: bool

    def __len__(self) -> int:
        return len(self.parameters)


@dataclass(frozen=True, eq=False)
class Instance:
    """A cloud as it stands in the scene."""

    rows: Rows
    world_from_object: Array  # [4,4] float64


@dataclass(frozen=True, eq=False)
class Picture:
    """What a pass gives."""

    packed: Array  # [h,w,2] float32, see `blending.blend`: the part of the picture that anything is in, at least a pixel
    left_px: int  # columns of the picture before that part
    bottom_px: int  # rows of the picture below it
    drawn: int  # splats that were given to the pass
    seconds: float


def rows_from(splats: Splats) -> Rows:
    """Splats in the kernels' layout, sorted by what they add to a picture: opacity times the area of the two longest axes."""
    extent = np.sort(splats.log_scales, axis=1)[:, 1:].sum(axis=1)
    opacity = -np.log1p(np.exp(-np.clip(splats.opacity_logits, -30, 30)))
    order = np.argsort(-(extent + opacity).astype(np.float32), kind="stable")
    bases = min((splats.sh_degree + 1) ** 2, MOST_BASES)
    blocks = [rows_of(splats.take(order[first : first + _BLOCK]), bases) for first in range(0, len(order), _BLOCK)]
    return Rows(np.concatenate(blocks) if blocks else rows_of(splats, bases), bases, splats.antialiased, splats.surfels)


@dataclass(eq=False)
class Rasterizer:
    """The threads, and the memory that passes share. One thread at a time may call it."""

    team: Team = field(default_factory=lambda: Team(device.available_threads()))
    _room: int = 0
    _arrays: dict[str, Array] = field(default_factory=dict)

    def draw(self, instances: Sequence[Instance], view: View, step: int = 1, share: float = 1.0) -> Picture:
        """The splats before `view`, in a picture of 1/`step` of its size; of each cloud the most important `share`, 0 to 1."""
        started = time.perf_counter()
        width, height = -(-view.width // step), -(-view.height // step)
        tiles_x, tiles_y = -(-width // TILE), -(-height // TILE)
        counted = [(instance, max(1, round(len(instance.rows) * share))) for instance in instances if len(instance.rows)]
        counted.sort(key=lambda entry: entry[0].rows.surfels)  # surfels last
        total = sum(count for _, count in counted)
        flat = sum(count for instance, count in counted if instance.rows.surfels)
        if total == 0:
            return Picture(np.zeros((1, 1, 2), np.float32), 0, 0, 0, time.perf_counter() - started)
        self._make_room(total, flat > 0)
        limits = self._limits(view, step, width, height)
        first = 0
        for instance, count in counted:
            self._project(instance, view, (step, width, height, tiles_x, tiles_y), first, count, limits is not None)
            first += count
        self._drop_near(view, total)
        tile_start, members = self._sorted(total, tiles_x, tiles_y)
        left, right, top, bottom = _filled(tile_start, tiles_x, width, height)
        packed = np.zeros((max(1, bottom - top), max(1, right - left), 2), np.float32)
        shapes = (self._arrays["projected"], self._arrays["planes"], self._arrays["discs"], total - flat)
        kernel = blend[limits is not None]
        lists = (left, top, tile_start, members)
        self.team.run(kernel, tiles_x * tiles_y, tiles_x, tiles_x, *lists, *shapes, _NO_LIMITS if limits is None else limits, packed)
        return Picture(packed, left, height - bottom, total, time.perf_counter() - started)

    def close(self) -> None:
        """End the threads."""
        self.team.close()

    def _project(self, instance: Instance, view: View, size: tuple[int, ...], first: int, count: int, with_planes: bool) -> None:
        step, width, height, tiles_x, tiles_y = size
        camera = camera_row(view, instance.world_from_object, step, width, height)
        rows, here = instance.rows, slice(first, first + count)
        at = {name: array[here] for name, array in self._arrays.items() if name in _BY_SPLAT}
        before = (rows.parameters, rows.bases, camera, tiles_x, tiles_y, rows.antialiased, at["projected"])
        found = (at["boxes"], at["counts"], at["depths"])
        if rows.surfels:
            self.team.run(surfels.project, count, _SPLATS, *before, at["discs"], *found)
        else:
            self.team.run(projection.project, count, _SPLATS, *before, *found)
        if with_planes and not rows.surfels:
            self.team.run(planes.depth_planes, count, _SPLATS, rows.parameters, camera, at["counts"], at["projected"], at["planes"])
        for plane in view.clip_planes:
            hidden = rows.parameters[:count, :3] @ (plane[:3] @ instance.world_from_object[:3, :3]).astype(np.float32)
            at["counts"][hidden < -(plane[:3] @ instance.world_from_object[:3, 3] + plane[3])] = 0

    def _drop_near(self, view: View, total: int) -> None:
        counts, depths = self._arrays["counts"][:total], self._arrays["depths"][:total]
        counts[depths < view.near] = 0

    def _sorted(self, total: int, tiles_x: int, tiles_y: int) -> tuple[Array, Array]:
        """Where each tile's list starts, and the lists: all clouds' splats front to back."""
        a = self._arrays
        visible, entries = tiles.visible_order(
            a["counts"][:total],
            a["depths"].view(np.uint32),
            a["offsets"],
            a["keys"],
            a["order"],
            a["spare_keys"],
            a["spare_order"],
        )
        if entries > len(a["members"]):
            a["members"], a["rows"] = (np.zeros(int(entries * 1.3) + 1024, np.int32) for _ in range(2))
        chunk = max(1, -(-visible // _CHUNKS))
        histogram = np.zeros((_CHUNKS, tiles_x * tiles_y), np.int32)
        tile_start = np.zeros(tiles_x * tiles_y + 1, np.int64)
        found = (a["order"], a["boxes"], a["projected"])
        self.team.run(tiles.count_by_chunk, _CHUNKS, 1, chunk, visible, *found, tiles_x, histogram)
        tiles.start_tiles(histogram, _CHUNKS, tile_start)
        self.team.run(tiles.fill_tiles, _CHUNKS, 1, chunk, visible, *found, a["offsets"], tiles_x, histogram, a["members"], a["rows"])
        return tile_start, a["members"]

    def _make_room(self, total: int, with_surfels: bool) -> None:
        if total <= self._room and (len(self._arrays["discs"]) or not with_surfels):
            return
        self._room = total + total // 8
        n = self._room
        self._arrays = {
            "projected": np.zeros((n, PROJECTED), np.float32),
            "planes": np.zeros((n, planes.PLANE), np.float32),
            "discs": np.zeros((n if with_surfels else 0, DISC), np.float32),
            "boxes": np.zeros((n, tiles.BOX), np.int16),
            "counts": np.zeros(n, np.int32),
            "depths": np.zeros(n, np.float32),
            "offsets": np.zeros(n, np.int64),
            "keys": np.zeros(n, np.uint32),
            "spare_keys": np.zeros(n, np.uint32),
            "order": np.zeros(n, np.int32),
            "spare_order": np.zeros(n, np.int32),
            "members": np.zeros(0, np.int32),
            "rows": np.zeros(0, np.int32),
        }

    def _limits(self, view: View, step: int, width: int, height: int) -> Array | None:
        if view.depth is None:
            return None
        limits = np.empty((height, width), np.float32)
        m22, m23, m32, m33 = (np.float32(term) for term in view.depth_terms)
        limits_of(view.depth, step, m22, m23, m32, m33, np.float32(view.depth_shift), np.float32(view.far), limits)
        return limits


def _filled(tile_start: Array, tiles_x: int, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, right, top and bottom, in pixels, of the part of the picture whose tiles hold splats."""
    filled = np.diff(tile_start).reshape(-1, tiles_x) > 0
    rows, columns = np.flatnonzero(filled.any(1)), np.flatnonzero(filled.any(0))
    if len(rows) == 0:
        return 0, 0, 0, 0
    left, top = columns[0] * TILE, rows[0] * TILE
    return int(left), min(int(columns[-1] + 1) * TILE, width), int(top), min(int(rows[-1] + 1) * TILE, height)


def camera_row(view: View, world_from_object: Array, step: int, width: int, height: int) -> Array:
    """The camera as the kernels take it, seen from an object's space, for a picture of 1/`step` of the view's size."""
    row = np.zeros(CAMERA, np.float32)
    pose = view.cam_from_world @ world_from_object
    row[:TRANSLATION] = pose[:3, :3].ravel()
    row[TRANSLATION:FOCAL] = pose[:3, 3]
    row[FOCAL:CENTER] = np.array([*view.focal_px, *view.principal_px]) / step
    row[CENTER:SIZE] = -np.linalg.pinv(pose[:3, :3]) @ pose[:3, 3]
    row[SIZE : SIZE + 2] = width, height
    return row
