"""Stiffness and mass matrices of flat polygon meshes, independent of diagonals.

A polygon is a fan of triangles around a virtual vertex at its centroid, whose value is the mean of the corners' (Bunge, Herholz,
Kazhdan and Botsch, "Polygon Laplacian made simple", 2020, section 3). Mirrored meshes get mirrored matrices.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..values import Array


def assemble(xy: Array, polygons: Array, counts: Array) -> tuple[Any, Array]:
    """Stiffness matrix [V,V], sparse and positive semidefinite, and vertex areas [V] of polygons [L,K] padded with -1."""
    from scipy.sparse import coo_matrix

    rows, columns, entries, areas = [], [], [], np.zeros(len(xy))
    for count in np.unique(counts):
        corners = polygons[counts == count][:, :count]
        stiffness, area = _of_fans(xy[corners])
        rows.append(np.repeat(corners, count, axis=1).ravel())
        columns.append(np.tile(corners, (1, count)).ravel())
        entries.append(stiffness.ravel())
        np.add.at(areas, corners, area)
    size = len(xy)
    matrix = coo_matrix((np.concatenate(entries), (np.concatenate(rows), np.concatenate(columns))), shape=(size, size))
    return matrix.tocsr(), areas


def poisson(xy: Array, polygons: Array, counts: Array, fixed: Array, source: float, screening: Array | float = 0.0) -> Array:
    """Solve -laplace(u) + screening * u = source with u = 0 at the vertices `fixed` [V] bool; returns u [V]."""
    from scipy.sparse import diags
    from scipy.sparse.linalg import spsolve

    stiffness, areas = assemble(xy, polygons, counts)
    free = np.nonzero(~fixed)[0]
    solution = np.zeros(len(xy))
    if len(free):
        matrix = (stiffness + diags(areas * screening))[free][:, free]
        solution[free] = spsolve(matrix.tocsc(), source * areas[free], permc_spec="MMD_AT_PLUS_A")
    return solution


def _of_fans(points: Array) -> tuple[Array, Array]:
    """Stiffness matrices [n,k,k] and corner areas [n,k] of n polygons of k corners."""
    n, k, _ = points.shape
    center = points.mean(axis=1, keepdims=True)
    a, b = points - center, np.roll(points, -1, axis=1) - center
    double_area = np.maximum(np.abs(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]), 1e-12)
    ab, aa, bb = (a * b).sum(-1), (a * a).sum(-1), (b * b).sum(-1)
    # Half the cotangents of the fan's triangle (a, b, center), at the corner opposite to each edge.
    at_center, at_a, at_b = 0.5 * ab / double_area, 0.5 * (aa - ab) / double_area, 0.5 * (bb - ab) / double_area
    here, following = np.arange(k), (np.arange(k) + 1) % k
    full = np.zeros((n, k + 1, k + 1))
    for i, j, weight in ((here, following, at_center), (following, k, at_a), (here, k, at_b)):
        full[:, i, j] -= weight if np.ndim(j) else 0.0
        if np.ndim(j):
            full[:, j, i] -= weight
        else:
            full[:, i, k] -= weight
            full[:, k, i] -= weight
    full[:, np.arange(k + 1), np.arange(k + 1)] = 0.0
    full[:, np.arange(k + 1), np.arange(k + 1)] = -full.sum(axis=2)
    spread = np.vstack([np.eye(k), np.full((1, k), 1.0 / k)])  # corners and center from corners
    stiffness = np.einsum("ip,nij,jq->npq", spread, full, spread, optimize=True)
    third = double_area / 6.0
    corner = third + np.roll(third, 1, axis=1) + third.sum(axis=1, keepdims=True) / k
    return stiffness, corner
