"""Marching cubes over sparse grids: closed, manifold, and as accurate as the grid."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from reify.backend.geometry import triangles
from reify.backend.metrics import meshes
from reify.backend.surface.grid import BLOCK, SparseGrid
from reify.backend.surface.marching import marching_cubes, triangle_table
from reify.backend.values import Mesh


def grid_of(values: np.ndarray, voxel: float = 1.0, origin: tuple[float, float, float] = (0, 0, 0)) -> SparseGrid:
    """A grid of all the blocks of a dense array of distances whose sides are multiples of the block's."""
    shape = np.array(values.shape) // BLOCK
    blocks = np.argwhere(np.ones(shape, bool)).astype(np.int32)
    slot = np.arange(len(blocks), dtype=np.int32).reshape(shape)
    x, y, z = shape
    distance = values.reshape(x, BLOCK, y, BLOCK, z, BLOCK).transpose(0, 2, 4, 1, 3, 5).reshape(-1, BLOCK, BLOCK, BLOCK)
    distance = np.ascontiguousarray(distance, np.float32)
    return SparseGrid(np.array(origin, float), voxel, voxel, blocks, slot, distance, np.ones_like(distance))


def sampled(distance, count: int = 64, half: float = 1.0) -> SparseGrid:
    voxel = 2 * half / count
    axis = -half + voxel * np.arange(count)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    return grid_of(distance(points), voxel, (-half, -half, -half))


def mesh_of(grid: SparseGrid) -> Mesh:
    vertices, faces = marching_cubes(grid)
    return Mesh(vertices, faces)


def test_a_sphere_comes_out_with_its_area_and_volume_facing_outwards(solids) -> None:
    mesh = mesh_of(sampled(solids["sphere"]))
    assert triangles.areas(mesh.vertices, mesh.faces).sum() == pytest.approx(4 * np.pi * 0.8**2, rel=0.005)
    assert meshes.volume(mesh) == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=0.005)
    assert meshes.genus(mesh) == 0
    assert np.abs(np.linalg.norm(mesh.vertices, axis=1) - 0.8).max() < 0.002


def test_a_torus_keeps_its_hole(solids) -> None:
    mesh = mesh_of(sampled(solids["torus"]))
    assert (meshes.genus(mesh), meshes.parts(mesh)) == (1, 1)
    assert meshes.volume(mesh) == pytest.approx(2 * np.pi**2 * 0.65 * 0.25**2, rel=0.01)


def test_the_error_falls_with_the_square_of_the_voxel(solids) -> None:
    truth = 4 / 3 * np.pi * 0.8**3
    coarse, fine = (abs(meshes.volume(mesh_of(sampled(solids["sphere"], n))) - truth) for n in (32, 64))
    assert coarse / fine > 3


def test_two_spheres_are_two_parts_where_they_ought_to_be(solids) -> None:
    mesh = mesh_of(sampled(solids["two spheres"]))
    assert meshes.parts(mesh) == 2
    assert mesh.vertices.max(axis=0) == pytest.approx([0.9, 0.4, 0.6], abs=0.01)
    assert mesh.vertices.min(axis=0) == pytest.approx([-0.75, -0.4, -0.4], abs=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_any_field_gives_a_closed_manifold_even_pure_noise(seed: int) -> None:
    values = np.ones((32, 32, 32))
    values[1:-1, 1:-1, 1:-1] = np.random.default_rng(seed).normal(size=(30, 30, 30))
    mesh = mesh_of(grid_of(values))
    assert len(mesh.faces) > 10_000
    assert meshes.is_watertight(mesh)
    assert (triangles.areas(mesh.vertices, mesh.faces) > 0).all()


def test_every_pattern_of_corners_has_triangles_on_crossed_edges_only() -> None:
    table, counts = triangle_table()
    assert counts[0] == counts[255] == 0
    assert counts.max() == 5
    for pattern in range(1, 255):
        assert counts[pattern] > 0
        assert (table[pattern, : counts[pattern]] >= 0).all()


def test_the_surface_ends_where_nothing_is_known(solids) -> None:
    grid = sampled(solids["sphere"])
    unknown = grid.blocks[:, 2] >= 4  # the upper half
    grid.weight[unknown] = 0
    mesh = mesh_of(grid)
    assert mesh.vertices[:, 2].max() <= 0.0
    assert not meshes.is_watertight(mesh)


def test_a_grid_without_a_surface_gives_an_empty_mesh() -> None:
    vertices, faces = marching_cubes(grid_of(np.ones((8, 8, 8))))
    assert vertices.shape == (0, 3)
    assert faces.shape == (0, 3)
