"""Morton codes: places along a Z-order curve, on which neighbors in space are mostly neighbors in order."""

from __future__ import annotations

import numpy as np

from ..values import Array

BITS = 21  # of each axis that fit into 63
SPREADS = ((32, 0x1F00000000FFFF), (16, 0x1F0000FF0000FF), (8, 0x100F00F00F00F00F), (4, 0x10C30C30C30C30C3), (2, 0x1249249249249249))


def codes(points: Array, bits: int = BITS) -> Array:
    """Codes [N] uint64 of points [N,3], which are clipped to the unit box, from their first `bits` bits."""
    code = np.zeros(len(points), np.uint64)
    for axis in range(3):
        spread = (points[:, axis].clip(0.0, 1.0) * (2**bits - 1)).astype(np.uint64)
        for shift, mask in SPREADS:
            spread = (spread | spread << np.uint64(shift)) & np.uint64(mask)
        code |= spread << np.uint64(axis)
    return code
