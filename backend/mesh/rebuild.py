"""Volumetric remeshing: a watertight surface whatever the mesh's state, holes, crossings, inner shells or loose faces."""

from __future__ import annotations

import numpy as np

from .. import device
from ..geometry import triangles
from ..geometry.surface_nets import surface_nets
from ..geometry.tree import Tree, nearest, tree_of, winding_numbers
from ..jobs.job import Job
from ..values import Array, Mesh
from .transfer import transfer

BAND = 2.0  # cells: half width of the narrow band around the faces in which distances are exact
SLICE = 1 << 14  # points evaluated between two reports of progress
LEAST_CELLS = 16  # along the longest side, however short memory is
SAMPLE_BYTES = 24  # peak memory for each sample of the grid


def rebuild(mesh: Mesh, cells: int, *, job: Job) -> Mesh:
    """The level set of one half of the mesh's generalized winding number (Jacobson et al. 2013), as a closed mesh.

    It is sampled on a grid of `cells` along the longest side, with distances to the faces near them. UVs and colors are transferred
    from the nearest places. Where memory is short, the cells are larger, and a warning says so.
    """
    job.progress(0.0, "building the tree")
    tree = tree_of(mesh.vertices, mesh.faces)
    cell, shape = _grid(mesh, cells, job)
    origin = mesh.vertices.min(axis=0).astype(np.float64) - (BAND + 1) * cell
    job.progress(0.05, "marking the narrow band")
    near = _near_faces(mesh, origin, cell, shape)
    with job.span(0.8):
        field = _signed_distances(tree, near, origin, cell, job)
    job.progress(0.8, "extracting the surface")
    points, quads = surface_nets(field)
    if len(quads) == 0:
        job.warn("Nothing is inside the mesh, so its surface couldn't be built anew.")
        return mesh
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
    placed = points * cell + origin
    job.progress(0.85, f"placing {len(placed)} vertices")
    vertices = _projected(placed, triangles.vertex_normals(placed, faces), tree, cell)
    job.record_choice("mesh.rebuilt", f"on a grid of {' x '.join(str(size) for size in shape)} cells")
    job.progress(0.9, "taking over UVs and colors")
    return transfer(Mesh(vertices.astype(np.float32), faces), mesh)


def _grid(mesh: Mesh, cells: int, job: Job) -> tuple[float, Array]:
    """Edge of a cell in world units, and samples [3] along the axes: `cells` along the longest side, fewer where memory is short."""
    spans = np.ptp(mesh.vertices.astype(np.float64), axis=0)
    room = device.free_memory() // 2

    def shape(count: int) -> Array:
        return np.ceil(spans / (spans.max() / count)).astype(int) + 2 * int(BAND) + 3

    fitting = cells
    while fitting > LEAST_CELLS and np.prod(shape(fitting)) * SAMPLE_BYTES > room:
        fitting -= 1
    if fitting < cells:
        job.warn(f"The memory that is free is enough for {fitting} cells along the longest side instead of {cells}.")
    return float(spans.max()) / fitting, shape(fitting)


def _near_faces(mesh: Mesh, origin: Array, cell: float, shape: Array) -> Array:
    """Samples [X,Y,Z] bool within about `BAND` cells of a face."""
    from scipy.ndimage import binary_dilation

    at = np.zeros(shape, bool)
    corners = triangles.corners_of(mesh.vertices, mesh.faces)
    longest = triangles.edge_lengths(corners).max(axis=1)
    steps = np.ceil(longest / cell).astype(int) + 1
    for count in np.unique(np.minimum(1 << np.ceil(np.log2(steps)).astype(int), 1024)):
        chosen = corners[np.minimum(1 << np.ceil(np.log2(steps)).astype(int), 1024) == count]
        i, j = (axis.ravel() for axis in np.meshgrid(np.arange(count + 1), np.arange(count + 1), indexing="ij"))
        weights = np.stack([i, j, count - i - j], axis=1)[i + j <= count] / count
        for some in np.array_split(chosen, max(1, len(chosen) * len(weights) // (1 << 21))):
            points = np.einsum("wk,fki->fwi", weights, some).reshape(-1, 3)
            at[tuple(np.round((points - origin) / cell).astype(int).T)] = True
    return binary_dilation(at, np.ones((3, 3, 3), bool), iterations=int(BAND))


def _signed_distances(tree: Tree, near: Array, origin: Array, cell: float, job: Job) -> Array:
    """Signed distances in cells, positive inside: exact where `near`, clipped to BAND elsewhere.

    In gaps of the surface the winding number passes one half smoothly, and the distance with it.
    """
    with job.span(0.3):
        coarse = _windings(tree, near.shape, origin, cell, job)
    field = _twice_as_fine(coarse, near.shape)
    places = np.argwhere(near)
    for start in range(0, len(places), SLICE):
        job.progress(0.3 + 0.7 * start / len(places), f"measuring {len(places)} distances")
        some = places[start : start + SLICE]
        points = some * cell + origin
        distance = nearest(tree, points, reach=np.full(len(points), 2.0 * (BAND + 1) * cell)).distance / cell
        sure = 2.0 * BAND * (winding_numbers(tree, points) - 0.5)
        field[tuple(some.T)] = np.clip(sure, -distance, distance)
    return field


def _windings(tree: Tree, shape: tuple[int, ...], origin: Array, cell: float, job: Job) -> Array:
    """Winding numbers of every second sample, minus one half, scaled to BAND; they vary slowly where no face is near."""
    coarse = np.stack(np.meshgrid(*(np.arange(0, size + 1, 2) for size in shape), indexing="ij"), axis=-1)
    points, out = coarse.reshape(-1, 3), np.empty(coarse.shape[:3], np.float32)
    flat = out.reshape(-1)
    for start in range(0, len(points), SLICE):
        job.progress(start / len(points), f"winding numbers of {len(points)} samples")
        flat[start : start + SLICE] = winding_numbers(tree, points[start : start + SLICE] * cell + origin)
    return np.clip(2.0 * BAND * (out - 0.5), -BAND, BAND)


def _twice_as_fine(field: Array, shape: tuple[int, ...]) -> Array:
    """Samples between those of `field`, by linear interpolation."""
    for axis in range(3):
        field = np.moveaxis(field, axis, 0)
        finer = np.empty((2 * len(field) - 1, *field.shape[1:]), np.float32)
        finer[::2] = field
        np.add(field[:-1], field[1:], out=finer[1::2])
        finer[1::2] *= 0.5
        field = np.moveaxis(finer[: shape[axis]], 0, axis)
    return np.ascontiguousarray(field)


def _projected(points: Array, normals: Array, tree: Tree, cell: float) -> Array:
    """Vertices projected onto faces nearer than a third of a cell that face the same way."""
    found = nearest(tree, points, facing=normals, reach=np.full(len(points), cell / 3))
    onto = np.einsum("nk,nki->ni", found.weights, tree.world(found.face))
    return np.where((found.face >= 0)[:, None], onto, points)
