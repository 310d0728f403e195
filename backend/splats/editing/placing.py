"""Where splats, or whatever hangs together with them, stand in the world: rotations and moves as matrices [4,4]."""

from __future__ import annotations

import numpy as np

from ...values import Array
from .subject import Plane

LOWEST = 0.5  # percentile of heights that counts as the base: single splats lie lower


def leveled(plane: Plane) -> Array:
    """The rotation about the plane's point below the origin that turns its normal up."""
    axis = np.cross(plane.normal, (0.0, 0.0, 1.0))
    cosine = float(plane.normal[2])
    skew = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    turn = np.eye(3) + skew + skew @ skew / (1 + cosine)  # Rodrigues' formula for the shortest rotation
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    middle = plane.normal * plane.offset
    matrix[:3, 3] = middle - turn @ middle
    return matrix


def base_of(points: Array) -> Array:
    """The point [3] in the middle below points [N,3], at the height of the lowest ones."""
    low, high = np.percentile(points, (2, 98), axis=0)
    return np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, np.percentile(points[:, 2], LOWEST)])
