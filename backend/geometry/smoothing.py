"""Taubin smoothing: noise goes, volume stays (Taubin, "A signal processing approach to fair surface design", 1995)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..values import Array
from . import topology

SHRINK, GROW = 0.5, -0.53  # lambda and mu: shares of the way to the neighbors' mean, there and back


def taubin(points: Array, neighbor_means: Callable[[Array], Array], passes: int) -> Array:
    """Points [V,D] float64 after `passes` of a step towards `neighbor_means(points)` [V,D] and a slightly longer one away from it."""
    for step in (SHRINK, GROW) * passes:
        points = points + step * (neighbor_means(points) - points)
    return points


def vertex_means(vertices: Array, faces: Array) -> Callable[[Array], Array]:
    """The mean of each vertex's neighbors over the mesh's edges, as a function of positions [V,3].

    Vertices on a boundary have only those along it; a vertex without any is its own.
    """
    from scipy.sparse import coo_matrix, diags

    start = faces.ravel()
    end = start[topology.next_corner(np.arange(len(start)))]
    free = topology.boundary_half_edges(faces, topology.pair_half_edges(vertices, faces))
    on_rim = np.zeros(len(vertices), bool)
    on_rim[start[free]] = on_rim[end[free]] = True
    along = np.zeros(len(start), bool)
    along[free] = True
    a, b = np.concatenate([start, end]), np.concatenate([end, start])
    keep = ~on_rim[a] | np.concatenate([along, along])
    matrix = coo_matrix((np.ones(int(keep.sum())), (a[keep], b[keep])), shape=(len(vertices),) * 2).tocsr()
    matrix.data[:] = 1.0
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    weights = diags(1.0 / np.maximum(sums, 1.0)) @ matrix + diags((sums == 0).astype(float))
    return lambda points: weights @ points
