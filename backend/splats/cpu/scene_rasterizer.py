"""Rasterization of a scene's splats: several clouds, each with its own transform, sorted together, behind and before the scene's surfaces.

Clouds keep their own space: each is projected by the camera times its object's matrix, which may scale unevenly, shear and mirror; what is
seen along a ray has the color of that direction in the object's space. After that all splats of all clouds are sorted and blended
together. Arrays are never changed once they are handed over, so that a thread can draw while another reads the next scene.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import device
from ..columns import CAMERA, CENTER, FOCAL, SIZE, TRANSLATION
from ..scene_rows import Instance
from ..view import View
from . import planes, projection, surfels
from .frame import CHUNKS, Lists, Scratch, sort_into_tiles
from .intermediates import DISC, TILE
from .scene_blending import blend, limits_of
from .team import Team

Array = Any
_SPLATS = projection.RANGE
_NO_LIMITS = np.zeros((0, 0), np.float32)


@dataclass(frozen=True, eq=False)
class Picture:
    """The part of a viewport's picture that anything is in, at least a pixel."""

    packed: Array  # [h,w,2] float32, see `scene_blending.blend`
    left_px: int  # columns of the picture before that part
    bottom_px: int  # rows of the picture below it
    drawn: int  # splats that were given to the pass
    seconds: float


