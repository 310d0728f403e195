"""Isosurfaces of sparse grids: one function for all polygonizations."""

from __future__ import annotations

from ..values import Mesh
from .dual import Field, dual_surface
from .grid import SparseGrid
from .marching import marching_cubes
from .tetrahedra import tetrahedra_surface

POLYGONS = {
    "cubes": "Triangles by marching cubes: fast, and as smooth as the samples",
    "tetrahedra": "Triangles by marching tetrahedra: about three times as many, without any ambiguity",
    "quads": "Even quads by dual marching cubes: good to edit and to smooth",
    "sharp": "Quads by dual contouring: vertices move onto sharp edges and corners",
}


def polygons_of(grid: SparseGrid, kind: str = "cubes", field: Field | None = None) -> Mesh:
    """The zero level of the grid, facing the positive side, closed and manifold wherever the grid is known.

    `kind` is one of POLYGONS. "sharp" takes positions and normals from `field` (points [P,3] in the world to distances [P]),
    where it is given, instead of from the samples. The mesh is empty where there is no surface.
    """
    if kind == "cubes":
        return Mesh(*marching_cubes(grid))
    if kind == "tetrahedra":
        return tetrahedra_surface(grid)
    return dual_surface(grid, sharp=kind == "sharp", field=field)
