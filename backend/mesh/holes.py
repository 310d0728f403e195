"""Triangles that close the boundary loops of a mesh."""

from __future__ import annotations

import numpy as np

from .. import device
from ..values import Array
from . import topology

LONGEST = 600  # vertices in a loop that gets the triangulation of least area, whose time grows with the cube


def fill_holes(vertices: Array, faces: Array, longest_rim: float) -> tuple[Array, Array, int]:
    """Vertices [V',3], faces [F',3] with every hole closed whose rim is at most `longest_rim` long, and how many were closed.

    The triangulation is the one of least area (Barequet and Sharir, 1995). Rims of over 600 vertices get a fan around their
    centre, the only new vertices. The mesh must have one fan of faces a vertex.
    """
    loops = topology.boundary_loops(faces, topology.pair_half_edges(vertices, faces))
    chosen = [loop for loop in loops if _length(vertices[loop]) <= longest_rim]
    made: list[Array] = [faces]
    centers: list[Array] = []
    for loop in chosen:
        if len(loop) <= LONGEST:
            made.append(loop[_least_area(vertices[loop])][:, ::-1])
        else:
            center = len(vertices) + len(centers)
            made.append(np.stack([np.roll(loop, -1), loop, np.full(len(loop), center)], axis=1))
            centers.append(vertices[loop].mean(axis=0))
    filled = np.concatenate(made).astype(np.int32)
    return np.concatenate([vertices, np.array(centers, vertices.dtype).reshape(-1, 3)]), filled, len(chosen)


def _length(rim: Array) -> float:
    return float(np.linalg.norm(np.roll(rim, -1, axis=0) - rim, axis=1).sum())


def _least_area(rim: Array) -> Array:
    if len(rim) == 3:
        return np.array([[0, 1, 2]])
    device.prepare_numba()
    from . import hole_kernels as kernels

    return kernels.least_area(np.ascontiguousarray(rim, np.float64))
