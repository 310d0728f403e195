from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reify.backend.bodies.inflation import InflateSettings, inflate
from reify.backend.bodies.solid import mesh_of
from reify.backend.geometry import triangles

from ..pictures.shapes import butterfly, disc, rectangle, ring
from .solids import assert_closed, outline, polygons_are_quads_mostly, triangles_of

ROUND = InflateSettings()


@pytest.mark.parametrize("faces", [600, 5000, 20_000])
def test_a_disc_becomes_a_ball(faces: int) -> None:
    solid = inflate(disc(radius=80.0), faces, ROUND)
    radius = np.linalg.norm(solid.vertices_px - [100.0, 100.0, 0.0], axis=1)
    assert np.abs(radius / 80.0 - 1.0).max() < 0.02


@pytest.mark.parametrize(("shape", "euler"), [(disc(), 2), (ring(), 0), (butterfly(), -2)], ids=["ball", "doughnut", "butterfly"])
def test_a_hole_in_the_mask_is_a_hole_in_a_closed_body(shape: np.ndarray, euler: int) -> None:
    solid = inflate(shape, 4000, ROUND)
    assert_closed(solid.vertices_px, triangles_of(solid), euler)


@pytest.mark.parametrize("seed", range(6))
def test_a_body_is_closed_whatever_the_mask(seed: int) -> None:
    from scipy.ndimage import label

    mask = (np.random.default_rng(seed).random((24, 24)) > 0.5).astype(np.float32)
    parts, holes = label(mask, np.ones((3, 3)))[1], label(np.pad(mask, 1) == 0)[1] - 1
    solid = inflate(mask, 3000, ROUND)
    assert_closed(solid.vertices_px, triangles_of(solid), 2 * (parts - holes))


@pytest.mark.parametrize("shape", [disc(), ring(), butterfly()], ids=["disc", "ring", "butterfly"])
def test_the_silhouette_is_the_mask(shape: np.ndarray) -> None:
    drawn, mask = outline(inflate(shape, 8000, ROUND), shape.shape), shape > 0.5
    assert (drawn & mask).sum() / (drawn | mask).sum() > 0.99


def test_a_symmetric_mask_gives_a_symmetric_mesh() -> None:
    from scipy.spatial import cKDTree

    mesh, _, _ = mesh_of(inflate(butterfly(), 8000, ROUND), 1.0)
    for flip in ([-1, 1, 1], [1, -1, 1]):
        apart, _ = cKDTree(mesh.vertices).query(mesh.vertices * flip)
        assert apart.max() < 1e-3


def test_thickness_and_profile_shape_the_body() -> None:
    def half_height(**changes: float) -> float:
        return float(inflate(disc(), 2000, replace(ROUND, **changes)).vertices_px[:, 2].max())

    assert half_height(thickness=0.5) == pytest.approx(0.5 * half_height(), rel=1e-4)
    soft = inflate(disc(), 2000, replace(ROUND, profile=1.0)).vertices_px
    half_way = np.abs(np.linalg.norm(soft[:, :2] - 100.0, axis=1) - 40.0) < 2.0
    assert np.abs(soft[half_way, 2]).max() < 0.8 * 80.0  # a ball would be 0.87 as high there


def test_evenness_holds_wide_parts_down() -> None:
    wide = np.zeros((120, 240), np.float32)
    wide[10:110, 10:110], wide[50:70, 110:230] = 1.0, 1.0

    def ratio(evenness: float) -> float:
        vertices = inflate(wide, 4000, replace(ROUND, evenness=evenness)).vertices_px
        return vertices[vertices[:, 0] < 90, 2].max() / vertices[vertices[:, 0] > 150, 2].max()

    assert ratio(0.8) < 0.7 * ratio(0.0)


def test_a_flat_back_lies_in_the_plane_of_the_picture() -> None:
    solid = inflate(rectangle(), 2000, replace(ROUND, sides="front"))
    assert solid.vertices_px[:, 2].min() == 0.0
    assert_closed(solid.vertices_px, triangles_of(solid), 2)


def test_a_mesh_stands_on_the_floor_faces_minus_y_and_is_not_mirrored() -> None:
    left_is_wide = np.zeros((100, 100), np.float32)
    left_is_wide[20:90, 10:40], left_is_wide[60:90, 40:80] = 1.0, 1.0
    solid = inflate(left_is_wide, 2000, replace(ROUND, sides="front"))
    mesh, _, _ = mesh_of(solid, 0.5)
    assert mesh.vertices[:, 2].min() == pytest.approx(0.0, abs=1e-6)
    assert np.ptp(mesh.vertices, axis=0)[[0, 2]] == pytest.approx([0.5, 0.5], abs=0.02)
    assert mesh.vertices[:, 1].min() < -0.05 and mesh.vertices[:, 1].max() == pytest.approx(0.0)
    top = mesh.vertices[mesh.vertices[:, 2] > 0.4]
    assert top[:, 0].max() < 0.0  # what is on the left of the picture is on the left seen from -Y
    assert triangles.volume(mesh.vertices, mesh.faces) > 0
    assert polygons_are_quads_mostly(mesh)


@pytest.mark.parametrize(
    "mask", [np.ones((1, 40)), np.ones((40, 1)), np.ones((1, 1)), np.eye(30)], ids=["row", "column", "pixel", "diagonal"]
)
def test_one_pixel_is_enough_for_a_body(mask: np.ndarray) -> None:
    solid = inflate(mask.astype(np.float32), 1000, ROUND)
    assert_closed(solid.vertices_px, triangles_of(solid), 2)
    assert np.isfinite(solid.vertices_px).all()