@dataclass(frozen=True)
class _Grid:
    """The pixels and tiles of a picture of 1/`step` of a view's size."""

    step: int
    width: int
    height: int
    tiles_x: int
    tiles_y: int

    @classmethod
    def of(cls, view: View, step: int) -> _Grid:
        width, height = -(-view.width // step), -(-view.height // step)
        return cls(step, width, height, -(-width // TILE), -(-height // TILE))


@dataclass(eq=False)
class SceneRasterizer:
    """The threads, and the memory that passes share. One thread at a time may call it."""

    team: Team = field(default_factory=lambda: Team(device.available_threads()))
    _room: int = 0
    _lists: Lists = field(default_factory=lambda: Lists(0, surfels=False))
    _scratch: Scratch = field(default_factory=lambda: Scratch(0))
    _discs: Array = field(default_factory=lambda: np.zeros((0, DISC), np.float32))

    def draw(self, instances: Sequence[Instance], view: View, step: int = 1, share: float = 1.0) -> Picture:
        """The splats before `view`, in a picture of 1/`step` of its size; of each cloud the most important `share`, 0 to 1."""
        started = time.perf_counter()
        grid = _Grid.of(view, step)
        counted = _counted(instances, share)
        total = sum(count for _, count in counted)
        if total == 0:
            return Picture(np.zeros((1, 1, 2), np.float32), 0, 0, 0, time.perf_counter() - started)
        limits = _limits(view, grid)
        tile_start = self._sorted(counted, view, grid, with_planes=limits is not None)
        left, right, top, bottom = _filled(tile_start, grid)
        packed = np.zeros((max(1, bottom - top), max(1, right - left), 2), np.float32)
        self._blend(counted, grid, (left, top), tile_start, limits, packed)
        return Picture(packed, left, grid.height - bottom, total, time.perf_counter() - started)

    def measure(self, instances: Sequence[Instance], view: View, *limits: Array | None) -> tuple[Array, ...]:
        """For each of `limits` the splats before it, [H,W,5] float32: premultiplied sRGB, alpha, and the surface's depth.

        A limit [H,W] is the depth of the scene's surface at each pixel, infinite where there is none, first row at the top; None hides
        nothing. The depth is that at which accumulated opacity reaches 30 %, 0 where it never does. `view.depth` isn't looked at.
        """
        grid = _Grid.of(view, 1)
        counted = _counted(instances, 1.0)
        found = tuple(np.zeros((grid.height, grid.width, 5), np.float32) for _ in limits)
        if counted:
            tile_start = self._sorted(counted, view, grid, with_planes=True)
            for limit, out in zip(limits, found, strict=True):
                self._blend(counted, grid, (0, 0), tile_start, limit, out, measured=True)
        return found

    def close(self) -> None:
        """End the threads."""
        self.team.close()

    def _sorted(self, counted: Sequence[tuple[Instance, int]], view: View, grid: _Grid, with_planes: bool) -> Array:
        """Project all clouds and list their splats by tile; returns where each tile's list starts."""
        total = sum(count for _, count in counted)
        self._make_room(total, any(instance.rows.surfels for instance, _ in counted))
        first = 0
        for instance, count in counted:
            self._project(instance, view, grid, first, count, with_planes)
            first += count
        counts, depths = self._lists.counts[:total], self._scratch.depths[:total]
        counts[(depths < view.near) | (depths > view.far)] = 0
        histogram = np.zeros((CHUNKS, grid.tiles_x * grid.tiles_y), np.int32)
        tile_start = np.zeros(grid.tiles_x * grid.tiles_y + 1, np.int64)
        sort_into_tiles(self.team, total, self._scratch, self._lists, grid.tiles_x, histogram, tile_start)
        return tile_start

    def _blend(
        self,
        counted: Sequence[tuple[Instance, int]],
        grid: _Grid,
        corner: tuple[int, int],
        tile_start: Array,
        limits: Array | None,
        out: Array,
        measured: bool = False,
    ) -> None:
        first_surfel = sum(count for instance, count in counted if not instance.rows.surfels)
        lists = self._lists
        shapes = (lists.projected, lists.shapes, self._discs, first_surfel)
        limit = _NO_LIMITS if limits is None else limits
        kernel = blend[limits is not None, measured]
        count, row = grid.tiles_x * grid.tiles_y, grid.tiles_x
        self.team.run(kernel, count, row, row, *corner, tile_start, lists.members, *shapes, limit, out)

    def _project(self, instance: Instance, view: View, grid: _Grid, first: int, count: int, with_planes: bool) -> None:
        camera = camera_row(view, instance.world_from_object, grid.step, grid.width, grid.height)
        rows, here = instance.rows, slice(first, first + count)
        lists, scratch = self._lists, self._scratch
        projected, counts = lists.projected[here], lists.counts[here]
        before = (rows.parameters, rows.bases, camera, grid.tiles_x, grid.tiles_y, rows.antialiased, projected)
        found = (scratch.boxes[here], counts, scratch.depths[here])
        if rows.surfels:
            self.team.run(surfels.project, count, _SPLATS, *before, self._discs[here], *found)
        else:
            self.team.run(projection.project, count, _SPLATS, *before, *found)
        if with_planes and not rows.surfels:
            self.team.run(planes.depth_planes, count, _SPLATS, rows.parameters, camera, counts, projected, lists.shapes[here])
        for plane in view.clip_planes:
            hidden = rows.parameters[:count, :3] @ (plane[:3] @ instance.world_from_object[:3, :3]).astype(np.float32)
            counts[hidden < -(plane[:3] @ instance.world_from_object[:3, 3] + plane[3])] = 0

    def _make_room(self, total: int, with_surfels: bool) -> None:
        if total > self._room:
            self._room = total + total // 8
            self._lists, self._scratch = Lists(self._room, surfels=False), Scratch(self._room)
            self._lists.add_planes(self._room)
        if with_surfels and len(self._discs) < self._room:
            self._discs = np.zeros((self._room, DISC), np.float32)


def _counted(instances: Sequence[Instance], share: float) -> list[tuple[Instance, int]]:
    """The clouds that hold splats and how many of each are drawn, surfels last."""
    counted = [(instance, max(1, round(len(instance.rows) * share))) for instance in instances if len(instance.rows)]
    return sorted(counted, key=lambda entry: entry[0].rows.surfels)


def _limits(view: View, grid: _Grid) -> Array | None:
    if view.depth is None:
        return None
    limits = np.empty((grid.height, grid.width), np.float32)
    m22, m23, m32, m33 = (np.float32(term) for term in view.depth_terms)
    limits_of(view.depth, grid.step, m22, m23, m32, m33, np.float32(view.depth_shift), np.float32(view.far), limits)
    return limits


def _filled(tile_start: Array, grid: _Grid) -> tuple[int, int, int, int]:
    """Left, right, top and bottom, in pixels, of the part of the picture whose tiles hold splats."""
    filled = np.diff(tile_start).reshape(-1, grid.tiles_x) > 0
    rows, columns = np.flatnonzero(filled.any(1)), np.flatnonzero(filled.any(0))
    if len(rows) == 0:
        return 0, 0, 0, 0
    left, top = columns[0] * TILE, rows[0] * TILE
    return int(left), min(int(columns[-1] + 1) * TILE, grid.width), int(top), min(int(rows[-1] + 1) * TILE, grid.height)


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
