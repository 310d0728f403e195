"""CIELAB, in which equal distances look about equally different."""

from __future__ import annotations

import numpy as np

from ..values import Array

TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float32)  # IEC 61966-2-1
WHITE = np.array([[0.9505], [1.0], [1.089]], np.float32)  # D65


def lab_of(srgb: Array) -> Array:
    """CIELAB (D65) of [H,W,3] uint8, float32."""
    table = np.arange(256) / 255.0
    linear = np.where(table <= 0.04045, table / 12.92, ((table + 0.055) / 1.055) ** 2.4).astype(np.float32)[srgb]
    xyz = linear @ (TO_XYZ / WHITE).T
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16.0 / 116.0)
    return np.stack([116.0 * f[..., 1] - 16.0, 500.0 * (f[..., 0] - f[..., 1]), 200.0 * (f[..., 1] - f[..., 2])], axis=-1)
