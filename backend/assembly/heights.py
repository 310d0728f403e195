"""Where something can stand on a thing: its upper and lower envelopes on a grid, and the flattest places of a given size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..values import Array

CELLS = 48  # along the longer side of a thing's box
FLAT = 0.02  # of the thing's height: unevenness of a place that counts as flat
LEAST = 1e-9


@dataclass(frozen=True, eq=False)
class Envelope:
    """The highest, or lowest, height of a surface above a grid of places; NaN where there is none."""

    z: Array  # [X,Y] float64, meters
    low: Array  # [2] of the grid's box
    cell: float  # meters

    def center(self, i: float, j: float) -> tuple[float, float]:
        """The place of a cell."""
        return float(self.low[0] + (i + 0.5) * self.cell), float(self.low[1] + (j + 0.5) * self.cell)

    def window(self, low: Array, high: Array) -> Array:
        """The heights inside a box [2], [2]; at least one cell."""
        first = np.clip(np.floor((low - self.low) / self.cell).astype(int), 0, np.array(self.z.shape) - 1)
        last = np.clip(np.ceil((high - self.low) / self.cell).astype(int), first + 1, self.z.shape)
        return self.z[first[0] : last[0], first[1] : last[1]]


def envelope(vertices: Array, triangles: Array, upper: bool = True) -> Envelope:
    """The envelope of a surface seen from above, or from below."""
    low, high = vertices[:, :2].min(axis=0), vertices[:, :2].max(axis=0)
    cell = max(float((high - low).max()) / CELLS, LEAST)
    shape = np.maximum(np.ceil((high - low) / cell - 1e-6).astype(int), 1)
    z = np.full(shape, -np.inf if upper else np.inf)
    corners = vertices[triangles]
    flat = (corners[..., :2] - low) / cell - 0.5
    area = _cross(flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0])
    for p, heights, doubled in zip(flat, corners[..., 2], area, strict=True):
        if doubled * (1 if upper else -1) <= 1e-12:  # it looks the other way
            continue
        first = np.maximum(np.ceil(p.min(axis=0) - 1e-9).astype(int), 0)
        last = np.minimum(np.floor(p.max(axis=0) + 1e-9).astype(int), shape - 1)
        if (first > last).any():
            continue
        x, y = np.meshgrid(np.arange(first[0], last[0] + 1), np.arange(first[1], last[1] + 1), indexing="ij")
        at = np.stack((x, y), axis=-1)
        b = _cross(at - p[0], p[2] - p[0]) / doubled
        c = _cross(p[1] - p[0], at - p[0]) / doubled
        inside = (b >= -1e-9) & (c >= -1e-9) & (b + c <= 1 + 1e-9)
        found = heights[0] + b * (heights[1] - heights[0]) + c * (heights[2] - heights[0])
        here = z[first[0] : last[0] + 1, first[1] : last[1] + 1]
        here[...] = np.where(inside, np.maximum(here, found) if upper else np.minimum(here, found), here)
    return Envelope(np.where(np.isfinite(z), z, np.nan), low, cell)


def places(over: Envelope, size: tuple[float, float], height: float) -> list[tuple[float, float, float, float]]:
    """Places (cost, x, y, z) on which a footprint of `size` can stand, the flattest first and of those the middle one.

    `height` is that of the carrier: unevenness is measured by it, and the cost is 0 where a place is flat and wide enough.
    """
    wide = [min(max(int(np.ceil(length / over.cell)), 1), count) for length, count in zip(size, over.z.shape, strict=True)]
    views = np.lib.stride_tricks.sliding_window_view(over.z, wide)
    known = np.isfinite(views)
    top = np.where(known, views, -np.inf).max(axis=(2, 3))
    bottom = np.where(known, views, np.inf).min(axis=(2, 3))
    covered = known.mean(axis=(2, 3))
    uneven = np.where(covered > 0, top - bottom, np.inf) / max(height, LEAST)
    cost = np.maximum(uneven - FLAT, 0) * 4 + (1 - covered) * 2
    i, j = np.indices(cost.shape)
    shape = np.array(cost.shape)
    away = np.hypot((i - (shape[0] - 1) / 2) / max(over.z.shape), (j - (shape[1] - 1) / 2) / max(over.z.shape))
    order = np.argsort(np.round(cost, 3) * 100 + away, axis=None, kind="stable")
    found = []
    for a, b in zip(*np.unravel_index(order, cost.shape), strict=True):
        if np.isfinite(top[a, b]):
            x, y = over.center(a + (wide[0] - 1) / 2, b + (wide[1] - 1) / 2)
            found.append((float(cost[a, b]), x, y, float(top[a, b])))
    return found


def _cross(a: Array, b: Array) -> Array:
    crossed: Array = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return crossed
