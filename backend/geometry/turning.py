"""Splats turned by a rotation: positions, quaternions and spherical harmonics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..values import Array, Splats
from . import harmonics, quaternions

BLOCK = 16384  # splats turned at a time, so that they stay in the processor's cache
UNTURNED = 1e-6  # largest entry of R - I for which nothing is turned


def turned(splats: Splats, rotation: Array, overwrite: bool = False) -> Splats:
    """`splats` after a rotation [3,3] about the origin; positions keep their precision.

    With `overwrite` the result takes the place of what is given, which saves as much memory again.
    """
    if np.allclose(rotation, np.eye(3), atol=UNTURNED):
        return splats
    turn = quaternions.from_matrices(np.asarray(rotation)[None])[0]
    bands = harmonics.rotation_matrix(rotation, splats.sh_degree)
    given = (splats.means, splats.quats, splats.sh)
    means, quats, sh = given if overwrite else (np.empty_like(values) for values in given)
    for first in range(0, len(splats), BLOCK):
        rows = slice(first, first + BLOCK)
        means[rows] = splats.means[rows] @ np.asarray(rotation).T
        quats[rows] = quaternions.product(turn, splats.quats[rows])
        sh[rows] = harmonics.turned(splats.sh[rows], bands)
    return replace(splats, means=means, quats=quats, sh=sh)
