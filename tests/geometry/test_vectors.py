from __future__ import annotations

import numpy as np
from reify.backend.geometry.vectors import rejections, scatter_add, unit


def test_unit_vectors_have_length_one_and_zero_stays_zero() -> None:
    assert np.allclose(unit(np.array([[3.0, 4.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, -1e-20]])), [[0.6, 0.8, 0], [0, 0, 0], [0, 0, -1]])
    assert unit(np.ones((2, 3), np.float32)).dtype == np.float32


def test_a_rejection_leaves_what_is_perpendicular() -> None:
    directions = unit(np.random.default_rng(0).normal(size=(20, 3)))
    vectors = np.random.default_rng(1).normal(size=(20, 3))
    left = np.einsum("nij,nj->ni", rejections(directions), vectors)
    assert np.allclose(np.einsum("ni,ni->n", left, directions), 0)
    assert np.allclose(left + np.einsum("ni,ni->n", vectors, directions)[:, None] * directions, vectors)


def test_rows_add_up_where_their_index_is() -> None:
    sums = scatter_add(np.array([[1.0, 2], [3, 4], [5, 6]]), np.array([2, 0, 2]), 4)
    assert np.array_equal(sums, [[3, 4], [0, 0], [6, 8], [0, 0]])
