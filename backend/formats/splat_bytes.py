"""How splats are quantized in formats of few bytes: colors, opacities, and quaternions by their three smallest components."""

from __future__ import annotations

import numpy as np

from ..geometry.vectors import unit
from ..values import SH_C0, Array

OUTERMOST = 0.25 / 255  # what the bytes 0 and 255 stand for as opacities: a quarter of a step inside, so that their logits are finite
HALF_ROOT = np.float32(np.sqrt(0.5))  # the largest that the three smaller components of a unit quaternion can be
# Which components are stored where the largest one isn't, by its index.
OTHERS = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])


def to_bytes(values: Array) -> Array:
    """Values rounded to uint8 and clipped."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def opacity_bytes(logits: Array) -> Array:
    """Opacities as uint8, 255 is opaque, of logits."""
    return to_bytes(255.0 / (1.0 + np.exp(-logits)))


def logits_of_bytes(stored: Array) -> Array:
    """Logits float32 of opacities as uint8."""
    every = np.clip(np.arange(256) / 255, OUTERMOST, 1 - OUTERMOST)
    return np.log(every / (1 - every)).astype(np.float32)[stored]


def color_bytes(base: Array) -> Array:
    """SRGB as uint8 of SH coefficients of degree 0."""
    return to_bytes(255.0 * (0.5 + SH_C0 * base))


def base_of_bytes(srgb: Array) -> Array:
    """SH coefficients of degree 0, float32, of sRGB as uint8."""
    return ((np.arange(256, dtype=np.float32) / 255 - 0.5) / np.float32(SH_C0))[srgb]


def smallest_three(quats: Array) -> tuple[Array, Array]:
    """The index [N] of the largest component of quaternions [N,4], and the others [N,3] in order, where the largest is positive."""
    quats = unit(quats)
    largest = np.abs(quats).argmax(axis=1)
    rows = np.arange(len(quats))
    sign = np.where(quats[rows, largest] < 0, -1, 1).astype(quats.dtype)
    return largest, quats[rows[:, None], OTHERS[largest]] * sign[:, None]


def from_smallest_three(largest: Array, others: Array) -> Array:
    """Quaternions [N,4] float32 of the index [N] of the largest component and the others [N,3]."""
    quats: Array = np.empty((len(others), 4), np.float32)
    rows = np.arange(len(others))
    quats[rows[:, None], OTHERS[largest]] = others
    quats[rows, largest] = np.sqrt(np.maximum(0.0, 1.0 - np.square(others).sum(axis=1)))
    return quats


def channel_major(sh: Array) -> Array:
    """Coefficients above degree 0 [N,K-1,3] as rows [N,3(K-1)], all of red first."""
    return sh.transpose(0, 2, 1).reshape(len(sh), -1)


def coefficient_major(rows: Array) -> Array:
    """The inverse of `channel_major`."""
    return rows.reshape(len(rows), 3, -1).transpose(0, 2, 1)
