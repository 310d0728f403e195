"""Rotation matrices of quaternions in parameter rows, and their gradients, for use inside of kernels."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ..columns import QUATERNION

F = np.float32


@njit(nogil=True, fastmath=True, inline="always")
def rotation(p, o):
    """Rotation matrix (9, by rows) of the quaternion at p[o + QUATERNION]."""
    w, x, y, z = p[o + QUATERNION], p[o + QUATERNION + 1], p[o + QUATERNION + 2], p[o + QUATERNION + 3]
    k = F(1) / math.sqrt(w * w + x * x + y * y + z * z + F(1e-20))
    w, x, y, z = w * k, x * k, y * k, z * k
    two = F(2)
    return (
        F(1) - two * (y * y + z * z),
        two * (x * y - w * z),
        two * (x * z + w * y),
        two * (x * y + w * z),
        F(1) - two * (x * x + z * z),
        two * (y * z - w * x),
        two * (x * z - w * y),
        two * (y * z + w * x),
        F(1) - two * (x * x + y * y),
    )


@njit(nogil=True, fastmath=True, inline="never")
def rotation_back(p, o, m00, m01, m02, m10, m11, m12, m20, m21, m22):
    """Gradient by the quaternion at p[o + QUATERNION] from that by its rotation matrix."""
    w, x, y, z = p[o + QUATERNION], p[o + QUATERNION + 1], p[o + QUATERNION + 2], p[o + QUATERNION + 3]
    k = F(1) / math.sqrt(w * w + x * x + y * y + z * z + F(1e-20))
    w, x, y, z = w * k, x * k, y * k, z * k
    vw = F(2) * (x * (m21 - m12) + y * (m02 - m20) + z * (m10 - m01))
    vi = F(2) * (F(-2) * x * (m11 + m22) + y * (m01 + m10) + z * (m02 + m20) + w * (m21 - m12))
    vj = F(2) * (x * (m01 + m10) - F(2) * y * (m00 + m22) + z * (m12 + m21) + w * (m02 - m20))
    vk = F(2) * (x * (m02 + m20) + y * (m12 + m21) - F(2) * z * (m00 + m11) + w * (m10 - m01))
    along = w * vw + x * vi + y * vj + z * vk
    return k * (vw - w * along), k * (vi - x * along), k * (vj - y * along), k * (vk - z * along)
