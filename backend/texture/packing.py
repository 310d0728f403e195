"""Charts packed into the unit square as bitmaps, at the largest common scale at which they fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import device
from ..errors import ReifyError
from ..geometry import triangles
from ..values import Array

CELLS = 1024  # cells along the tile's side at most; a cell is one or more texels
TRIALS = 9  # scales tried at most
CLOSE = 0.01  # relative difference between a scale that fits and one that doesn't, at which the search ends
CLOSEST = 0.985  # share of the tile's rows that are used, at which it ends, too
ANGLES = 12  # tried between 0 and 90 degrees for the smallest bounding box of a chart


@dataclass(frozen=True, eq=False)
class Charts:
    """C flattened charts of F faces, sorted by chart."""

    triangles: Array  # [F,3,2] float64, from the lower left corner of each chart's box
    bounds: Array  # [C+1] the first face of each
    spans: Array  # [C,2] widths and heights of the boxes

    @property
    def count(self) -> int:
        """C."""
        return len(self.spans)


def pack(flat: Array, chart: Array, size_px: int, margin_px: int) -> Array:
    """UVs [F,3,2] float32 for a texture of `size_px` from flattened faces [F,3,2] of the charts [F].

    All charts get the same scale, the largest at which they fit with `margin_px` empty texels around each; with fewer where margins
    would take more area than the charts. Raises ReifyError where there are too many charts.
    """
    order, charts = _in_boxes(flat, chart)
    cell = -(-size_px // CELLS)
    cells = size_px // cell
    # Upper bound: charts fill every cell, or the longest is as long as the tile.
    side = np.sqrt(np.abs(triangles.signed_areas(charts.triangles)).sum())
    full = cells / (max(side, charts.spans.max()) or 1.0)
    gap = -(-_affordable(charts.spans * full * cell, margin_px) // cell)
    found, fits, too_large, scale = None, 0.0, np.inf, 0.8 * full
    for _ in range(TRIALS):
        needed, places, turns = _place(charts, scale, gap, cells)
        if needed <= cells:
            found, fits = (places, turns), scale
        else:
            too_large = scale
        if too_large < (1.0 + CLOSE) * fits or CLOSEST * cells <= needed <= cells:
            break
        scale *= np.sqrt(CLOSEST * cells / needed)
        if not fits < scale < too_large:
            scale = 0.5 * (fits + too_large)
    if found is None:
        raise too_many(charts.count, size_px)
    uvs = np.empty_like(flat)
    uvs[order] = _moved(charts, fits, *found) * (cell / size_px)
    return uvs.clip(0.0, 1.0).astype(np.float32)


def too_many(pieces: int, size_px: int) -> ReifyError:
    """The error for a mesh in so many pieces that there is no room for them all."""
    return ReifyError(
        f"The mesh falls into {pieces} pieces, too many for a texture of {size_px} pixels.",
        "Choose a larger texture, or vertex colors.",
    )


def _in_boxes(flat: Array, chart: Array) -> tuple[Array, Charts]:
    """The order of the faces [F] by chart, and the charts, each turned to the angle of its smallest bounding box."""
    order = np.argsort(chart, kind="stable")
    starts = np.flatnonzero(np.diff(chart[order], prepend=chart.min(initial=0) - 1))
    flat = flat[order]
    each = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(order))))
    best, angle = np.full(len(starts), np.inf), np.zeros(len(starts))
    for trial in np.arange(ANGLES) * (np.pi / 2 / ANGLES):
        area = np.prod(_box(_turned(flat, trial), starts)[1], axis=1)
        angle = np.where(area < best, trial, angle)
        best = np.minimum(best, area)
    flat = _turned(flat, angle[each][:, None])
    low, spans = _box(flat, starts)
    return order, Charts(flat - low[each][:, None], np.append(starts, len(order)), spans)


def _box(flat: Array, starts: Array) -> tuple[Array, Array]:
    low = np.minimum.reduceat(flat.min(axis=1), starts, axis=0)
    return low, np.maximum.reduceat(flat.max(axis=1), starts, axis=0) - low


def _turned(flat: Array, angle) -> Array:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.stack([flat[..., 0] * cosine - flat[..., 1] * sine, flat[..., 0] * sine + flat[..., 1] * cosine], axis=-1)


def _affordable(spans_px: Array, margin_px: int) -> int:
    """The widest margin, up to `margin_px`, with which bounding boxes at most double in area."""
    for margin in range(margin_px, 1, -1):
        if np.prod(spans_px + margin, axis=1).sum() <= 2.0 * np.prod(spans_px, axis=1).sum():
            return margin
    return 1


def _place(charts: Charts, scale: float, gap: int, cells: int) -> tuple[int, Array, Array]:
    """The rows of cells that charts need at `scale`, their lower left cells [C,2], and their quarter turns [C]."""
    device.prepare_numba()
    from . import packing_kernels as kernels

    sizes = (charts.spans * scale).astype(np.int64) + 1
    places, turns = np.zeros((charts.count, 2), np.int64), np.zeros(charts.count, np.int64)
    room = cells - 2 * gap
    if sizes.max() > room:
        return int(np.ceil(cells * (sizes.max() / max(room, 1)) ** 2)) + 1, places, turns
    starts = np.concatenate([[0], np.cumsum(sizes[:, 0] * sizes[:, 1])])
    bitmaps = np.zeros(starts[-1], bool)
    scaled = charts.triangles * scale

    def draw(first: int, last: int) -> None:
        for c in range(first, last):
            bitmap = bitmaps[starts[c] : starts[c + 1]]
            kernels.draw_chart(scaled, charts.bounds[c], charts.bounds[c + 1], sizes[c, 0], sizes[c, 1], bitmap)

    device.split(draw, charts.count, parts=16)
    largest_first = np.argsort(-sizes.sum(axis=1), kind="stable")
    needed = kernels.pack(largest_first, sizes[:, 0], sizes[:, 1], starts, bitmaps, gap, cells, 2 * cells, places, turns)
    return (needed if needed > 0 else 3 * cells), places, turns


def _moved(charts: Charts, scale: float, places: Array, turns: Array) -> Array:
    """The charts' faces [F,3,2] in cells, where they were placed."""
    sizes = (charts.spans * scale).astype(np.int64) + 1
    each = np.repeat(np.arange(charts.count), np.diff(charts.bounds))
    x, y = (charts.triangles * scale).transpose(2, 0, 1)
    width, height = (sizes[each, k][:, None] for k in (0, 1))
    turn = turns[each][:, None]
    turned_x = np.select([turn == 0, turn == 1, turn == 2], [x, height - y, width - x], y)
    turned_y = np.select([turn == 0, turn == 1, turn == 2], [y, x, height - y], width - x)
    return np.stack([turned_x, turned_y], axis=-1) + places[each][:, None]
