"""A sparse grid of cubic cells over points: density, connected bodies, neighborhoods."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from ...values import Array

MOST_CELLS = 2**20  # along an axis: what lies farther out is in the outermost cell
DENSE = 2**24  # cells of the whole grid up to which a table of them is faster than sorting
SAMPLE = 50_000  # points that tell how large the whole is
CELLS_ACROSS = 64  # of usual cells, from the 10th to the 90th percentile of the largest axis
HALF = [offset for offset in product((-1, 0, 1), repeat=3) if offset > (0, 0, 0)]  # 13 of the 26 neighbors, one of each opposite pair


@dataclass(frozen=True, eq=False)
class Cells:
    """The occupied cells of a grid, M of them."""

    codes: Array  # [M] int64, sorted
    of_point: Array  # [N] the cell of each point, as index into `codes`
    strides: tuple[int, int, int]
    table: Array | None = None  # [cells of the whole grid] int32, 1 + index into `codes`, 0 for an empty cell; None where they are too many

    def sums(self, weights: Array) -> Array:
        """Sum [M] of the weights [N] of the points in each cell."""
        return np.bincount(self.of_point, weights, len(self.codes))

    @cached_property
    def neighbors(self) -> tuple[Array, Array]:
        """Pairs of cells that share a face, an edge or a corner, each pair once, the lesser index first."""
        first, second = [], []
        for offset in HALF:
            place = self._find(self.codes + int(np.dot(offset, self.strides)))
            found = np.flatnonzero(place >= 0)
            first.append(found)
            second.append(place[found].astype(np.int64))
        return np.concatenate(first), np.concatenate(second)

    def _find(self, codes: Array) -> Array:
        if self.table is not None:
            return self.table[codes] - 1
        place = np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)
        return np.where(self.codes[place] == codes, place, -1)

    def around(self, values: Array) -> Array:
        """Sum [M] of the values [M] of each cell and its 26 neighbors."""
        first, second = self.neighbors
        count = len(self.codes)
        return values + np.bincount(first, values[second], count) + np.bincount(second, values[first], count)

    def bodies(self, occupied: Array) -> Array:
        """For each cell the least index of a cell that it is connected with through `occupied` [M] cells; itself where it isn't."""
        label = np.arange(len(self.codes))
        first, second = self.neighbors
        if not occupied.all():
            both = occupied.take(first) & occupied.take(second)
            first, second = first[both], second[both]
        while len(first):
            # Roots onto smaller roots; pairs of roots are all that later rounds need.
            np.minimum.at(label, second, first)
            while (label != (above := label.take(label))).any():
                label = above
            first, second = label.take(first), label.take(second)
            apart = np.flatnonzero(first != second)
            first, second = first.take(apart), second.take(apart)
            first, second = np.minimum(first, second), np.maximum(first, second)
        return label


def cells_of(points: Array, size: float) -> Cells:
    """The cells of edge length `size` that points [N,3] lie in; a cell is left free at the border, so that neighbors don't wrap."""
    middle = np.median(points[:: -(-len(points) // SAMPLE)], axis=0)
    axes, span = [], []
    for coordinate, center in zip(points.T, middle, strict=True):  # axis by axis: numpy's minimum over rows of three is slow
        place = np.floor((coordinate - center) * points.dtype.type(1 / size)).clip(-MOST_CELLS // 2, MOST_CELLS // 2).astype(np.int64)
        place -= place.min() - 1
        axes.append(place)
        span.append(int(place.max()) + 2)
    strides = (span[1] * span[2], span[2], 1)
    code = axes[0] * strides[0] + axes[1] * strides[1] + axes[2]
    total = span[0] * strides[0]
    if total > DENSE:
        codes, of_point = np.unique(code, return_inverse=True)
        return Cells(codes, of_point.ravel(), strides)
    occupied = np.zeros(total, bool)
    occupied[code] = True
    codes = np.flatnonzero(occupied)
    table = np.zeros(total, np.int32)
    table[codes] = np.arange(1, len(codes) + 1, dtype=np.int32)
    return Cells(codes, table[code] - 1, strides, table)


def usual_size(points: Array) -> float:
    """Edge length of cells that tell one body from the next, in units of the points [N,3].

    Never less than three times what points that are spread over a cube's faces are apart.
    """
    low, high = np.percentile(points[:: -(-len(points) // SAMPLE)], (10, 90), axis=0)
    return float((high - low).max()) * max(1 / CELLS_ACROSS, 3 * float(np.sqrt(6 / len(points)))) or 1.0
