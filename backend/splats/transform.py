"""Splats moved, turned and scaled as a whole, with the colors that follow the view."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..formats.splat_ply import write_splat_ply
from ..geometry import quaternions
from ..values import SH_C0, Array, Splats

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


def write_moved(splats: Splats, matrix: Array, path: Path, large: bool = False) -> None:
    """Write splats as PLY after a similarity [4,4], in float64 where that leads to `large` coordinates; raises ReifyError."""
    if not large:
        return write_splat_ply(transformed(splats, matrix), path)
    near, offset = matrix.copy(), matrix[:3, 3].copy()
    near[:3, 3] = 0.0
    return write_splat_ply(transformed(splats, near), path, offset)


def turned_sh(sh: Array, turn: Array) -> Array:
    """SH coefficients [N,K,3] of what is turned by a rotation [3,3]: the same color, seen from where the view has turned to."""
    count = min(sh.shape[1], 16)
    directions = np.random.default_rng(0).normal(size=(DIRECTIONS, 3))
    after, before = (_harmonics(seen, count) for seen in (directions, directions @ turn))
    mixed = np.linalg.lstsq(after, before, rcond=None)[0]
    return np.einsum("ij,njc->nic", mixed, sh[:, :count]).astype(np.float32)


def _harmonics(directions: Array, count: int) -> Array:
    """The first `count` (up to 16) real spherical harmonics in the 3DGS order, in each direction [D,3], [D,count]."""
    x, y, z = (directions / np.linalg.norm(directions, axis=1, keepdims=True)).T
    bands = [
        SH_C0 * np.ones_like(x),
        *(0.4886025119029199 * value for value in (-y, z, -x)),
        1.0925484305920792 * x * y,
        -1.0925484305920792 * y * z,
        0.31539156525252005 * (2 * z * z - x * x - y * y),
        -1.0925484305920792 * x * z,
        0.5462742152960396 * (x * x - y * y),
        -0.5900435899266435 * y * (3 * x * x - y * y),
        2.890611442640554 * x * y * z,
        -0.4570457994644658 * y * (4 * z * z - x * x - y * y),
        0.3731763325901154 * z * (2 * z * z - 3 * x * x - 3 * y * y),
        -0.4570457994644658 * x * (4 * z * z - x * x - y * y),
        1.445305721320277 * z * (x * x - y * y),
        -0.5900435899266435 * x * (x * x - 3 * y * y),
    ]
    return np.stack(bands[:count], axis=1)
