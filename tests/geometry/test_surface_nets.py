from __future__ import annotations

import numpy as np
import pytest
from reify.backend.geometry import triangles
from reify.backend.geometry.surface_nets import evened, surface_nets


def ball_field(radius: float) -> np.ndarray:
    x, y, z = np.mgrid[:20, :20, :20] - 9.5
    return radius - np.sqrt(x**2 + y**2 + z**2)


@pytest.mark.parametrize("seed", range(8))
def test_surface_nets_are_closed_whatever_the_grid(seed: int) -> None:
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    _, quads = surface_nets(gaussian_filter(rng.normal(size=(11, 12, 13)), rng.uniform(0.3, 1.2)))
    edges = np.sort(np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)]), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


def test_surface_nets_face_outwards() -> None:
    points, quads = surface_nets(ball_field(6.0))
    faces = quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
    assert triangles.volume(points, faces) == pytest.approx(4 / 3 * np.pi * 6.0**3, rel=0.05)


def test_evening_takes_terraces_away_and_moves_no_vertex_far() -> None:
    points, quads = surface_nets(np.where(ball_field(6.0) > 0, 1.0, -1.0))  # only inside or outside: all terraces
    smooth = evened(points, quads, 8, reach=0.6)
    roughness = [np.linalg.norm(p - 9.5, axis=1).std() for p in (points, smooth)]
    assert roughness[1] < 0.75 * roughness[0]
    assert np.linalg.norm(smooth - points, axis=1).max() <= 0.6 + 1e-9
