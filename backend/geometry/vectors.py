"""Rows of vectors: unit length, projections, sums by index."""

from __future__ import annotations

import numpy as np

from ..values import Array


def unit(vectors: Array) -> Array:
    """Vectors [...,D] at length 1; zero vectors stay zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)


def rejections(directions: Array) -> Array:
    """Matrices [...,3,3] that take from a vector its part along each unit direction [...,3]: I - d dᵀ."""
    return np.eye(3) - directions[..., :, None] * directions[..., None, :]


def scatter_add(rows: Array, index: Array, count: int) -> Array:
    """Sums [count,D] float64 of the rows [N,D] that share an index [N]; zero where none has it."""
    return np.stack([np.bincount(index, column, count) for column in rows.T], axis=1)
