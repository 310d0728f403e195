from __future__ import annotations

import numpy as np
import pytest
from reify.backend.geometry import triangles

from ..mesh.solids import ball

CUBE = np.array([[x, y, z] for z in (0, 2) for y in (0, 2) for x in (0, 2)], float)
CUBE_FACES = np.array(
    [[0, 2, 3], [0, 3, 1], [4, 5, 7], [4, 7, 6], [0, 1, 5], [0, 5, 4], [2, 6, 7], [2, 7, 3], [0, 4, 6], [0, 6, 2], [1, 3, 7], [1, 7, 5]]
)


def test_a_cube_has_the_area_and_volume_of_a_cube_wherever_it_stands() -> None:
    for offset in (0.0, [3.0, -1.0, 7.0]):
        assert triangles.areas(CUBE + offset, CUBE_FACES) == pytest.approx(2.0)
        assert triangles.volume(CUBE + offset, CUBE_FACES) == pytest.approx(8.0)
        assert triangles.volume(CUBE + offset, CUBE_FACES[:, ::-1]) == pytest.approx(-8.0)


def test_normals_face_the_side_from_which_corners_run_counter_clockwise() -> None:
    assert np.allclose(triangles.normals(CUBE, CUBE_FACES)[2:4], [0, 0, 1])
    outwards = (triangles.centers(CUBE, CUBE_FACES) - 1.0) * triangles.normals(CUBE, CUBE_FACES)
    assert (outwards.sum(axis=1) > 0.9).all()


def test_vertex_normals_of_a_ball_point_away_from_its_center() -> None:
    sphere = ball(n=96)
    normals = triangles.vertex_normals(sphere.vertices, sphere.faces)
    assert normals.dtype == np.float32
    assert np.einsum("vi,vi->v", normals, sphere.vertices).min() > 0.999


def test_faces_without_area_and_vertices_without_faces_have_no_normal() -> None:
    vertices, faces = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [9, 9, 9]]), np.array([[0, 1, 2]])
    assert np.array_equal(triangles.normals(vertices, faces), np.zeros((1, 3)))
    assert np.array_equal(triangles.vertex_normals(vertices, faces), np.zeros((4, 3)))
    assert triangles.degenerate(vertices, faces).all()
    assert not triangles.degenerate(CUBE, CUBE_FACES).any()


def test_cotangents_and_edge_lengths_of_a_right_triangle() -> None:
    corners = np.array([[[0.0, 0, 0], [3, 0, 0], [0, 4, 0]]])
    assert triangles.cotangents(corners)[0] == pytest.approx([0.0, 3 / 4, 4 / 3])
    assert triangles.edge_lengths(corners)[0] == pytest.approx([4, 3, 5])  # to each corner from the one before


def test_flat_triangles_have_a_sign() -> None:
    flat = np.array([[[0.0, 0], [2, 0], [0, 2]], [[0.0, 0], [0, 2], [2, 0]]])
    assert triangles.signed_areas(flat) == pytest.approx([2.0, -2.0])
