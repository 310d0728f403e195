"""Quaternions w x y z, [N,4], as rotations."""

from __future__ import annotations

import numpy as np

from ..values import Array
from .vectors import unit


def product(a: Array, b: Array) -> Array:
    """Products [N,4] of quaternions [N,4] or [4]: the rotation b, then a."""
    aw, ax, ay, az = np.moveaxis(a, -1, 0)
    bw, bx, by, bz = np.moveaxis(b, -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def rotate(quats: Array, vectors: Array) -> Array:
    """Vectors [N,3] turned by quaternions [N,4] of any length but zero."""
    w, xyz = (quats := unit(quats))[:, :1], quats[:, 1:]
    across = 2 * np.cross(xyz, vectors)
    return vectors + w * across + np.cross(xyz, across)


def to_matrices(quats: Array) -> Array:
    """Rotation matrices [N,3,3] of quaternions [N,4] of any length but zero."""
    w, x, y, z = unit(quats).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def from_matrices(rotations: Array) -> Array:
    """Unit quaternions [N,4] with w >= 0 of rotation matrices [N,3,3]."""
    m = np.asarray(rotations, dtype=np.float64)
    # The outer product of the quaternion with itself; its largest row divides best (Shepperd 1978).
    xx, yy, zz = m[:, 0, 0], m[:, 1, 1], m[:, 2, 2]
    wx, wy, wz = m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]
    xy, xz, yz = m[:, 0, 1] + m[:, 1, 0], m[:, 0, 2] + m[:, 2, 0], m[:, 1, 2] + m[:, 2, 1]
    outer = np.array([
        [1 + xx + yy + zz, wx, wy, wz],
        [wx, 1 + xx - yy - zz, xy, xz],
        [wy, xy, 1 - xx + yy - zz, yz],
        [wz, xz, yz, 1 - xx - yy + zz],
    ])  # fmt: skip
    largest = np.argmax(np.einsum("iin->ni", outer), axis=1)
    quats = unit(outer[largest, :, np.arange(len(m))])
    return np.where(quats[:, :1] < 0, -quats, quats)
