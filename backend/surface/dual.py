"""Dual contouring: a vertex for each sheet of the surface in a cell, a quad across each crossed edge.

Sheets are the loops of marching cubes, so that two in one cell don't touch (dual marching cubes; Nielson, 2004). Where an ambiguous
face would join one sheet of either cell at all four edges, it is resolved the other way, after which no edge has more than two quads
(Wenger, "Isosurfaces", 2013, section 5.5). Vertices stand at the mean of the sheet's edge crossings, or at the minimum of the
quadratic error to the tangent planes there (Ju, Losasso, Schaefer and Warren, "Dual contouring of Hermite data", 2002), which keeps
sharp edges and corners.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .. import device
from ..geometry.vectors import scatter_add, unit
from ..values import Array, Mesh
from .cells import Cells, crossed_cells, places, shares
from .grid import SparseGrid
from .marching import EDGES, FACES, edge_number, loops

EDGE_CORNER, EDGE_AXIS = (np.array(column) for column in zip(*EDGES, strict=True))
FLATTEST = 0.1  # singular value, by the largest, below which a sheet counts as flat in that direction
BISECTIONS = 10  # of an edge for its crossing: 1/1024 of a voxel

Field = Callable[[Array], Array]


def dual_surface(grid: SparseGrid, sharp: bool, field: Field | None = None) -> Mesh:
    """Quads facing the positive side, closed and manifold wherever the grid is known.

    `sharp` puts vertices where tangent planes meet. These are exact with a `field` (points [P,3] in the world to values [P]);
    without one they come from differences between the grid's samples, which round edges off over a voxel.
    """
    cells = crossed_cells(grid)
    if len(cells.pattern) == 0:
        return Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32))
    passing = passings(cells)
    crossing, normals = _crossings(grid, passing.keys, field, sharp)
    lowest = places(grid, cells.corners[:, 0])
    at_edge = passing.edge
    positions = _placed(crossing[at_edge], None if normals is None else normals[at_edge], passing.vertex, lowest[passing.owner])
    ring = rings(grid, passing)
    used, ring = np.unique(ring, return_inverse=True)
    ring = ring.reshape(-1, 4)
    vertices = (grid.origin + grid.voxel * positions)[used].astype(np.float32)
    return Mesh(vertices, _split(vertices, ring), quads=len(ring))


@dataclass(frozen=True, eq=False)
class Passings:
    """Each time that a sheet of a cell passes one of its edges: P passings by V sheets over E edges."""

    cell: Array  # [P] int64
    number: Array  # [P] int64, of the edge in EDGES
    vertex: Array  # [P] int64, of the sheet
    edge: Array  # [P] int64, of `keys`
    keys: Array  # [E] int64, ascending

    @property
    def owner(self) -> Array:
        """Each sheet's cell [V]."""
        owner = np.zeros(int(self.vertex.max()) + 1, np.int64)
        owner[self.vertex] = self.cell
        return owner


def passings(cells: Cells) -> Passings:
    """All of them, of cells of which there is one at least."""
    sheets = _sheets(cells)
    first = np.cumsum(sheets.max(axis=1) + 1) - (sheets.max(axis=1) + 1)
    cell, number = np.nonzero(sheets >= 0)
    start = cells.corners[cell, EDGE_CORNER[number]]
    keys, edge = np.unique(3 * start + EDGE_AXIS[number], return_inverse=True)
    return Passings(cell, number, first[cell] + sheets[cell, number], edge, keys)


def _sheets(cells: Cells) -> Array:
    """The sheet [M,12] that passes each crossed edge of each cell, counted from 0; -1 for edges that aren't crossed."""
    flipped = np.zeros(len(cells.pattern), np.uint8)
    first, second, face_a, face_b = _ambiguous_pairs(cells)
    sheets = _labels(cells.pattern, flipped)
    while len(first):
        twice = _one_sheet(sheets, first, face_a) & _one_sheet(sheets, second, face_b)
        if not twice.any():
            break
        np.bitwise_or.at(flipped, first[twice], (1 << face_a[twice]).astype(np.uint8))
        np.bitwise_or.at(flipped, second[twice], (1 << face_b[twice]).astype(np.uint8))
        changed = np.unique(np.concatenate([first[twice], second[twice]]))
        sheets[changed] = _labels(cells.pattern[changed], flipped[changed])
        first, second, face_a, face_b = first[~twice], second[~twice], face_a[~twice], face_b[~twice]
    return sheets


def _ambiguous_pairs(cells: Cells) -> tuple[Array, Array, Array, Array]:
    """Cells on either side of each face with two opposite corners inside, and that face's number in each."""
    owners, faces, keys = [], [], []
    for number, face in enumerate(FACES):
        inside = [(cells.pattern >> corner & 1).astype(bool) for corner in face]
        owner = np.flatnonzero((inside[0] == inside[2]) & (inside[1] == inside[3]) & (inside[0] != inside[1]))
        axis = (face[0] ^ face[2] ^ 7).bit_length() - 1
        owners.append(owner)
        faces.append(np.full(len(owner), number))
        keys.append(3 * cells.corners[owner, min(face)] + axis)
    owner, number, key = np.concatenate(owners), np.concatenate(faces), np.concatenate(keys)
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero(key[order][1:] == key[order][:-1])
    a, b = order[same], order[same + 1]
    return owner[a], owner[b], number[a], number[b]


