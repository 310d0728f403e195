"""Surfaces of fields that are functions."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.errors import ReifyError
from reify.backend.geometry import triangles
from reify.backend.jobs.job import Job
from reify.backend.mesh.analyze import analyze
from reify.backend.surface.learned import colored, surface_of_field

CENTER = np.array([0.1, -0.2, 0.15])


def ball(points):
    """log(density), 25 at 0.4 from CENTER."""
    return np.log(25.0) + 8.0 * (0.4 - np.linalg.norm(points - CENTER, axis=1))


def test_a_ball_is_where_it_is_closed_and_faces_out() -> None:
    mesh = surface_of_field(ball, 25.0, 0.87, 64, job=Job())
    found = analyze(mesh)
    assert found.watertight and found.parts == 1 and found.genus == 0
    assert found.volume == pytest.approx(4 / 3 * np.pi * 0.4**3, rel=0.005)
    assert np.abs(np.linalg.norm(mesh.vertices - CENTER, axis=1) - 0.4).max() < 0.003


def test_what_reaches_beyond_the_cube_is_cut_off_and_closed() -> None:
    mesh = surface_of_field(lambda points: np.log(25.0) + points[:, 0] - 0.5, 25.0, 0.87, 64, job=Job())
    assert analyze(mesh).watertight
    assert triangles.volume(mesh.vertices, mesh.faces) == pytest.approx(0.37 * 1.74**2, rel=0.05)
    assert np.abs(mesh.vertices).max() < 0.87 + 2 * 1.74 / 64


def test_only_blocks_near_the_surface_are_sampled_finely() -> None:
    counted = []

    def field(points):
        counted.append(len(points))
        return ball(points)

    surface_of_field(field, 25.0, 0.87, 256, job=Job())
    assert sum(counted) < 0.25 * 256**3


def test_colors_are_those_of_the_vertices() -> None:
    mesh = surface_of_field(ball, 25.0, 0.87, 32, job=Job())
    colors = colored(mesh, lambda points: 0.5 + 0.5 * points)
    assert colors.shape == mesh.vertices.shape and np.allclose(colors, 0.5 + 0.5 * mesh.vertices, atol=1e-6)


def test_empty_space_is_one_sentence() -> None:
    with pytest.raises(ReifyError, match="no solid object"):
        surface_of_field(lambda points: np.full(len(points), -9.0), 25.0, 0.87, 32, job=Job())
