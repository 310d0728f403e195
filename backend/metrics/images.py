"""Image quality: PSNR and SSIM in their usual definitions."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def psnr(a: Array, b: Array, known: Array | None = None) -> float:
    """Peak signal-to-noise ratio in dB of two pictures [H,W,3] float in 0..1, over `known` [H,W] bool; infinite where they are equal."""
    _check(a, b, known)
    square = (np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2
    if known is not None:
        square = square[known]
    if square.size == 0:
        raise ValueError("no pixel is known")
    error = float(square.mean())
    return float("inf") if error == 0 else -10.0 * float(np.log10(error))


def ssim(a: Array, b: Array, known: Array | None = None) -> float:
    """Mean structural similarity of two pictures [H,W,3] float in 0..1, at least 11 pixels high and wide.

    Wang et al. 2004: 11-tap Gaussian window of sigma 1.5, K1 0.01, K2 0.03, data range 1, averaged over all windows that lie in the picture
    (and in `known` [H,W] bool, by their centers, with unknown pixels black in both).
    """
    _check(a, b, known)
    from scipy.ndimage import correlate1d

    taps = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    taps /= taps.sum()

    def blurred(picture: Array) -> Array:
        return correlate1d(correlate1d(picture, taps, axis=0), taps, axis=1)[5:-5, 5:-5]

    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if min(x.shape[:2]) < 11:
        raise ValueError(f"pictures are {x.shape[:2]}, expected 11 pixels or more each way")
    if known is not None:
        x, y = x * known[..., None], y * known[..., None]
    mean_x, mean_y = blurred(x), blurred(y)
    variance_x, variance_y = blurred(x * x) - mean_x**2, blurred(y * y) - mean_y**2
    covariance = blurred(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similarity /= (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    if known is not None:
        inner = known[5:-5, 5:-5]
        if not inner.any():
            raise ValueError("no window is known")
        similarity = similarity[inner]
    return float(similarity.mean())


def _check(a: Array, b: Array, known: Array | None) -> None:
    if np.shape(a) != np.shape(b) or np.ndim(a) != 3:
        raise ValueError(f"pictures are {np.shape(a)} and {np.shape(b)}, expected (H, W, 3) twice")
    if known is not None and (known.shape != np.shape(a)[:2] or known.dtype != bool):
        raise ValueError(f"known is {known.dtype} {known.shape}, expected bool {np.shape(a)[:2]}")
