"""Surfels from splats of any shape."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..geometry import quaternions
from ..geometry.vectors import unit
from ..values import Splats

Array = Any
ROUND = 1.05  # ratio of longest to shortest axis, below which a splat counts as round
THINNEST = np.float32(-7.0)  # log of the third scale by the shorter other one, 0.1 %: thin enough to look flat in any viewer


def as_surfels(splats: Splats, seed: int) -> Splats:
    """Splats as discs whose normal is the shortest axis, or random where splats are round, as in Huang et al. 2024."""
    if splats.surfels:
        return splats
    order = np.argsort(-splats.log_scales, axis=1, kind="stable")
    log_scales = np.take_along_axis(splats.log_scales, order, axis=1)
    # Rotations that permute the axes so that the shortest becomes the third: by 120 degrees, 1 + i + j + k, or its inverse.
    half = np.float32(0.5)
    turns = np.array([[half, half, half, half], [half, -half, -half, -half], [1, 0, 0, 0]], np.float32)
    quats = quaternions.product(splats.quats, turns[order[:, 2]])
    # The permutation may have swapped the two long axes.
    first = (order[:, 2] + 1) % 3
    swapped = order[:, 0] != first
    log_scales[swapped, :2] = log_scales[swapped, 1::-1]
    flat = log_scales[:, 0] - log_scales[:, 2] < np.log(ROUND)
    random = np.random.default_rng(seed).normal(size=(len(splats), 4)).astype(np.float32)
    quats = np.where(flat[:, None], unit(random), quats)
    return replace(splats, quats=quats.astype(np.float32), log_scales=flattened(log_scales), surfels=True)


def flattened(log_scales: Array) -> Array:
    """Log scales [N,3] with the third set to the thickness that surfels are stored with."""
    thin = log_scales.copy()
    thin[:, 2] = thin[:, :2].min(axis=1) + THINNEST
    return thin
