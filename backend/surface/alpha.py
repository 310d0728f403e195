"""Solid alpha shapes: the tetrahedra of a Delaunay triangulation that a ball from outside can't enter.

After Edelsbrunner and Muecke, "Three-dimensional alpha shapes" (1994), with all that the ball can't reach counted as solid: points on
a surface give a body, not a shell. Needs no normals. Vertices are the points, or cell means where there are more than MOST_POINTS.
"""

from __future__ import annotations

import numpy as np

from ..errors import ReifyError
from ..geometry import topology
from ..jobs.job import Job
from ..values import Array, Mesh
from .cloud import Cloud, subsampled

MOST_POINTS = 200_000  # triangulated; more are averaged in cells first
OPPOSITE = np.array([[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]])  # the face across from each corner, seen counter-clockwise
LADDER = (2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)  # radii of the ball that are tried, in point spacings
COVERED = 0.999  # least share of the points that are vertices of the shape
LEAK = 0.85  # least ratio of the solid's volumes at a radius and at twice that; where it is less, the smaller ball got inside


def alpha_shape(cloud: Cloud, radius: float = 0.0, *, job: Job) -> Mesh:
    """Closed triangles between the points; edges where solids touch have more than two faces. `radius` 0 finds the ball's radius.

    Raises ReifyError where all points lie in a plane, or nothing solid is left.
    """
    from scipy.spatial import Delaunay, QhullError

    points = subsampled(cloud, MOST_POINTS)
    if len(points) < len(cloud):
        job.record_choice("alpha.points", f"{len(points)} means of {len(cloud)} points: more would take too long")
    job.progress(0.0, f"triangulating {len(points)} points")
    try:
        mesh = Delaunay(points.xyz)
    except QhullError as error:
        raise ReifyError("The points lie in a plane or on a line: there is no body between them.", "Choose another extraction.") from error
    corners = _oriented(points.xyz, mesh.simplices)
    neighbors = np.where(corners != mesh.simplices, mesh.neighbors[:, [1, 0, 2, 3]], mesh.neighbors)
    job.progress(0.6, "measuring faces")
    opening = _circumradius(points.xyz[corners[:, OPPOSITE]])
    if radius == 0:
        volumes = np.abs(_volumes(points.xyz, corners))
        with job.span(1.0):
            radius = points.spacing * _smallest_radius(corners, neighbors, opening / points.spacing, volumes, len(points), job)
        job.record_choice("alpha.radius", f"{radius:.3g}, the smallest that doesn't get inside")
    solid = _solid(neighbors, opening, radius)
    faces = _boundary(corners, neighbors, solid)
    if len(faces) == 0:
        raise ReifyError("The ball gets through everywhere: nothing solid is left.", "Choose a larger radius for the ball, or 0.")
    used, faces = np.unique(faces, return_inverse=True)
    colors = None if points.rgb is None else (points.rgb[used] / 255.0).astype(np.float32)
    return Mesh(points.xyz[used].astype(np.float32), faces.reshape(-1, 3).astype(np.int32), vertex_srgb=colors)


def _smallest_radius(corners: Array, neighbors: Array, opening: Array, volumes: Array, count: int, job: Job) -> float:
    """The first radius of LADDER at which the ball stays outside; it and `opening` [T,4] are in point spacings."""
    solids = []
    for number, radius in enumerate((*LADDER, 2 * LADDER[-1])):
        job.progress(number / (len(LADDER) + 1), "rolling the ball")
        solids.append(_solid(neighbors, opening, radius))
    sizes = [volumes[solid].sum() for solid in solids]
    for i, radius in enumerate(LADDER):
        twice = min((abs(r - 2 * radius), j) for j, r in enumerate((*LADDER, 2 * LADDER[-1])))[1]
        if len(np.unique(corners[solids[i]])) >= COVERED * count and sizes[i] >= LEAK * sizes[twice]:
            return radius
    return LADDER[-1]


def _solid(neighbors: Array, opening: Array, radius: float) -> Array:
    """Tetrahedra [T] bool that no ball of this radius reaches from outside through faces of a larger circumradius."""
    count = len(neighbors)
    tetrahedron, face = np.nonzero(opening > radius)
    beyond = neighbors[tetrahedron, face]
    part = topology.connected(count + 1, tetrahedron, np.where(beyond < 0, count, beyond))
    return part[:count] != part[count]


def _boundary(corners: Array, neighbors: Array, solid: Array) -> Array:
    beyond_solid = np.where(neighbors < 0, False, solid[neighbors])
    tetrahedron, face = np.nonzero(solid[:, None] & ~beyond_solid)
    return corners[tetrahedron[:, None], OPPOSITE[face]]


def _oriented(xyz: Array, simplices: Array) -> Array:
    """Tetrahedra [T,4] with positive volume: the last corner is on the positive side of the first three."""
    return np.where((_volumes(xyz, simplices) < 0)[:, None], simplices[:, [1, 0, 2, 3]], simplices)


def _volumes(xyz: Array, corners: Array) -> Array:
    a, b, c, d = (xyz[corners[:, k]] for k in range(4))
    return np.einsum("ti,ti->t", np.cross(b - a, c - a), d - a) / 6.0


def _circumradius(triangles: Array) -> Array:
    a, b, c = (np.linalg.norm(triangles[..., i, :] - triangles[..., (i + 1) % 3, :], axis=-1) for i in range(3))
    area = np.linalg.norm(np.cross(triangles[..., 1, :] - triangles[..., 0, :], triangles[..., 2, :] - triangles[..., 0, :]), axis=-1) / 2
    return a * b * c / np.maximum(4.0 * area, 1e-300)
