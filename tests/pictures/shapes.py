"""Outlines that tests draw, with soft edges: coverage [H,W] float32."""

from __future__ import annotations

import numpy as np
from reify.backend.values import Array, Picture


def coverage_of(inside: Array, factor: int = 4) -> Array:
    """A finely drawn mask [factor*H, factor*W] bool, averaged down to coverage."""
    height, width = inside.shape[0] // factor, inside.shape[1] // factor
    return inside.reshape(height, factor, width, factor).mean(axis=(1, 3)).astype(np.float32)


def grid(width: int, height: int, factor: int = 4) -> tuple[Array, Array]:
    """x [1,W] and y [H,1] in pixels of samples that are `factor` times finer than pixels."""
    return ((np.arange(width * factor) + 0.5) / factor)[None, :], ((np.arange(height * factor) + 0.5) / factor)[:, None]


def disc(size: int = 200, radius: float = 80.0) -> Array:
    x, y = grid(size, size)
    return coverage_of(np.hypot(x - size / 2, y - size / 2) < radius)


def ring(size: int = 200, outer: float = 80.0, inner: float = 40.0) -> Array:
    return disc(size, outer) - disc(size, inner)


def rectangle(width: int = 160, height: int = 240, left: float = 40.0, top: float = 30.0) -> Array:
    x, y = grid(width, height)
    return coverage_of((x > left) & (x < width - left) & (y > top) & (y < height - top))


def butterfly(size: int = 240) -> Array:
    """Mirror-symmetric about the middle column, with two holes and thin feelers."""
    x, y = grid(size, size)
    across, down = np.abs(x - size / 2), y - size / 2
    wings = np.hypot((across - 55) / 55, (down - 10) / 75) < 1.0
    holes = np.hypot((across - 65) / 18, (down - 20) / 22) < 1.0
    body = (across < 9) & (np.abs(down) < 90)
    feelers = (np.abs(across - 0.6 * (-70 - down)) < 2.0) & (down < -60) & (down > -110)
    return coverage_of((wings & ~holes) | body | feelers)


def pictured(coverage: Array, name: str = "drawn") -> Picture:
    """A picture of that outline, colored so that left, right, top and bottom differ."""
    height, width = coverage.shape
    y, x = np.mgrid[:height, :width]
    srgb = np.stack([255 * x // width, 255 * y // height, np.full_like(x, 90)], axis=-1).astype(np.uint8)
    return Picture(name, srgb, coverage)