def _one_sheet(sheets: Array, cell: Array, face: Array) -> Array:
    """Whether all four edges of a cell's face belong to one sheet."""
    around = sheets[cell[:, None], FACE_EDGES[face]]
    return (around == around[:, :1]).all(axis=1)


FACE_EDGES = np.array([[edge_number(face[i], face[(i + 1) % 4]) for i in range(4)] for face in FACES])


def _labels(pattern: Array, flipped: Array) -> Array:
    kinds, which = np.unique(pattern.astype(np.int64) << 6 | flipped, return_inverse=True)
    return np.stack([_sheets_of(int(kind >> 6), int(kind & 63)) for kind in kinds])[which]


@functools.cache
def _sheets_of(pattern: int, flipped: int) -> Array:
    label = np.full(len(EDGES), -1, np.int8)
    for number, loop in enumerate(loops(pattern, flipped)):
        label[loop] = number
    return label


def _crossings(grid: SparseGrid, keys: Array, field: Field | None, sharp: bool) -> tuple[Array, Array | None]:
    """Where edges are crossed [E,3] in voxels, and the unit normals there [E,3] where they are asked for."""
    start, axis = keys // 3, keys % 3
    low = places(grid, start)
    end = _next(grid, low, axis)
    share = shares(grid, start, end)
    along = np.eye(3)[axis]
    if not sharp:
        return low + share[:, None] * along, None
    if field is None:
        device.prepare_numba()
        from . import cell_kernels as kernels

        slope = np.empty((2, len(keys), 3), np.float32)
        for out, corners in zip(slope, (start, end), strict=True):
            kernels.slopes(corners, grid.blocks, grid.slot, grid.distance, grid.weight, out)
        return low + share[:, None] * along, unit(slope[0] * (1 - share[:, None]) + slope[1] * share[:, None])

    def at(points: Array) -> Array:
        return field(grid.origin + grid.voxel * points)

    left, right = np.zeros(len(keys)), np.ones(len(keys))
    rising = grid.distance.reshape(-1)[start] < 0
    for _ in range(BISECTIONS):
        middle = (left + right) / 2
        before = (at(low + middle[:, None] * along) < 0) == rising
        left, right = np.where(before, middle, left), np.where(before, right, middle)
    crossing = low + ((left + right) / 2)[:, None] * along
    step = 1e-3 * np.eye(3)
    return crossing, unit(np.stack([at(crossing + d) - at(crossing - d) for d in step], axis=1))


def _next(grid: SparseGrid, low: Array, axis: Array) -> Array:
    """Keys of the corners one voxel further along an axis."""
    place = low.astype(np.int64) + np.eye(3, dtype=np.int64)[axis]
    block, local = place // 8, place % 8
    return grid.slot[tuple(block.T)].astype(np.int64) * 512 + (local[:, 0] * 8 + local[:, 1]) * 8 + local[:, 2]


def _placed(crossing: Array, normals: Array | None, vertex: Array, lowest: Array) -> Array:
    """Vertices [V,3] in voxels, each within its cell."""
    count = len(lowest)
    shares_of = np.bincount(vertex, minlength=count)[:, None]
    middle = scatter_add(crossing, vertex, count) / shares_of
    if normals is None:
        return middle
    off = np.einsum("ei,ei->e", normals, crossing - middle[vertex])
    squares = scatter_add(np.einsum("ei,ej->eij", normals, normals).reshape(-1, 9), vertex, count).reshape(-1, 3, 3)
    right = scatter_add(normals * off[:, None], vertex, count)
    values, axes = np.linalg.eigh(squares)
    keep = values > FLATTEST**2 * values[:, 2:]
    inverse = np.where(keep, 1.0 / np.where(keep, values, 1.0), 0.0)
    solved = middle + np.einsum("vij,vj->vi", axes, inverse * np.einsum("vij,vi->vj", axes, right))
    return np.clip(solved, lowest, lowest + 1.0)


def rings(grid: SparseGrid, passing: Passings) -> Array:
    """The four sheets [Q,4] around each edge that has cells on all sides, counter-clockwise from the positive side."""
    # The cell below in both other axes comes first, then counter-clockwise as seen from the axis's end.
    axis, corner = EDGE_AXIS[passing.number], EDGE_CORNER[passing.number]
    above_b, above_c = corner >> (axis + 1) % 3 & 1, corner >> (axis + 2) % 3 & 1
    rank = np.where(above_c == 1, 1 - above_b, 2 + above_b)
    ring = np.full((len(passing.keys), 4), -1, np.int64)
    ring[passing.edge, rank] = passing.vertex
    outward = grid.distance.reshape(-1)[passing.keys // 3] < 0
    ring = np.where(outward[:, None], ring, ring[:, ::-1])
    return ring[(ring >= 0).all(axis=1)]


def _split(vertices: Array, ring: Array) -> Array:
    """Two triangles for each quad, along its shorter diagonal."""
    first, second = (np.linalg.norm(vertices[ring[:, a]] - vertices[ring[:, b]], axis=1) for a, b in ((0, 2), (1, 3)))
    ring = np.where((second < first)[:, None], np.roll(ring, -1, axis=1), ring)
    return ring[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3).astype(np.int32)
