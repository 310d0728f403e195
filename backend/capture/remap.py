"""The kernel that looks pixels up at positions between pixels.

It runs on one thread: it compiles in a second, and pictures may be loaded while other kernels use all threads.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True, inline="always")
def _weights(t):  # type: ignore[no-untyped-def]
    # Catmull-Rom: bicubic, exact at the pixels and for straight ramps, hardly blurs (Keys 1981, a = -1/2).
    return (
        np.float32(-0.5) * t * (np.float32(1) - t) * (np.float32(1) - t),
        np.float32(1) + t * t * (np.float32(1.5) * t - np.float32(2.5)),
        t * (np.float32(0.5) + t * (np.float32(2) - np.float32(1.5) * t)),
        np.float32(-0.5) * t * t * (np.float32(1) - t),
    )


@numba.njit(cache=True, nogil=True, fastmath={"contract", "arcp"})
def remap(pixels, x_px, y_px):  # type: ignore[no-untyped-def]
    """[H,W,N] uint8 at the positions `x_px`, `y_px` [h,w] float32 (first pixel's center at 0.5), bicubic -> [h,w,N] uint8,
    and [h,w] uint8: 255 where the position lies on the picture, 0 where it doesn't or is NaN."""  # noqa: D205, D209
    source_height, source_width, channels = pixels.shape
    height, width = x_px.shape
    out = np.zeros((height, width, channels), np.uint8)
    known = np.zeros((height, width), np.uint8)
    for row in range(height):
        for column in range(width):
            u, v = x_px[row, column], y_px[row, column]
            if not (u >= 0 and v >= 0 and u <= source_width and v <= source_height):
                continue
            known[row, column] = 255
            u -= np.float32(0.5)
            v -= np.float32(0.5)
            left, top = int(np.floor(u)), int(np.floor(v))
            across, down = _weights(u - np.float32(left)), _weights(v - np.float32(top))
            for channel in range(channels):
                total = np.float32(0)
                for j in range(4):
                    y = min(max(top + j - 1, 0), source_height - 1)
                    line = np.float32(0)
                    for i in range(4):
                        x = min(max(left + i - 1, 0), source_width - 1)
                        line += across[i] * np.float32(pixels[y, x, channel])
                    total += down[j] * line
                out[row, column, channel] = np.uint8(min(max(total + np.float32(0.5), np.float32(0)), np.float32(255)))
    return out, known
