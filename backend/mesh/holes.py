"""Hole filling: patches with the density and curvature of their surroundings (Liepa, "Filling holes in meshes", 2003)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import device
from ..geometry import topology, triangles
from ..values import Array

LONGEST = 600  # vertices of a loop that is triangulated at once; time grows with the cube
MOST_NEW = 4000  # new vertices of one patch
SHORTEST = 8  # vertices of a loop from which on its patch gets new vertices


@dataclass(frozen=True, eq=False)
class Patched:
    """A mesh with its holes closed: the old vertices and faces first, then the patches'."""

    vertices: Array  # [V',3] float32
    faces: Array  # [F',3] int32
    rim: Array  # [V'-V] for each new vertex an old one on the rim near it
    count: int  # holes that were closed


def fill_holes(vertices: Array, faces: Array, longest_rim: float, round_rim: float) -> Patched:
    """Close every hole with a boundary length of at most `longest_rim` world units; the mesh must be manifold.

    A patch is the triangulation of least area (Barequet and Sharir, 1995), refined to the density of its rim and faired: up to a
    boundary length of `round_rim` with continuous curvature (bi-Laplacian), beyond as a membrane (Laplacian). Patches have no edges
    within and no triangles between places that have such already: an edge would have more than two faces, a triangle would be double.
    """
    loops = topology.boundary_loops(faces, topology.pair_half_edges(vertices, faces))
    lengths = [_length(vertices[loop]) for loop in loops]
    chosen = [(loop, length <= round_rim) for loop, length in zip(loops, lengths, strict=True) if length <= longest_rim]
    points, made = [vertices.astype(np.float64)], [faces.astype(np.int32)]
    rims, rounded, count = [np.zeros(0, np.int64)], np.zeros(len(vertices), bool), len(vertices)
    place = topology.first_of_equal(vertices)[1]
    there = _simplices_among(place[np.concatenate([loop for loop, _ in chosen])], place[faces]) if chosen else set()
    for loop, is_round in chosen:
        rim = vertices[loop].astype(np.float64)
        inner, patch = _apart(there, place[loop], rim, *_patch(rim, place[loop], there))
        numbers = np.concatenate([loop, count + np.arange(len(inner))])
        made.append(numbers[patch].astype(np.int32))
        points.append(inner)
        rims.append(_nearest_on_rim(inner, vertices[loop], loop))
        rounded[loop] |= is_round
        count += len(inner)
    placed, filled = np.concatenate(points), np.concatenate(made)
    if count > len(vertices):
        placed = _relaxed(placed, filled, len(vertices), rounded)
    return Patched(placed.astype(vertices.dtype), filled, np.concatenate(rims), len(chosen))


def _length(rim: Array) -> float:
    """Boundary length without raggedness: circumference of the circle of the rim's root mean square radius."""
    edge, middle = np.linalg.norm(np.roll(rim, -1, axis=0) - rim, axis=1), (np.roll(rim, -1, axis=0) + rim) / 2
    total = max(float(edge.sum()), 1e-30)
    return float(2 * np.pi * np.sqrt(edge @ np.sum((middle - edge @ middle / total) ** 2, axis=1) / total))


def _simplices_among(places: Array, faces: Array) -> set[tuple[int, ...]]:
    """Edges and triangles whose corners are all some of the places, lower numbers first."""
    chosen = np.zeros(faces.max() + 1, bool)
    chosen[places] = True
    found: set[tuple[int, ...]] = set()
    for simplices in (_edges(faces), faces):
        found.update(map(tuple, np.sort(simplices[chosen[simplices].all(axis=1)], axis=1).tolist()))
    return found


def _joined_within(there: set[tuple[int, ...]], place: Array) -> Array:
    """Which of N places an edge joins already, [N,N] bool."""
    low, high = np.minimum.outer(place, place).ravel().tolist(), np.maximum.outer(place, place).ravel().tolist()
    return np.array([pair in there for pair in zip(low, high, strict=True)]).reshape(len(place), len(place))


def _patch(rim: Array, place: Array, there: set[tuple[int, ...]]) -> tuple[Array, Array]:
    """New vertices [M,3], and triangles over the rim's vertices and these, wound against the rim."""
    if len(rim) == 3:
        return np.zeros((0, 3)), np.array([[2, 1, 0]])
    device.prepare_numba()
    from . import hole_kernels as kernels

    made = _least_area(rim, place, there)[:, ::-1]
    if len(rim) < SHORTEST:
        return np.zeros((0, 3)), made
    edges = np.linalg.norm(np.roll(rim, -1, axis=0) - rim, axis=1)
    density = 0.5 * (edges + np.roll(edges, 1))
    area = triangles.areas(rim, made).sum()
    density = np.maximum(density, np.sqrt(2.0 * area / MOST_NEW))
    points, refined = kernels.refine(rim, np.ascontiguousarray(made), density, MOST_NEW)
    return points[len(rim) :], refined


