"""Surfaces that networks have made: of fields, sampled coarsely everywhere and finely where the level is crossed, and of cubes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..errors import ReifyError
from ..jobs.job import Job
from ..networks.library.entry import Entry
from ..networks.points import DistanceReader, PointSettings
from ..networks.reconstruction import FieldReader, LearnedSettings
from ..networks.structured import cubes_of_latents
from ..values import Array, Mesh
from .extract import polygons_of
from .flexible import Cubes, flexible_surface
from .grid import BLOCK
from .sampling import Field, grid_of

COARSE = 4  # voxels between the samples that tell where the surface is
CHUNK = 1 << 17  # points at once


def mesh_of_planes(planes: Array, settings: LearnedSettings, size_m: float, *, job: Job) -> Mesh:
    """The colored surface of the field that TripoSR's planes [3,C,H,W] hold, `size_m` wide or high, on the floor, its front to -Y.

    Raises ReifyError where the field is empty, or the weights aren't there.
    """
    with job.span(0.1):
        reader = FieldReader(planes, job)
    with job.span(0.9):
        mesh = surface_of_field(reader.log_density, reader.level, reader.radius, settings.cells, job=job)
    job.progress(0.9, "coloring")
    colors = colored(mesh, reader.colors)
    return standing(Mesh(mesh.vertices @ reader.blender_from_model.T, mesh.faces, vertex_srgb=colors), size_m)


def mesh_of_points(points: Array, entry: Entry, settings: PointSettings, size_m: float, *, job: Job) -> Mesh:
    """The surface around Point-E's points [P,6], each vertex in the color of the nearest one, `size_m` wide or high, on the floor.

    `entry` is the model that made the points. Raises ReifyError where they surround nothing, or the weights aren't there.
    """
    from scipy.spatial import cKDTree

    with job.span(0.05):
        reader = DistanceReader(points, entry, job)
    cell = 2 * reader.radius / settings.cells
    with job.span(0.95):
        mesh = surface_of_field(reader.inside, 1.0, reader.radius, settings.cells, reach=COARSE * cell, job=job)
    nearest = cKDTree(points[:, :3]).query(mesh.vertices)[1]
    colors = (points[nearest, 3:] / 255).clip(0, 1).astype(np.float32)
    return standing(Mesh(mesh.vertices @ reader.blender_from_model.T, mesh.faces, vertex_srgb=colors), size_m)


def mesh_of_latents(places: Array, latents: Array, size_m: float, *, job: Job) -> Mesh:
    """The colored surface of TRELLIS's latents [N,C] at places [N,3], `size_m` wide or high, on the floor, its front to -Y.

    Raises ReifyError where nothing is solid, or the weights aren't there.
    """
    with job.span(0.7):
        cubes, said, _ = cubes_of_latents(places, latents, job=job)
    job.progress(0.7, "extracting the surface")
    mesh = flexible_surface(Cubes(cubes, **said))
    if not len(mesh.faces):
        raise ReifyError("The network sees no solid object in the picture.", "Choose a picture of one object, cut out whole.")
    return standing(mesh, size_m)  # the model was trained on objects in Blender's axes


def standing(mesh: Mesh, size_m: float) -> Mesh:
    """The mesh `size_m` wide or high, its feet in the origin."""
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    scale = size_m / max(float((high - low)[[0, 2]].max()), 1e-9)
    feet = np.array([*(low + high)[:2] / 2, low[2]])
    return replace(mesh, vertices=((mesh.vertices - feet) * scale).astype(np.float32))


def surface_of_field(log_density: Field, level: float, radius: float, cells: int, *, reach: float = 0.0, job: Job) -> Mesh:
    """The surface at a density in the cube from -radius to radius, with `cells` along each axis; it faces out and is closed at the sides.

    `log_density` takes points [P,3] to the logarithm of density [P]. Where that is a distance, parts that are thinner than the coarse
    samples' spacing are found by samples within `reach` of the surface. Raises ReifyError where the level isn't crossed.
    """
    voxel = 2 * radius / cells
    count = -(-(cells + 2) // BLOCK)
    origin = np.full(3, -radius - voxel)  # a layer outside of the cube closes the surface

    def distances(places: Array, span: float) -> Array:
        """log(level / density) [P] at places [P,3] in voxels; outside of the cube that of empty space."""
        with job.span(span):
            points = origin + voxel * places
            values = np.empty(len(points), np.float32)
            for first in range(0, len(points), CHUNK):
                job.progress(first / len(points), f"sampling the field, {len(points) / 1e6:.1f} million points")
                values[first : first + CHUNK] = np.log(level) - log_density(points[first : first + CHUNK])
        outside = (np.abs(points) > radius * (1 + 1e-6)).any(axis=1)
        return np.where(outside, np.maximum(values, 1.0), values)

    side = count * BLOCK // COARSE + 1
    lattice = np.stack(np.meshgrid(*[np.arange(side) * float(COARSE)] * 3, indexing="ij"), axis=-1)
    sampled = distances(lattice.reshape(-1, 3), 0.2).reshape((side,) * 3)
    near = np.abs(sampled) < reach
    blocks = _crossed(sampled < 0, near, count)
    if not len(blocks):
        raise _nothing()
    offsets = np.argwhere(np.ones((BLOCK,) * 3, bool))
    places = (BLOCK * blocks[:, None] + offsets).reshape(-1, 3).astype(np.float64)
    values = distances(places, 1.0).reshape(-1, BLOCK, BLOCK, BLOCK)
    if not (values < 0).any():
        raise _nothing()
    return polygons_of(grid_of(origin, voxel, np.full(3, count), blocks, values))


def _nothing() -> ReifyError:
    return ReifyError("The network makes no solid object of this.", "Choose another seed, or ask for one object, seen whole.")


def colored(mesh: Mesh, colors: Callable[[Array], Array]) -> Array:
    """Colors [V,3] float32 of a mesh's vertices, by a function of points [P,3]."""
    parts = [colors(mesh.vertices[first : first + CHUNK]) for first in range(0, len(mesh.vertices), CHUNK)]
    return np.concatenate(parts).astype(np.float32)


def _crossed(inside: Array, near: Array, count: int) -> Array:
    """Blocks [B,3] int32 with coarse cells near which samples [S,S,S] differ or are `near`; a cell further, as thin parts pass between."""
    from scipy.ndimage import binary_dilation

    changes = near.copy()
    for axis in range(3):
        low, high = (tuple(part if each == axis else slice(None) for each in range(3)) for part in (slice(None, -1), slice(1, None)))
        differs = inside[low] != inside[high]
        changes[low] |= differs
        changes[high] |= differs
    cells = binary_dilation(changes, np.ones((3, 3, 3), bool))[:-1, :-1, :-1]
    per_block = BLOCK // COARSE
    return np.argwhere(cells.reshape(count, per_block, count, per_block, count, per_block).any(axis=(1, 3, 5))).astype(np.int32)
