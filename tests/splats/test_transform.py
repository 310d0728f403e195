"""Splats that are moved, turned and scaled look the same from where the view has moved to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reify.backend.errors import ReifyError
from reify.backend.geometry import harmonics
from reify.backend.geometry.axes import looking_at
from reify.backend.geometry.quaternions import to_matrices
from reify.backend.splats.transform import transformed
from reify.backend.values import Cameras, Splats

dice = np.random.default_rng(4)


def rotation() -> np.ndarray:
    q, _ = np.linalg.qr(dice.normal(size=(3, 3)))
    return q * np.sign(np.linalg.det(q))


def similarity(scale: float) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = scale * rotation(), (1, 2, 3)
    return matrix


def cloud(degree: int, count: int = 60) -> Splats:
    quats = dice.normal(size=(count, 4)).astype(np.float32)
    return Splats(
        means=(0.4 * dice.normal(size=(count, 3))).astype(np.float32),
        quats=quats / np.linalg.norm(quats, axis=1, keepdims=True),
        log_scales=(np.log(0.15) + 0.4 * dice.normal(size=(count, 3))).astype(np.float32),
        opacity_logits=dice.normal(size=count).astype(np.float32),
        sh=(0.3 * dice.normal(size=(count, (degree + 1) ** 2, 3))).astype(np.float32),
    )


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_the_color_of_turned_splats_follows_the_view_at_every_degree(degree: int) -> None:
    splats, matrix = cloud(degree), similarity(1.7)
    after = transformed(splats, matrix)
    camera = np.array([0.3, -4.0, 1.0])
    moved = matrix[:3, :3] @ camera + matrix[:3, 3]
    before_colors, after_colors = (
        np.einsum("nk,nkc->nc", harmonics.basis(of.means - center, degree), of.sh) for of, center in ((splats, camera), (after, moved))
    )
    assert after.sh.shape == splats.sh.shape
    np.testing.assert_allclose(after_colors, before_colors, atol=2e-6)
    assert abs(np.einsum("nk,nkc->nc", harmonics.basis(after.means - moved, degree), splats.sh) - before_colors).max() > 0.1


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_a_moved_camera_takes_the_same_picture_of_moved_splats(degree: int) -> None:
    from reify.backend.splats.render import rasterize

    splats, matrix = cloud(degree), similarity(1.7)
    K = np.array([[90.0, 0, 32], [0, 90.0, 32], [0, 0, 1]])
    cameras = Cameras(looking_at(np.array([[0.3, -4.0, 1.0]]), np.zeros(3)), K[None], np.full((1, 2), 64), np.zeros((1, 8)))
    moved = cameras.cam_from_world @ np.linalg.inv(matrix)
    moved[:, :3] *= 1.7  # the scale goes into the depth, which the picture doesn't see
    pictures = [
        rasterize(splats, cameras, 0).rgb,
        rasterize(transformed(splats, matrix), replace(cameras, cam_from_world=moved), 0).rgb,
    ]
    assert pictures[0].std() > 0.1
    np.testing.assert_allclose(pictures[1], pictures[0], atol=2e-3)


def test_covariances_follow_a_similarity() -> None:
    def covariances(of: Splats) -> np.ndarray:
        axes = to_matrices(of.quats) * np.exp(of.log_scales)[:, None, :]
        return axes @ axes.transpose(0, 2, 1)

    splats, matrix = cloud(0), similarity(1.7)
    after = transformed(splats, matrix)
    linear = matrix[:3, :3]
    np.testing.assert_allclose(covariances(after), linear @ covariances(splats) @ linear.T, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(after.means, splats.means @ linear.T + matrix[:3, 3], atol=1e-5)


@pytest.mark.parametrize("diagonal", [(-1, 1, 1), (1, 2, 1), (0, 0, 0)])
def test_what_splats_cannot_follow_is_refused(diagonal: tuple[float, float, float]) -> None:
    one = Splats(*(np.zeros((1, n), np.float32) for n in (3, 4, 3)), np.zeros(1, np.float32), np.zeros((1, 1, 3), np.float32))
    with pytest.raises(ReifyError, match="mirrored or scaled unevenly"):
        transformed(one, np.diag((*diagonal, 1)))