def _apart(there: set[tuple[int, ...]], place: Array, rim: Array, inner: Array, patch: Array) -> tuple[Array, Array]:
    """The patch with a new vertex in the middle of each inner edge and each triangle that is `there` already, between the same places.

    `place` [N] is where the rim's vertices are, by number; the patch's other edges and triangles between them are added to `there`.
    """
    count = len(rim)
    edges, uses = np.unique(np.sort(_edges(patch), axis=1), axis=0, return_counts=True)
    for simplex in [*edges[uses == 2].tolist(), *patch.tolist()]:
        if max(simplex) >= count:
            continue
        key = tuple(sorted(place[simplex].tolist()))
        if key not in there:
            there.add(key)
            continue
        around = np.isin(patch, simplex).sum(axis=1) == len(simplex)
        if not around.any():  # a triangle beside an edge that has a vertex in its middle by now
            continue
        middle = count + len(inner)
        inner = np.concatenate([inner, rim[simplex].mean(axis=0, keepdims=True)])
        halves = [np.where(patch[around] == corner, middle, patch[around]) for corner in simplex]
        patch = np.concatenate([patch[~around], *halves])
    return inner, patch


def _edges(faces: Array) -> Array:
    """Both ends [3F,2] of every half-edge."""
    return np.stack([faces, np.roll(faces, -1, axis=1)], axis=2).reshape(-1, 2)


def _least_area(rim: Array, place: Array, there: set[tuple[int, ...]]) -> Array:
    """Triangulation of least area of a loop, wound as it is; for loops longer than LONGEST over every few vertices first."""
    from . import hole_kernels as kernels

    def triangulated(some: Array) -> Array:
        return some[kernels.least_area(np.ascontiguousarray(rim[some]), _joined_within(there, place[some]))]

    if len(rim) <= LONGEST:
        return triangulated(np.arange(len(rim)))
    coarse = np.arange(0, len(rim), -(-len(rim) // LONGEST))
    made = [triangulated(coarse)]
    for first, last in zip(coarse, np.append(coarse[1:], len(rim)), strict=True):
        chain = np.arange(first, last + 1) % len(rim)
        if len(chain) > 2:
            made.append(triangulated(chain))
    return np.concatenate(made)


def _nearest_on_rim(points: Array, rim: Array, loop: Array) -> Array:
    from scipy.spatial import cKDTree

    return loop[cKDTree(rim).query(points)[1]] if len(points) else np.zeros(0, np.int64)


def _relaxed(points: Array, faces: Array, fixed: int, rounded: Array) -> Array:
    """Points [V,3] with those from `fixed` on faired: least squares of the Laplacian at them and at the `rounded` rim vertices.

    With the rim's included the patch continues the curvature around it, else it is a membrane.
    """
    from scipy.sparse.linalg import spsolve

    laplacian = _laplacian(points, faces)
    rows = laplacian[np.concatenate([np.flatnonzero(rounded), np.arange(fixed, len(points))])]
    free = rows[:, fixed:]
    pull = rows[:, :fixed] @ points[:fixed]
    solved = spsolve((free.T @ free).tocsc(), -(free.T @ pull))
    placed = points.copy()
    placed[fixed:] = solved.reshape(-1, 3)
    return placed if np.isfinite(placed).all() else points


def _laplacian(points: Array, faces: Array):
    """Sparse [V,V] cotangent Laplacian, each row over the square root of its vertex's area (Pinkall and Polthier, 1993)."""
    from scipy.sparse import coo_matrix, diags

    count = len(points)
    corners = points[faces]
    # Clipped: slivers would outweigh all others, and obtuse angles have negative weights.
    cotangents = triangles.cotangents(corners).clip(0.01, 100.0)
    start, end = np.roll(faces, -1, axis=1).ravel(), np.roll(faces, -2, axis=1).ravel()
    weights = coo_matrix((np.tile(cotangents.ravel(), 2), (np.r_[start, end], np.r_[end, start])), shape=(count, count)).tocsr()
    around = np.bincount(faces.ravel(), np.repeat(triangles.areas(points, faces) / 3.0, 3), count)
    mean = float(around[around > 0].mean()) if (around > 0).any() else 1.0
    scale = diags(1.0 / np.sqrt(np.maximum(around, 1e-6 * mean) / mean))
    return scale @ (diags(np.asarray(weights.sum(axis=1)).ravel()) - weights)
