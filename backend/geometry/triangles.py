"""Triangles one by one: areas, normals, volumes.

Corners [F,3,3] are the positions of the faces' three vertices; winding is counter-clockwise seen from outside.
"""

from __future__ import annotations

import numpy as np

from ..values import Array
from .vectors import scatter_add, unit


def corners_of(vertices: Array, faces: Array) -> Array:
    """Corners [F,3,3] float64 of faces [F,3] over vertices [V,3]."""
    return vertices[faces].astype(np.float64)


def cross(corners: Array) -> Array:
    """The cross product [F,3] of two edges of each triangle: its normal, as long as twice its area."""
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def areas(vertices: Array, faces: Array) -> Array:
    """Areas of the faces, [F] float64."""
    return 0.5 * np.linalg.norm(cross(corners_of(vertices, faces)), axis=1)


def normals(vertices: Array, faces: Array) -> Array:
    """Unit normals of the faces, [F,3] float64; zero for a face without area."""
    return unit(cross(corners_of(vertices, faces)))


def vertex_normals(vertices: Array, faces: Array) -> Array:
    """Unit vertex normals, means of the faces' weighted by area, [V,3] float32; zero where no face is."""
    return unit(at_vertices(cross(corners_of(vertices, faces)), faces, len(vertices))).astype(np.float32)


def at_vertices(values: Array, faces: Array, count: int) -> Array:
    """Sums [count,D] float64 at the vertices of values [F,D] of the faces around them."""
    return scatter_add(np.repeat(values, 3, axis=0), faces.ravel(), count)


def edge_lengths(corners: Array) -> Array:
    """Lengths of the edges, [F,3]: to each corner from the one before."""
    return np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)


def centers(vertices: Array, faces: Array) -> Array:
    """Centroids of the faces, [F,3] float64."""
    return vertices[faces].mean(axis=1, dtype=np.float64)


def cotangents(corners: Array) -> Array:
    """Cotangents [F,3] of the angles at the corners."""
    ahead, behind = np.roll(corners, -1, axis=1) - corners, np.roll(corners, 1, axis=1) - corners
    return np.einsum("fki,fki->fk", ahead, behind) / np.maximum(np.linalg.norm(cross(corners), axis=1), 1e-300)[:, None]


def degenerate(vertices: Array, faces: Array) -> Array:
    """Faces [F] bool that are lines or points, as far as positions of 32 bits can tell."""
    longest = edge_lengths(corners_of(vertices, faces)).max(axis=1)
    resolution = 2.0**-23 * float(np.abs(vertices).max(initial=0.0))
    return 2.0 * areas(vertices, faces) <= resolution * longest


def signed_volumes(corners: Array) -> Array:
    """Signed volumes [F] of the tetrahedra from the origin to each triangle; over a closed mesh they add up to its volume."""
    return np.einsum("fi,fi->f", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6.0


def volume(vertices: Array, faces: Array) -> float:
    """Signed volume of a closed mesh, positive where its faces look outwards."""
    return float(signed_volumes(corners_of(vertices, faces)).sum())


def signed_areas(flat: Array) -> Array:
    """Signed areas [F] of triangles in the plane [F,3,2], positive where they run counter-clockwise."""
    a, b = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
    return 0.5 * (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
