"""Surface nets: the zero level of a dense grid as quads, with one vertex in each crossed cell (Gibson 1998)."""

from __future__ import annotations

import numpy as np

from ..values import Array
from . import topology
from .smoothing import taubin


def surface_nets(field: Array) -> tuple[Array, Array]:
    """Vertices [V,3] in grid units and quads [Q,4] around the positive part of `field` [X,Y,Z], closed, without non-manifold edges.

    Quads are counter-clockwise from outside in a right-handed grid. The border counts as outside.
    """
    field = np.pad(field.astype(np.float32, copy=False), 1, constant_values=-1.0)
    field[[0, -1]], field[:, [0, -1]], field[:, :, [0, -1]] = -1.0, -1.0, -1.0
    inside = _well_composed(field > 0)
    field[inside & (field <= 0)] = 1e-3  # filled samples are just inside
    corners = np.stack(np.meshgrid(*3 * [[0, 1]], indexing="ij"), axis=-1).reshape(-1, 3)
    cells = tuple(size - 1 for size in field.shape)
    some, all_of_them = np.zeros(cells, bool), np.ones(cells, bool)
    for corner in corners:
        at_corner = inside[tuple(slice(o, o + n) for o, n in zip(corner, cells, strict=True))]
        some |= at_corner
        all_of_them &= at_corner
    crossed = some & ~all_of_them
    place = np.argwhere(crossed)
    index = np.full(cells, -1, np.int32)
    index[crossed] = np.arange(len(place))
    return _cell_points(field, inside, place, corners) - 1.0, _quads(inside, index)


def evened(points: Array, quads: Array, passes: int, reach: float = 0.6) -> Array:
    """Vertices [V,3] of closed quads [Q,4] after Taubin smoothing, which takes the grid's terraces away; each moves by `reach` at most."""
    links = topology.adjacency(quads.ravel(), np.roll(quads, -1, axis=1).ravel(), len(points))
    count = np.asarray(links.sum(axis=1))
    off = taubin(points, lambda places: links @ places / count, passes) - points
    return points + off * np.minimum(1.0, reach / np.maximum(np.linalg.norm(off, axis=1), 1e-12))[:, None]


def _well_composed(inside: Array) -> Array:
    """Well-composed samples: filled until no two inside ones touch only along an edge or at a corner, where quads would be non-manifold."""
    inside = inside.copy()
    while True:
        added = False
        for a, b in ((0, 1), (0, 2), (1, 2)):
            lower, upper = _shifted(a, b, 0, 0), _shifted(a, b, 1, 1)
            left, right = _shifted(a, b, 0, 1), _shifted(a, b, 1, 0)
            diagonal = inside[lower] & inside[upper] & ~inside[left] & ~inside[right]
            other = inside[left] & inside[right] & ~inside[lower] & ~inside[upper]
            inside[left] |= diagonal
            inside[lower] |= other
            added |= bool(diagonal.any() or other.any())
        for sy in (0, 1):
            for sz in (0, 1):
                # Two samples alone at opposite corners of a cube, inside or outside.
                near, far = (np.s_[0:-1], np.s_[1:]), (np.s_[1:], np.s_[0:-1])
                first = (np.s_[0:-1], near[sy], near[sz])
                second = (np.s_[1:], far[sy], far[sz])
                count = _per_cube(inside)
                alone = inside[first] & inside[second] & (count == 2)
                pierced = ~inside[first] & ~inside[second] & (count == 6)
                inside[np.s_[1:], near[sy], near[sz]] |= alone
                inside[first] |= pierced
                added |= bool(alone.any() or pierced.any())
        if not added:
            return inside


def _shifted(a: int, b: int, at_a: int, at_b: int) -> tuple[slice, ...]:
    where = [slice(None)] * 3
    where[a], where[b] = (slice(1, None) if at else slice(0, -1) for at in (at_a, at_b))
    return tuple(where)


def _per_cube(inside: Array) -> Array:
    count = inside.astype(np.uint8)
    for axis in range(3):
        count = np.take(count, range(1, count.shape[axis]), axis) + np.take(count, range(count.shape[axis] - 1), axis)
    return count


def _cell_points(field: Array, inside: Array, place: Array, corners: Array) -> Array:
    """The mean of the zero crossings of the cell's twelve edges."""
    total, count = np.zeros((len(place), 3)), np.zeros(len(place))
    for i, first in enumerate(corners):
        for second in corners[i + 1 :]:
            if (axis := second - first).sum() != 1 or axis.min() < 0:
                continue
            a, b = tuple((place + first).T), tuple((place + second).T)
            crossing = inside[a] != inside[b]
            t = np.clip(field[a] / np.where(field[a] == field[b], 1.0, field[a] - field[b]), 0.02, 0.98)
            total += np.where(crossing[:, None], first + t[:, None] * axis, 0.0)
            count += crossing
    return place + total / count[:, None]


def _quads(inside: Array, index: Array) -> Array:
    quads = []
    for axis in range(3):
        b, c = (axis + 1) % 3, (axis + 2) % 3
        lower, upper = [slice(1, -1)] * 3, [slice(1, -1)] * 3
        lower[axis], upper[axis] = slice(0, -1), slice(1, None)
        here, there = inside[tuple(lower)], inside[tuple(upper)]
        edges = np.argwhere(here != there)
        outward = here[tuple(edges.T)]  # inside below, outside above: the quad faces along the axis
        edges[:, [b, c]] += 1
        step_b, step_c = np.eye(3, dtype=int)[b], np.eye(3, dtype=int)[c]
        around = [edges - step_b - step_c, edges - step_c, edges, edges - step_b]
        ring = np.stack([index[tuple(cell.T)] for cell in around], axis=1)
        quads.append(np.where(outward[:, None], ring, ring[:, ::-1]))
    return np.concatenate(quads)
