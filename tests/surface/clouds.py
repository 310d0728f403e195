"""Points and splats on solids of known size."""

from __future__ import annotations

import numpy as np
from reify.backend.values import Points, Splats


def ball_points(count: int = 4000, radius: float = 0.8, noise: float = 0.0, normals: bool = True, seed: int = 0) -> Points:
    """Points spread evenly over a sphere around (1, 2, 3), red where x is larger than 1, else blue."""
    index = np.arange(count) + 0.5
    z, angle = 1 - 2 * index / count, np.pi * (1 + 5**0.5) * index
    outward = np.stack([np.sqrt(1 - z**2) * np.cos(angle), np.sqrt(1 - z**2) * np.sin(angle), z], axis=1)
    xyz = np.array([1.0, 2.0, 3.0]) + radius * outward + noise * np.random.default_rng(seed).normal(size=outward.shape)
    rgb = np.where(outward[:, :1] > 0, [[255, 0, 0]], [[0, 0, 255]]).astype(np.uint8)
    return Points(xyz.astype(np.float32), rgb, outward.astype(np.float32) if normals else None)


def torus_points(count: int = 12_000, seed: int = 0) -> Points:
    """Random points on a torus of radii 0.65 and 0.25 around the Z axis, without normals."""
    rng = np.random.default_rng(seed)
    a, b = 2 * np.pi * rng.random((2, 3 * count))
    kept = rng.random(3 * count) < (0.65 + 0.25 * np.cos(b)) / 0.9
    a, b = a[kept][:count], b[kept][:count]
    ring = 0.65 + 0.25 * np.cos(b)
    return Points(np.stack([ring * np.cos(a), ring * np.sin(a), 0.25 * np.sin(b)], axis=1).astype(np.float32))


def ball_splats(count: int = 3000, opacity_logit: float = 6.0) -> Splats:
    """Flat round splats that tile a sphere of radius 0.8 around (1, 2, 3)."""
    points = ball_points(count)
    outward = points.normals.astype(np.float64)
    size = 0.8 * (4 * np.pi / count) ** 0.5
    # The quaternion that turns z to the normal.
    quats = np.stack([1 + outward[:, 2], -outward[:, 1], outward[:, 0], np.zeros(count)], axis=1)
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    log_scales = np.log(np.tile([size, size, 0.05 * size], (count, 1)))
    sh = ((points.rgb / 255.0 - 0.5) / 0.28209479177387814)[:, None].astype(np.float32)
    logits = np.full(count, opacity_logit, np.float32)
    return Splats(points.xyz, quats.astype(np.float32), log_scales.astype(np.float32), logits, sh)
