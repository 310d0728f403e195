"""Charts flattened as rigidly as possible, and cut where they would overlap themselves."""

from __future__ import annotations

import numpy as np

from .. import device
from ..geometry import topology, triangles
from ..geometry.vectors import scatter_add, unit
from ..values import Array

STEPS = 8  # local/global iterations
STIFFEST, SOFTEST = 10.0, 0.05  # cotangent weights are clipped to this range
FAINT = 1e-6  # weight that holds vertices where they are, by the mean of the matrix's diagonal: it fixes the translation of each chart
SMALLEST = 0.02  # area of a flattened face by its own, below which it goes to another chart
ATTEMPTS = 5  # at flattening what was cut off; faces that overlap still become charts of their own


def flatten(corners: Array, faces: Array, neighbors: Array, chart: Array, texel: float) -> tuple[Array, Array]:
    """Flattened faces [F,3,2], counter-clockwise and without overlaps inside a chart, and the charts [F] after cutting.

    `corners` [F,3,3] are positions in world units, `neighbors` [F,3] the faces across the edges, -1 for none. Overlaps below half
    a `texel`, in world units, don't count.
    """
    flat, heights = np.zeros((len(chart), 3, 2)), np.zeros(len(chart))
    areas = 0.5 * np.linalg.norm(triangles.cross(corners), axis=1)
    open_ = np.arange(len(chart))
    for _ in range(ATTEMPTS):
        flat[open_], heights[open_] = _parameterized(corners[open_], faces[open_], chart[open_])
        cut = np.zeros(len(chart), bool)
        cut[open_] = (triangles.signed_areas(flat[open_]) <= SMALLEST * areas[open_]) & (areas[open_] > 1e-12 * areas.sum())
        cut[_overlapping(flat, heights, areas, neighbors, chart, open_[~cut[open_]], texel)] = True
        if not cut.any():
            return flat, chart
        chart = _pieces(neighbors, np.where(cut, -1, chart))
        open_ = np.flatnonzero(cut)
    chart[open_] = chart.max() + 1 + np.arange(len(open_))
    flat[open_] = _projected(corners[open_], chart[open_])[0]
    return flat, chart


def _parameterized(corners: Array, faces: Array, chart: Array) -> tuple[Array, Array]:
    """Flattened faces [F,3,2] as rigid as possible, and their heights [F] along their chart's normal.

    Liu et al., "A local/global approach to mesh parameterization", 2008, from the projection along the mean normal on.
    """
    from scipy.sparse import coo_matrix, identity
    from scipy.sparse.linalg import splu

    flat, heights = _projected(corners, chart)
    keys = chart[:, None].astype(np.int64) * (int(faces.max()) + 1) + faces
    _, first, node = np.unique(keys, return_index=True, return_inverse=True)
    node, count = node.reshape(-1, 3), len(first)
    place = flat.reshape(-1, 2)[first] @ [1, 1j]
    shape, weights = _local_frames(corners)
    start, end = node.ravel(), node[:, [1, 2, 0]].ravel()
    rows, columns = np.concatenate([start, end, start, end]), np.concatenate([end, start, start, end])
    values = np.concatenate([np.repeat(sign, len(start)) * weights.ravel() for sign in (-1, -1, 1, 1)])
    matrix = coo_matrix((values, (rows, columns)), shape=(count, count)).tocsc()
    pull = FAINT * matrix.diagonal().mean()
    solver = splu(
        matrix + pull * identity(count, format="csc"), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )
    for _ in range(STEPS):
        edges = place[end] - place[start]
        turn = (weights * shape.conj() * edges.reshape(-1, 3)).sum(axis=1)
        turn /= np.maximum(np.abs(turn), 1e-300)
        wanted = (weights * turn[:, None] * shape).ravel()
        right = _summed(end, wanted, count) - _summed(start, wanted, count) + pull * place
        place = solver.solve(np.stack([right.real, right.imag], axis=1)) @ [1, 1j]
    return np.stack([place[node].real, place[node].imag], axis=-1), heights


def _projected(corners: Array, chart: Array) -> tuple[Array, Array]:
    """The faces projected along their chart's mean normal [F,3,2], and their heights along it [F]."""
    chart = np.unique(chart, return_inverse=True)[1].reshape(-1)
    n = scatter_add(triangles.cross(corners), chart, int(chart.max(initial=-1)) + 1)
    length = np.linalg.norm(n, axis=1, keepdims=True)
    n = np.where(length > 0, n / np.where(length > 0, length, 1.0), (0.0, 0.0, 1.0))
    u = unit(np.cross(np.eye(3)[np.argmin(np.abs(n), axis=1)], n))
    v = np.cross(n, u)
    flat = np.stack([np.einsum("fci,fi->fc", corners, u[chart]), np.einsum("fci,fi->fc", corners, v[chart])], axis=-1)
    return flat, np.einsum("fi,fi->f", corners.mean(axis=1), n[chart])


def _local_frames(corners: Array) -> tuple[Array, Array]:
    """The edges of each face in its own plane, as complex numbers [F,3], and the cotangents of the opposite angles [F,3]."""
    edges = np.roll(corners, -1, axis=1) - corners
    doubled = np.linalg.norm(triangles.cross(corners), axis=1)
    length = np.linalg.norm(edges[:, 0], axis=1)
    safe = np.where(length > 0, length, 1.0)
    # Corner 0 lies at 0, corner 1 on the real axis.
    third = (-np.einsum("fi,fi->f", edges[:, 2], edges[:, 0]) + 1j * doubled) / safe
    shape = np.stack([length + 0j, third - length, -third], axis=1)
    return shape, np.roll(triangles.cotangents(corners), 1, axis=1).clip(SOFTEST, STIFFEST)


def _overlapping(flat: Array, heights: Array, areas: Array, neighbors: Array, chart: Array, among: Array, texel: float) -> Array:
    """Faces to cut so that no two `among` [N] of one chart overlap: those of the smaller of two patches, or the lower of one."""
    from . import chart_kernels as kernels

    order = among[np.argsort(chart[among], kind="stable")]
    bounds = np.append(np.flatnonzero(np.diff(chart[order], prepend=-1)), len(order))
    flattened = flat[order]
    found: list[Array] = []

    def search(first: int, last: int) -> None:
        for c in range(first, last):
            if bounds[c + 1] - bounds[c] > 1:
                found.append(kernels.find_overlaps(flattened, bounds[c], bounds[c + 1], 0.5 * texel))

    device.split(search, len(bounds) - 1, parts=16)
    pairs = order[np.concatenate([np.zeros((0, 2), np.int64), *found])]
    involved = np.full(len(chart), -1)
    involved[pairs] = chart[pairs]
    patch = _pieces(neighbors, involved)
    size = np.bincount(patch, areas)[patch[pairs]]
    lower = np.where(patch[pairs[:, 0]] == patch[pairs[:, 1]], heights[pairs[:, 0]] < heights[pairs[:, 1]], size[:, 0] < size[:, 1])
    return np.where(lower, pairs[:, 0], pairs[:, 1])


def _pieces(neighbors: Array, label: Array) -> Array:
    """Connected components [F] of faces with the same label [F]."""
    face, side = np.nonzero((neighbors >= 0) & (label[neighbors] == label[:, None]))
    return np.unique(topology.connected(len(label), face, neighbors[face, side]), return_inverse=True)[1].reshape(-1)


def _summed(index: Array, values: Array, count: int) -> Array:
    return np.bincount(index, values.real, count) + 1j * np.bincount(index, values.imag, count)
