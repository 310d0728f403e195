"""Splats that look different from everywhere: a bumpy ball of flat splats with bright bands and colors that follow the view."""

from __future__ import annotations

import numpy as np
from reify.backend.values import SH_C0, Splats


def bumpy_ball(count: int, seed: int = 0) -> Splats:
    """`count` splats of SH degree 3 about the origin, some 1.2 in radius, more than half clear on average."""
    random = np.random.default_rng(seed)
    outwards = random.normal(size=(count, 3))
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    x, y, z = outwards.T
    radius = 1 + 0.25 * np.sin(5 * x + 1) * np.cos(4 * y) + 0.2 * z
    means = outwards * radius[:, None] * (1.0, 0.8, 1.2)
    quats = np.column_stack((1 + z, -y, x, np.zeros(count)))  # from the z axis outwards
    quats /= np.maximum(np.linalg.norm(quats, axis=1, keepdims=True), 1e-9)
    bands = np.stack([np.sin(frequency * means[:, axis] + axis) for axis, frequency in enumerate((7, 9, 8))], axis=1)
    srgb = 0.5 + 0.3 * bands + random.normal(0, 0.05, (count, 3))
    sh = random.normal(0, 0.04, (count, 16, 3))
    sh[:, 0] = (srgb - 0.5) / SH_C0
    sh[:, 1:4] += random.normal(0, 0.12, (1, 3, 3))
    return Splats(
        means=means.astype(np.float32),
        quats=quats.astype(np.float32),
        log_scales=(np.log((0.012, 0.02, 0.004)) + random.normal(0, 0.25, (count, 3))).astype(np.float32),
        opacity_logits=random.normal(1.5, 1.5, count).astype(np.float32),
        sh=sh.astype(np.float32),
    )


def surrounded(inner: Splats, count: int = 3000, seed: int = 1) -> Splats:
    """A thing about the origin inside of a colored shell of `count` splats, 7 in radius: no ray ends in nothing, as in a capture."""
    random = np.random.default_rng(seed)
    outwards = random.normal(size=(count, 3))
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    bands = np.stack([np.sin(frequency * outwards[:, axis] + axis) for axis, frequency in enumerate((5, 7, 6))], axis=1)
    sh = np.zeros((count, inner.sh.shape[1], 3))
    sh[:, 0] = (0.2 * bands + random.normal(0, 0.03, (count, 3))) / SH_C0
    quats = np.column_stack((1 + outwards[:, 2], -outwards[:, 1], outwards[:, 0], np.zeros(count)))
    shell = Splats(
        means=(7 * outwards).astype(np.float32),
        quats=(quats / np.maximum(np.linalg.norm(quats, axis=1, keepdims=True), 1e-9)).astype(np.float32),
        log_scales=np.full((count, 3), np.log((0.3, 0.3, 0.05)), np.float32),
        opacity_logits=np.full(count, 2.0, np.float32),
        sh=sh.astype(np.float32),
    )
    fields = ("means", "quats", "log_scales", "opacity_logits", "sh")
    return Splats(*(np.concatenate([getattr(part, field) for part in (inner, shell)]) for field in fields))
