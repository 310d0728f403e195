"""Splats moved, turned and scaled as a whole, with the colors that follow the view."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import ReifyError
from ..geometry import quaternions
from ..values import Array, Splats

DIRECTIONS = 64  # that turned harmonics are fitted to, which is exact from 16 on
UNEVEN = 1e-3  # difference between the axes' scales that is taken for rounding


def transformed(splats: Splats, matrix: Array) -> Splats:
    """`splats` after a similarity [4,4]; raises ReifyError for one that mirrors, or scales unevenly.

    Harmonics above degree 3 are dropped where it turns.
    """
    linear = np.asarray(matrix, dtype=np.float64)[:3, :3]
    determinant = float(np.linalg.det(linear))
    scale = np.cbrt(determinant)
    if not determinant > 0 or np.abs(linear @ linear.T / scale**2 - np.eye(3)).max() > UNEVEN:
        raise ReifyError(
            "Splats can't be mirrored or scaled unevenly.", "Give the object, and what it hangs on, one scale above 0 for all axes."
        )
    turn = linear / scale
    return replace(
        splats,
        means=(splats.means @ linear.T + np.asarray(matrix)[:3, 3]).astype(np.float32),
        quats=quaternions.product(quaternions.from_matrices(turn[None])[0], splats.quats).astype(np.float32),
        log_scales=(splats.log_scales + np.log(scale)).astype(np.float32),
        sh=splats.sh if np.allclose(turn, np.eye(3), atol=1e-6) else turned_sh(splats.sh, turn),
    )


def turned_sh(sh: Array, turn: Array) -> Array:
    """SH coefficients [N,K,3] of what is turned by a rotation [3,3]: the same color, seen from where the view has turned to."""
    count = min(sh.shape[1], 16)
    directions = np.random.default_rng(0).normal(size=(DIRECTIONS, 3))
    after, before = (_harmonics(seen, count) for seen in (directions, directions @ turn))
    mixed = np.linalg.lstsq(after, before, rcond=None)[0]
    return np.einsum("ij,njc->nic", mixed, sh[:, :count]).astype(np.float32)


def _harmonics(directions: Array, count: int) -> Array:
    """The first `count` functions in each direction, [D,count]."""
    import torch

    from . import twin

    small = 0.1  # colors below 0 would be cut off
    each = [np.tile(np.eye(count)[k][:, None] * small, (len(directions), 1, 3)) for k in range(count)]
    seen = [twin.colors(torch.from_numpy(one), torch.from_numpy(directions))[:, 0].numpy() for one in each]
    return (np.stack(seen, axis=1) - 0.5) / small
