from __future__ import annotations

import numpy as np
import pytest
from reify.backend.geometry import triangles
from reify.backend.geometry.smoothing import taubin, vertex_means

from ..mesh.solids import ball, sheet


def test_noise_goes_and_the_volume_stays() -> None:
    sphere = ball(n=64)
    noisy = sphere.vertices * (1.0 + 0.01 * np.random.default_rng(0).normal(size=(len(sphere.vertices), 1)))
    smooth = taubin(noisy, vertex_means(noisy, sphere.faces), 10)
    deviation = [np.linalg.norm(v, axis=1).std() for v in (noisy, smooth)]
    assert deviation[1] < 0.5 * deviation[0]
    assert triangles.volume(smooth, sphere.faces) == pytest.approx(triangles.volume(noisy, sphere.faces), rel=0.005)


def test_a_square_sheets_straight_sides_stay_straight() -> None:
    square = sheet(12, lambda x, y: 0.02 * np.sin(40 * x * y))
    smooth = taubin(square.vertices.astype(float), vertex_means(square.vertices, square.faces), 2)
    left = square.vertices[:, 0] == 0
    inner = left & (square.vertices[:, 1] > 0.4) & (square.vertices[:, 1] < 0.6)
    assert np.abs(smooth[inner, 0]).max() < 1e-9


def test_a_vertex_without_neighbors_stays() -> None:
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 5, 5]])
    assert np.array_equal(vertex_means(vertices, np.array([[0, 1, 2]]))(vertices)[3], [5, 5, 5])
