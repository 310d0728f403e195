from __future__ import annotations

import numpy as np
from reify.backend.geometry import quaternions

QUARTER_TURN_ABOUT_Z = np.array([np.cos(np.pi / 4), 0, 0, np.sin(np.pi / 4)])


def random_quats(count: int, seed: int = 1) -> np.ndarray:
    quats = np.random.default_rng(seed).normal(size=(count, 4))
    return quats / np.linalg.norm(quats, axis=1, keepdims=True)


def test_a_quarter_turn_about_z_takes_x_to_y() -> None:
    assert np.allclose(quaternions.to_matrices(QUARTER_TURN_ABOUT_Z[None])[0] @ [1, 0, 0], [0, 1, 0])
    assert np.allclose(quaternions.rotate(QUARTER_TURN_ABOUT_Z[None], np.array([[1.0, 0, 0]])), [[0, 1, 0]])


def test_quaternions_and_matrices_agree_for_every_kind_of_rotation() -> None:
    quats = np.vstack([np.eye(4), random_quats(100)])
    quats = np.where(quats[:, :1] < 0, -quats, quats)
    assert np.allclose(quaternions.from_matrices(quaternions.to_matrices(quats)), quats)


def test_a_product_turns_by_the_second_factor_first() -> None:
    a, b = random_quats(50, 2), random_quats(50, 3)
    matrices = quaternions.to_matrices(quaternions.product(a, b))
    assert np.allclose(matrices, quaternions.to_matrices(a) @ quaternions.to_matrices(b))
    assert np.allclose(quaternions.product(a[0], b), quaternions.product(np.tile(a[0], (50, 1)), b))


def test_vectors_turn_as_their_matrices_say_whatever_the_quaternions_length() -> None:
    quats, vectors = 3.0 * random_quats(50), np.random.default_rng(4).normal(size=(50, 3))
    assert np.allclose(quaternions.rotate(quats, vectors), np.einsum("nij,nj->ni", quaternions.to_matrices(quats), vectors))
