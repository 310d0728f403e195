"""Splats that are moved, turned and scaled look the same from where the view has moved to."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from reify.backend.errors import ReifyError  # noqa: E402
from reify.backend.splats import twin  # noqa: E402
from reify.backend.splats.transform import transformed, turned_sh  # noqa: E402
from reify.backend.values import Splats  # noqa: E402

dice = np.random.default_rng(4)


def rotation() -> np.ndarray:
    q, _ = np.linalg.qr(dice.normal(size=(3, 3)))
    return q * np.sign(np.linalg.det(q))


@pytest.mark.parametrize("bases", [1, 4, 9, 16])
def test_turned_harmonics_show_the_same_color_to_a_turned_view(bases: int) -> None:
    sh, seen, turn = 0.1 * dice.normal(size=(20, bases, 3)), dice.normal(size=(20, 3)), rotation()
    before = twin.colors(torch.from_numpy(sh), torch.from_numpy(seen))
    after = twin.colors(torch.from_numpy(turned_sh(sh, turn)).double(), torch.from_numpy(seen @ turn.T))
    np.testing.assert_allclose(after.numpy(), before.numpy(), atol=1e-6)


def test_covariances_follow_a_similarity() -> None:
    quats = dice.normal(size=(10, 4)).astype(np.float32)
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    splats = Splats(
        means=dice.normal(size=(10, 3)).astype(np.float32),
        quats=quats,
        log_scales=dice.normal(size=(10, 3)).astype(np.float32),
        opacity_logits=np.zeros(10, np.float32),
        sh=np.zeros((10, 1, 3), np.float32),
    )

    def covariances(of: Splats) -> np.ndarray:
        axes = twin.rotations(torch.from_numpy(of.quats)).numpy() * np.exp(of.log_scales)[:, None, :]
        return axes @ axes.transpose(0, 2, 1)

    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = 1.7 * rotation(), (1, 2, 3)
    after = transformed(splats, matrix)
    linear = matrix[:3, :3]
    np.testing.assert_allclose(covariances(after), linear @ covariances(splats) @ linear.T, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(after.means, splats.means @ linear.T + matrix[:3, 3], atol=1e-5)


@pytest.mark.parametrize("diagonal", [(-1, 1, 1), (1, 2, 1), (0, 0, 0)])
def test_what_splats_cannot_follow_is_refused(diagonal: tuple[float, float, float]) -> None:
    one = Splats(*(np.zeros((1, n), np.float32) for n in (3, 4, 3)), np.zeros(1, np.float32), np.zeros((1, 1, 3), np.float32))
    with pytest.raises(ReifyError, match="mirrored or scaled unevenly"):
        transformed(one, np.diag((*diagonal, 1)))
