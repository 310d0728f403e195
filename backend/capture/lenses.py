"""Where lenses put what they see: OpenCV's rational and equidistant models of distortion."""

from __future__ import annotations

import numpy as np

from ..values import Array, Cameras


def distort(xy: Array, distortion: Array, fisheye: bool) -> Array:
    """Ideal image points to where the lens puts them, both as x/z, y/z [...,2] (OpenCV's rational and equidistant models)."""
    x, y = xy[..., 0], xy[..., 1]
    r2 = x * x + y * y
    if fisheye:
        r = np.sqrt(r2)
        scale = np.divide(fisheye_radius(np.arctan(r), distortion), r, out=np.ones_like(r), where=r > 1e-9)
        return xy * scale[..., None]
    _, _, p1, p2, *_ = distortion
    radial = radial_scale(r2, distortion)
    return np.stack([x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x), y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y], axis=-1)


def project(cameras: Cameras, index: int, xyz: Array) -> tuple[Array, Array]:
    """World points [N,3] to pixels [N,2] of the picture as the lens took it, and their depths along the viewing axis [N]."""
    cam_from_world = cameras.cam_from_world[index]
    in_cam = xyz @ cam_from_world[:3, :3].T + cam_from_world[:3, 3]
    xy = distort(in_cam[:, :2] / in_cam[:, 2:], cameras.distortion[index], cameras.fisheye)
    K = cameras.K[index]
    return xy @ K[:2, :2].T + K[:2, 2], in_cam[:, 2]


def radial_scale(r2: Array, distortion: Array) -> Array:
    """What a perspective lens scales an ideal point by, of its squared distance from the axis (OpenCV's rational model)."""
    k1, k2, _, _, k3, k4, k5, k6 = distortion
    return (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)))


def fisheye_radius(theta: Array, distortion: Array) -> Array:
    """Distance from the axis at which an equidistant lens shows a ray, of its angle in radians."""
    k1, k2, k3, k4 = distortion[:4]
    t2 = theta * theta
    return theta * (1 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4))))
