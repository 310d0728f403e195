"""The memory between the kernels of the CPU: what a rendering leaves for its gradients.

Pictures are planar, flat and with MARGIN zeros around each channel.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from . import planes, tiles
from .intermediates import DISC, GEOMETRY, MARGIN, PROJECTED, SURFACE, TILE
from .team import Team

Array = Any
CHUNKS = 32  # of the depth order, for building the tiles' lists in parallel


@dataclass
class Frame:
    """Pictures of one size that kernels render into, and where each tile's list starts."""

    width: int
    height: int
    tiles_x: int = field(init=False)
    tiles_y: int = field(init=False)

    def __post_init__(self) -> None:
        self.tiles_x, self.tiles_y = -(-self.width // TILE), -(-self.height // TILE)
        plane = (self.width + 2 * MARGIN) * (self.height + 2 * MARGIN)
        self.image, self.transmittance = np.zeros(3 * plane, np.float32), np.zeros(plane, np.float32)
        self.finished = np.zeros(self.tiles_x * self.tiles_y, np.int32)
        self.tile_start = np.zeros(self.tiles_x * self.tiles_y + 1, np.int64)
        self.histogram = np.zeros((CHUNKS, self.tiles_x * self.tiles_y), np.int32)

    @cached_property
    def geometry(self) -> Array:
        """Planes of depth and normals [GEOMETRY,H,W], see intermediates.py."""
        return np.zeros((GEOMETRY, self.height, self.width), np.float32)

    @property
    def alpha(self) -> Array:
        """Accumulated opacity [H,W]."""
        return 1 - self.single(self.transmittance)

    def picture(self, planar: Array) -> Array:
        """A planar picture with margins as [H,W,3]; a copy."""
        return np.ascontiguousarray(self.inner(planar, 3).transpose(1, 2, 0))

    def single(self, planar: Array) -> Array:
        """A single plane with margins as [H,W]; a copy."""
        return self.inner(planar, 1)[0].copy()

    def inner(self, planar: Array, channels: int) -> Array:
        """What is inside the margins [channels,H,W]; a view."""
        return planar.reshape(channels, self.height + 2 * MARGIN, -1)[:, MARGIN:-MARGIN, MARGIN:-MARGIN]


class PlanarCotangents:
    """Gradients of a loss by the pictures of a frame, and the weights of pixels in the signal for densification."""

    def __init__(self, frame: Frame) -> None:
        self._shape = (frame.height, frame.width)
        plane = len(frame.transmittance)
        self.v_image, self.v_alpha, self.error = np.zeros(3 * plane, np.float32), np.zeros(plane, np.float32), np.zeros(plane, np.float32)

    @cached_property
    def v_geometry(self) -> Array:
        """By the planes of geometry that have gradients, [SURFACE,H,W]."""
        return np.zeros((SURFACE, *self._shape), np.float32)


class Lists:
    """Splats as one camera sees them, and the lists of those that touch each tile."""

    def __init__(self, capacity: int, surfels: bool) -> None:
        self.projected = np.zeros((capacity, PROJECTED), np.float32)
        self.shapes = np.zeros((capacity if surfels else 0, DISC if surfels else planes.PLANE), np.float32)  # discs, or planes of depth
        self.counts = np.zeros(capacity, np.int32)  # tiles that a splat touches
        self.offsets = np.zeros(capacity, np.int64)  # first gradient row of a splat
        self.members, self.rows = np.zeros(0, np.int32), np.zeros(0, np.int32)
        self.middle = np.float32(0)  # depth of the middle one of the visible splats, which blended depths are less by
        self.visible = self.entries = 0

    def add_planes(self, capacity: int) -> None:
        """Make room for the depth planes of splats that aren't surfels."""
        if len(self.shapes) == 0:
            self.shapes = np.zeros((capacity, planes.PLANE), np.float32)

    def grow(self, entries: int) -> None:
        """Make room for so many entries of all tiles' lists."""
        if entries > len(self.members):
            size = int(entries * 1.3) + 1024
            self.members, self.rows = np.zeros(size, np.int32), np.zeros(size, np.int32)


def sort_into_tiles(team: Team, count: int, scratch: Scratch, lists: Lists, tiles_x: int, histogram: Array, tile_start: Array) -> None:
    """Sort the first `count` projected splats by depth, and list those that touch each tile, front to back."""
    keys, order = scratch.keys, scratch.order
    lists.visible, lists.entries = tiles.visible_order(
        lists.counts[:count], scratch.depths.view(np.uint32), lists.offsets, keys[0], order[0], keys[1], order[1]
    )
    lists.grow(lists.entries)
    chunk = max(1, -(-lists.visible // CHUNKS))
    sorted_splats = (chunk, lists.visible, order[0], scratch.boxes, lists.projected)
    team.run(tiles.count_by_chunk, CHUNKS, 1, *sorted_splats, tiles_x, histogram)
    tiles.start_tiles(histogram, CHUNKS, tile_start)
    team.run(tiles.fill_tiles, CHUNKS, 1, *sorted_splats, lists.offsets, tiles_x, histogram, lists.members, lists.rows)


class Scratch:
    """What rendering and its gradients need only while they run."""

    def __init__(self, capacity: int) -> None:
        self.boxes = np.zeros((capacity, tiles.BOX), np.int16)
        self.depths = np.zeros(capacity, np.float32)
        self.keys = np.zeros((2, capacity), np.uint32)
        self.order = np.zeros((2, capacity), np.int32)
        self._entry_rows = np.zeros(0, np.float32)

    def entry_rows(self, size: int) -> Array:
        """Room for gradient rows, `size` floats or more."""
        if size > len(self._entry_rows):
            self._entry_rows = np.zeros(size, np.float32)
        return self._entry_rows


@dataclass(frozen=True, eq=False)
class Drawing:
    """One rendering."""

    frame: Frame
    lists: Lists
    camera: Array  # row, see layout.py
    bases: int
    geometric: bool  # depth and normals were blended, too
