"""What is promised of every mesh that a network has made."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.geometry import topology, triangles
from reify.backend.mesh.analyze import analyze
from reify.backend.values import Mesh


def check_care(mesh: Mesh, size_m: float, faces: int) -> None:
    """Sound, without floaters, unwrapped with a baked texture, on the floor in the middle, and as large as asked for."""
    found = analyze(mesh)
    assert found.non_manifold_edges == 0 and found.flipped_edges == 0
    assert len(mesh.faces) <= 1.05 * faces
    areas = np.bincount(topology.parts(mesh.faces, len(mesh.vertices)), triangles.areas(mesh.vertices, mesh.faces))
    assert areas.min() >= 0.005 * areas.max(), "a floater stayed"
    assert mesh.uvs is not None and mesh.uvs.min() > -1e-4 and mesh.uvs.max() < 1 + 1e-4
    assert mesh.textures["base_color"].std() > 1 and mesh.vertex_srgb is not None and mesh.vertex_srgb.std() > 0.01
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    assert low[2] == pytest.approx(0.0, abs=1e-5 * size_m)
    assert max(high[0] - low[0], high[2] - low[2]) == pytest.approx(size_m, rel=1e-4)
    assert np.allclose((low + high)[:2], 0.0, atol=1e-4 * size_m)
