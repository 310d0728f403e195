"""Similarity transforms of splats, view-dependent color included."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..formats.splat_files import write_splats
from ..geometry.turning import turned
from ..values import Array, Splats

UNEVEN = 1e-3  # largest entry of |A Aᵀ / s² - I| for which the matrix A of scale s still counts as a similarity


def transformed(splats: Splats, matrix: Array) -> Splats:
    """`splats` after a similarity [4,4]; raises ReifyError for a matrix that mirrors or scales unevenly."""
    linear = np.asarray(matrix, dtype=np.float64)[:3, :3]
    determinant = float(np.linalg.det(linear))
    scale = np.cbrt(determinant)
    if not determinant > 0 or np.abs(linear @ linear.T / scale**2 - np.eye(3)).max() > UNEVEN:
        raise ReifyError(
            "Splats can't be mirrored or scaled unevenly.", "Give the object, and what it hangs on, one scale above 0 for all axes."
        )
    return replace(
        turned(splats, linear / scale),
        means=(splats.means @ linear.T + np.asarray(matrix)[:3, 3]).astype(np.float32),
        log_scales=(splats.log_scales + np.log(scale)).astype(np.float32),
    )


def write_moved(splats: Splats, matrix: Array, path: Path, large: bool = False, up: str = "") -> tuple[str, ...]:
    """Write splats after a similarity [4,4], in float64 where that leads to `large` coordinates.

    `up` is the axis that is to point up in the file, "" for the one that its format has up. Returns what the format can't hold, a
    sentence each. Raises ReifyError.
    """
    if not large:
        return write_splats(transformed(splats, matrix), path, up)
    near, offset = matrix.copy(), matrix[:3, 3].copy()
    near[:3, 3] = 0.0
    return write_splats(transformed(splats, near), path, up, offset)
