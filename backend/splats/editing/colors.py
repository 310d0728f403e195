"""Colors of splats changed as a whole: an affine map of sRGB, which spherical harmonics follow exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...values import SH_C0, Array

LUMA = np.array([0.2126, 0.7152, 0.0722])
GAMMA = 2.2  # a factor of light is a factor of its 1 / GAMMAth power in sRGB
WARMTH = np.array([0.25, 0.0, -0.25])  # binary logarithms of the factors of light at the ends of the sliders
TINT = np.array([0.12, -0.25, 0.12])


@dataclass(frozen=True)
class Adjustment:
    """What a photographer would change: 0 or 1 leave colors alone."""

    exposure: float = 0.0  # stops
    warmth: float = 0.0  # -1 bluer to 1 yellower
    tint: float = 0.0  # -1 greener to 1 more magenta
    saturation: float = 1.0  # 0 is gray

    def matrix(self) -> Array:
        """The linear map of sRGB, [3,3] float64."""
        gains = 2.0 ** ((self.exposure + self.warmth * WARMTH + self.tint * TINT) / GAMMA)
        gray = np.ones((3, 1)) * LUMA
        return (gray + self.saturation * (np.eye(3) - gray)) * gains


def adjusted_dc(dc: Array, matrix: Array) -> Array:
    """SH coefficients [N,3] of degree 0 after colors 0.5 + C0 dc went through a linear map [3,3]."""
    shift = (matrix @ np.full(3, 0.5) - 0.5) / SH_C0
    return dc @ matrix.T.astype(dc.dtype) + shift.astype(dc.dtype)


def adjusted_band(band: Array, matrix: Array) -> Array:
    """SH coefficients [N,3] of a higher degree after the same."""
    return band @ matrix.T.astype(band.dtype)


def dc_srgb(dc: Array) -> Array:
    """Mean colors [N,3], 0 to 1, of SH coefficients [N,3] of degree 0."""
    return np.clip(0.5 + SH_C0 * dc, 0.0, 1.0)
