"""Spherical harmonics: the functions against the float64 twin and SciPy, their rotation against what a turned view sees."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.geometry import harmonics

dice = np.random.default_rng(4)
DIRECTIONS = dice.normal(size=(200, 3))


def rotation() -> np.ndarray:
    q, _ = np.linalg.qr(dice.normal(size=(3, 3)))
    return q * np.sign(np.linalg.det(q))


def seen(sh: np.ndarray, directions: np.ndarray) -> np.ndarray:
    return np.einsum("nk,nkc->nc", harmonics.basis(directions, round(sh.shape[1] ** 0.5) - 1), sh)


def test_the_functions_are_those_of_the_twin_in_its_order_and_with_its_signs() -> None:
    import torch
    from reify.backend.splats import twin

    small = 0.1  # colors below 0 would be cut off
    each = [np.tile(small * np.eye(16)[k][:, None], (len(DIRECTIONS), 1, 3)) for k in range(16)]
    expected = [twin.colors(torch.from_numpy(one), torch.from_numpy(DIRECTIONS))[:, 0].numpy() for one in each]
    np.testing.assert_allclose(harmonics.basis(DIRECTIONS, 3), (np.stack(expected, axis=1) - 0.5) / small, atol=1e-14)


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4])
def test_the_functions_are_the_real_and_imaginary_parts_of_the_complex_ones(degree: int) -> None:
    from scipy.special import sph_harm_y

    x, y, z = (DIRECTIONS / np.linalg.norm(DIRECTIONS, axis=1, keepdims=True)).T
    orders = np.arange(-degree, degree + 1)[None]
    complex_ones = sph_harm_y(degree, abs(orders), np.arccos(z)[:, None], np.arctan2(y, x)[:, None])
    expected = np.where(orders < 0, complex_ones.imag, complex_ones.real) * np.where(orders == 0, 1, np.sqrt(2))
    np.testing.assert_allclose(harmonics.basis(DIRECTIONS, degree)[:, degree**2 :], expected, atol=1e-14)


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4])
def test_a_turned_view_of_turned_coefficients_sees_the_same(degree: int) -> None:
    sh, turn = dice.normal(size=(200, (degree + 1) ** 2, 3)), rotation()
    np.testing.assert_allclose(seen(harmonics.rotated(sh, turn), DIRECTIONS @ turn.T), seen(sh, DIRECTIONS), atol=1e-13)


def test_rotations_compose_and_are_orthogonal() -> None:
    first, second = rotation(), rotation()
    first_matrix, second_matrix = (harmonics.rotation_matrix(turn, 4) for turn in (first, second))
    np.testing.assert_allclose(second_matrix @ first_matrix, harmonics.rotation_matrix(second @ first, 4), atol=1e-13)
    np.testing.assert_allclose(first_matrix @ first_matrix.T, np.eye(25), atol=1e-13)


def test_a_rotation_leaves_the_base_color_untouched_and_keeps_single_precision() -> None:
    sh = dice.normal(size=(50, 25, 3)).astype(np.float32)
    turned = harmonics.rotated(sh, rotation())
    assert turned.dtype == np.float32
    np.testing.assert_array_equal(turned[:, 0], sh[:, 0])
