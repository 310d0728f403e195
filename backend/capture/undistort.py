"""Pictures of real lenses to pictures of pinhole cameras with the same focal length, principal point and size."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .. import device
from ..values import Array, Cameras
from .lenses import distort, fisheye_radius, radial_scale


def undistort(pixels: Array, cameras: Cameras, index: int) -> tuple[Array, Array]:
    """What a pinhole camera with K of camera `index` would have seen, and where it is known.

    `pixels` [h,w,N] uint8, the camera's picture in any size -> [H,W,N] uint8 in the camera's size, and [H,W] uint8, 255 where the source
    covers the pixel and 0 elsewhere.
    """
    K, distortion, (width, height) = cameras.K[index], cameras.distortion[index], cameras.size_px[index].tolist()
    source_px = (pixels.shape[1], pixels.shape[0])
    x_px, y_px = _source_map(K.tobytes(), (width, height), source_px, distortion.tobytes(), cameras.fisheye)
    return _kernel()(np.ascontiguousarray(pixels), x_px, y_px)


@functools.cache
def _kernel() -> Any:
    device.prepare_numba()
    from .remap import remap

    return remap


@functools.lru_cache(maxsize=2)  # photos of one device share it, and come one after another
def _source_map(
    K_bytes: bytes, size_px: tuple[int, int], source_px: tuple[int, int], distortion_bytes: bytes, fisheye: bool
) -> tuple[Array, Array]:
    """For each pixel of the pinhole picture, where in the source its color is: two [H,W] float32 in pixels, NaN where nowhere."""
    K, distortion = np.frombuffer(K_bytes).reshape(3, 3), np.frombuffer(distortion_bytes)
    width, height = size_px
    x = (np.arange(width) + 0.5 - K[0, 2]) / K[0, 0]
    y = (np.arange(height) + 0.5 - K[1, 2]) / K[1, 1]
    xy = np.stack(np.broadcast_arrays(x[None, :], y[:, None]), axis=-1)
    source = distort(xy, distortion, fisheye)
    source[np.hypot(xy[..., 0], xy[..., 1]) > _valid_radius(xy, distortion, fisheye)] = np.nan
    x_px, y_px = ((source[..., i] * K[i, i] + K[i, 2]) * (source_px[i] / size_px[i]) for i in range(2))
    return x_px.astype(np.float32), y_px.astype(np.float32)


def _valid_radius(xy: Array, distortion: Array, fisheye: bool) -> float:
    # Beyond some radius a polynomial turns back and would show the picture a second time, mirrored.
    r = np.linspace(0, float(np.hypot(xy[..., 0], xy[..., 1]).max()), 1024)
    mapped = fisheye_radius(np.arctan(r), distortion) if fisheye else r * radial_scale(r * r, distortion)
    falling = np.flatnonzero(np.diff(mapped) <= 0)
    return float(r[falling[0]]) if len(falling) else np.inf
