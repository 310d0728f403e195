"""The heat equation on a mesh, with uniform weights: smooth borders, and harmonic values for vertices that have none."""

from __future__ import annotations

import numpy as np

from ..values import Array
from . import topology

PULL = 1e-4  # weight of a pull to 0 by that of a neighbor: it decides on components where no value is known


def diffuse(vertices: Array, faces: Array, cold: Array, reach: float) -> Array:
    """Values [V], 0 at `cold` vertices and 1 elsewhere, after one implicit step of the heat equation over about `reach` world units."""
    graph, degree = _graph(faces, len(vertices))
    ends = np.repeat(np.arange(len(vertices)), np.diff(graph.indptr))
    squared = float(np.mean(np.sum((vertices[ends] - vertices[graph.indices]) ** 2, axis=1)))
    # One minus the mean over neighbors is a quarter of the squared edge length times the Laplacian.
    time = 4.0 * reach**2 / squared
    return _solved(graph * -time, (1.0 + time) * degree, degree * ~cold, (~cold).astype(float), 300)


def fill_harmonically(values: Array, known: Array, faces: Array) -> Array:
    """Values [V,D] with those that aren't `known` [V] bool filled harmonically from the known ones; near 0 on components without any."""
    free, out = np.flatnonzero(~known), np.where(known[:, None], values, 0.0)
    if len(free) == 0:
        return out
    graph, degree = _graph(faces, len(values))
    rows, diagonal = graph[free], np.maximum(degree[free], 1.0) + PULL
    inner, pull = rows[:, free], rows @ out
    for column in range(out.shape[1]):
        out[free, column] = _solved(-inner, diagonal, pull[:, column], np.zeros(len(free)), 500)
    return out


def _graph(faces: Array, count: int):
    """Sparse [V,V] with 1 for each edge, and the vertices' degrees [V]."""
    graph = topology.adjacency(faces.ravel(), faces[:, [1, 2, 0]].ravel(), count)
    return graph, np.asarray(graph.sum(axis=1)).ravel()


def _solved(off_diagonal, diagonal: Array, right: Array, start: Array, rounds: int) -> Array:
    from scipy.sparse import diags
    from scipy.sparse.linalg import cg

    return cg(off_diagonal + diags(diagonal), right, x0=start, rtol=1e-3, maxiter=rounds, M=diags(1.0 / diagonal))[0]
