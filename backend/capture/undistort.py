"""Pictures of real lenses to pictures of pinhole cameras with the same focal length, principal point and size."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .. import device
from ..values import Array, Cameras


def undistort(pixels: Array, cameras: Cameras, index: int) -> tuple[Array, Array]:
    """What a pinhole camera with K of camera `index` would have seen, and where it is known.

    `pixels` [h,w,N] uint8, the camera's picture in any size -> [H,W,N] uint8 in the camera's size, and [H,W] uint8, 255 where the source
    covers the pixel and 0 elsewhere.
    """
    K, distortion, (width, height) = cameras.K[index], cameras.distortion[index], cameras.size_px[index].tolist()
    source_px = (pixels.shape[1], pixels.shape[0])
    x_px, y_px = _source_map(K.tobytes(), (width, height), source_px, distortion.tobytes(), cameras.fisheye)
    return _kernel()(np.ascontiguousarray(pixels), x_px, y_px)


def distort(xy: Array, distortion: Array, fisheye: bool) -> Array:
    """Ideal image points to where the lens puts them, both as x/z, y/z [...,2] (OpenCV's rational and equidistant models)."""
    x, y = xy[..., 0], xy[..., 1]
    r2 = x * x + y * y
    if fisheye:
        r = np.sqrt(r2)
        scale = np.divide(_fisheye_radius(np.arctan(r), distortion), r, out=np.ones_like(r), where=r > 1e-9)
        return xy * scale[..., None]
    _, _, p1, p2, *_ = distortion
    radial = _radial_scale(r2, distortion)
    return np.stack([x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x), y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y], axis=-1)


def project(cameras: Cameras, index: int, xyz: Array) -> tuple[Array, Array]:
    """World points [N,3] to pixels [N,2] of the picture as the lens took it, and their depths along the viewing axis [N]."""
    cam_from_world = cameras.cam_from_world[index]
    in_cam = xyz @ cam_from_world[:3, :3].T + cam_from_world[:3, 3]
    xy = distort(in_cam[:, :2] / in_cam[:, 2:], cameras.distortion[index], cameras.fisheye)
    K = cameras.K[index]
    return xy @ K[:2, :2].T + K[:2, 2], in_cam[:, 2]


def _radial_scale(r2: Array, distortion: Array) -> Array:
    k1, k2, _, _, k3, k4, k5, k6 = distortion
    return (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)))


def _fisheye_radius(theta: Array, distortion: Array) -> Array:
    k1, k2, k3, k4 = distortion[:4]
    t2 = theta * theta
    return theta * (1 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4))))


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
    mapped = _fisheye_radius(np.arctan(r), distortion) if fisheye else r * _radial_scale(r * r, distortion)
    falling = np.flatnonzero(np.diff(mapped) <= 0)
    return float(r[falling[0]]) if len(falling) else np.inf
