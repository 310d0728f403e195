from __future__ import annotations

import numpy as np
import pytest
from reify.backend.geometry.bases import bases


def test_a_slab_stands_on_its_wide_faces_first() -> None:
    random = np.random.default_rng(0)
    slab = random.uniform(-1, 1, (2000, 3)) * [2.0, 1.0, 0.3]
    slab = np.concatenate([slab, np.array(np.meshgrid([-2, 2], [-1, 1], [-0.3, 0.3])).reshape(3, -1).T])
    normals, shares = bases(slab)
    assert len(normals) == 6 and np.allclose(shares[:2], 2 * 4 / (2 * (8 + 2.4 + 1.2)))
    assert np.allclose(np.abs(normals), np.repeat(np.eye(3)[[2, 1, 0]], 2, axis=0), atol=1e-6)


def test_a_bust_stands_on_its_base_and_not_on_the_side_that_it_would_fall_from() -> None:
    random = np.random.default_rng(0)
    head = random.normal(size=(3000, 3))
    head = 0.8 * head / np.linalg.norm(head, axis=1, keepdims=True) + [0.1, 0.0, 1.5]
    angle = np.linspace(0, 2 * np.pi, 60)
    foot = np.column_stack([0.6 * np.cos(angle), 0.6 * np.sin(angle), 0.03 * np.sin(3 * angle)])
    normals, shares = bases(np.concatenate([head, foot]))
    assert normals[0] @ [0, 0, -1] > np.cos(np.radians(4)) and shares[0] > 0.05


def test_points_in_a_plane_have_no_base() -> None:
    flat = np.column_stack([np.random.default_rng(0).normal(size=(50, 2)), np.zeros(50)])
    for points in (flat, np.zeros((0, 3)), np.eye(3)):
        with pytest.raises(ValueError, match="plane"):
            bases(points)
