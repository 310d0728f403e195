"""Every way to cut a grid's cells, on solids whose area, volume and edges are known."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from reify.backend.geometry import triangles
from reify.backend.jobs.job import Job
from reify.backend.metrics import meshes
from reify.backend.surface.extract import POLYGONS, polygons_of
from reify.backend.surface.grid import BLOCK, SparseGrid
from reify.backend.surface.sampling import grid_of, sample

MIDDLE, HALF = np.array([0.013, -0.021, 0.017]), np.array([0.613, 0.547, 0.481])  # of a box off the grid's planes


def box(points: np.ndarray) -> np.ndarray:
    off = np.abs(points - MIDDLE) - HALF
    return np.linalg.norm(np.maximum(off, 0), axis=-1) + np.minimum(off.max(axis=-1), 0)


def touching(points: np.ndarray) -> np.ndarray:
    return np.minimum(*(np.linalg.norm(points - [x, 0, 0], axis=-1) - 0.4 for x in (-0.4, 0.4)))


def gridded(field, count: int = 48):
    return sample(field, -np.ones(3), np.ones(3), 2 / count, job=Job())


def from_dense(values: np.ndarray) -> SparseGrid:
    """The blocks of an array [X,Y,Z] of distances that hold surface, or are beside it; voxels are 1."""
    from scipy.ndimage import maximum_filter

    count = -(-np.array(values.shape) // BLOCK)
    padded = np.pad(values, [(0, BLOCK * c - s) for c, s in zip(count, values.shape, strict=True)], constant_values=np.nan)
    x, y, z = count
    stacked = padded.reshape(x, BLOCK, y, BLOCK, z, BLOCK).transpose(0, 2, 4, 1, 3, 5)
    inside, outside = (stacked < 0).any(axis=(3, 4, 5)), (stacked >= 0).any(axis=(3, 4, 5))
    near = maximum_filter(inside, 3) & maximum_filter(outside, 3)
    return grid_of(np.zeros(3), 1.0, count, np.argwhere(near).astype(np.int32), np.ascontiguousarray(stacked[near]))


@pytest.mark.parametrize("kind", POLYGONS)
def test_solids_come_out_closed_with_area_volume_and_euler_number(kind: str, solids) -> None:
    expected = {
        "sphere": (solids["sphere"], 4 * np.pi * 0.8**2, 4 / 3 * np.pi * 0.8**3, 2),
        "torus": (solids["torus"], 4 * np.pi**2 * 0.65 * 0.25, 2 * np.pi**2 * 0.65 * 0.25**2, 0),
        "box": (box, 8 * (HALF * np.roll(HALF, 1)).sum(), 8 * HALF.prod(), 2),
        "touching": (touching, 2 * 4 * np.pi * 0.4**2, 2 * 4 / 3 * np.pi * 0.4**3, None),
    }
    for field, area, volume, euler in expected.values():
        mesh = polygons_of(gridded(field), kind, field)
        assert meshes.is_watertight(mesh)
        assert euler is None or meshes.euler_number(mesh) == euler
        assert triangles.areas(mesh.vertices, mesh.faces).sum() == pytest.approx(area, rel=0.04)
        assert meshes.volume(mesh) == pytest.approx(volume, rel=0.015)


@pytest.mark.parametrize("kind", POLYGONS)
def test_touching_spheres_are_one_body_or_two_but_nothing_else(kind: str) -> None:
    mesh = polygons_of(gridded(touching), kind, touching)
    assert meshes.euler_number(mesh) == 2 * meshes.parts(mesh)
    assert meshes.parts(mesh) in (1, 2)


@pytest.mark.parametrize("kind", POLYGONS)
def test_the_error_of_the_volume_falls_with_the_square_of_the_voxel(kind: str, solids) -> None:
    truth = 4 / 3 * np.pi * 0.8**3
    coarse, fine = (abs(meshes.volume(polygons_of(gridded(solids["sphere"], n), kind, solids["sphere"])) - truth) for n in (24, 48))
    assert coarse / fine > 3


@pytest.mark.parametrize("kind", POLYGONS)
@pytest.mark.parametrize("seed", range(2))
def test_any_field_gives_a_closed_manifold_even_pure_noise(kind: str, seed: int) -> None:
    values = np.ones((24, 24, 24))
    values[1:-1, 1:-1, 1:-1] = np.random.default_rng(seed).normal(size=(22, 22, 22))
    mesh = polygons_of(from_dense(values), kind)
    assert len(mesh.faces) > 10_000
    assert meshes.is_watertight(mesh)


def test_dual_contouring_keeps_the_edges_of_a_box_within_a_twentieth_of_a_voxel() -> None:
    grid = gridded(box)
    mesh = polygons_of(grid, "sharp", box)
    edges = []
    for axis in range(3):
        for corner in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
            line = np.empty((30, 3))
            line[:, axis] = np.linspace(-HALF[axis], HALF[axis], 30)
            line[:, [(axis + 1) % 3, (axis + 2) % 3]] = np.array(corner) * HALF[[(axis + 1) % 3, (axis + 2) % 3]]
            edges.append(line + MIDDLE)
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    points = np.concatenate(edges)
    nearest = np.linalg.norm(points[:, None] - corners.mean(axis=1), axis=2).argsort(axis=1)[:, :40]
    off = np.min([meshes.distance_to_triangles(points, corners[nearest[:, k]]) for k in range(40)], axis=0)
    assert off.max() < 0.05 * grid.voxel
    assert np.abs(box(mesh.vertices)).max() < 0.05 * grid.voxel  # and nothing sticks out


def test_dual_contouring_of_samples_alone_is_better_at_edges_than_cubes() -> None:
    grid = gridded(box)
    truth = 8 * HALF.prod()
    made = [polygons_of(grid, kind) for kind in ("cubes", "quads", "sharp")]
    areas = [triangles.areas(mesh.vertices, mesh.faces).sum() for mesh in made]
    real = 8 * (HALF * np.roll(HALF, 1)).sum()
    assert abs(areas[2] - real) < 0.7 * min(abs(areas[0] - real), abs(areas[1] - real))
    assert meshes.volume(polygons_of(grid, "sharp")) == pytest.approx(truth, rel=0.01)


def test_quads_are_quads_and_meet_in_even_corners(solids) -> None:
    mesh = polygons_of(gridded(solids["sphere"]), "quads")
    assert 2 * mesh.quads == len(mesh.faces)
    valence = np.bincount(mesh.faces[::2].ravel())
    assert np.median(valence[valence > 0]) <= 4


@pytest.mark.parametrize("kind", POLYGONS)
def test_the_surface_ends_where_nothing_is_known(kind: str, solids) -> None:
    grid = gridded(solids["sphere"])
    grid.weight[grid.origin[2] + grid.voxel * 8 * grid.blocks[:, 2] > 0] = 0
    mesh = polygons_of(grid, kind)
    assert mesh.vertices[:, 2].max() < 9 * grid.voxel
    assert not meshes.is_watertight(mesh)


@pytest.mark.parametrize("kind", POLYGONS)
def test_a_grid_without_a_surface_gives_an_empty_mesh(kind: str) -> None:
    mesh = polygons_of(from_dense(np.ones((16, 16, 16))), kind)
    assert len(mesh.vertices) == len(mesh.faces) == 0
