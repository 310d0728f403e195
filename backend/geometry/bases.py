"""The faces that a body could stand on: what is level and wide enough below its middle."""

from __future__ import annotations

import numpy as np

from ..values import Array

TILT_DEG = 8.0  # between facets of the convex hull that count as one base, as an underside is rarely flat


def bases(points: Array) -> tuple[Array, Array]:
    """Unit normals [B,3], outward, of what points [N,3] could stand on without falling over, and their shares [B] of the hull's area.

    The widest comes first. A base is facets of the convex hull that face nearly the same way and lie below the middle of the hull's
    surface. There is one at least. Raises ValueError where points lie in a plane, or there are fewer than four.
    """
    from scipy.spatial import ConvexHull, QhullError

    try:
        hull = ConvexHull(np.asarray(points, np.float64))
    except (QhullError, ValueError) as error:
        raise ValueError("points of a body don't lie in a plane") from error
    corners = hull.points[hull.simplices]  # [F,3,3]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    normals, offsets = hull.equations[:, :3], hull.equations[:, 3]
    middle = areas @ corners.mean(axis=1) / areas.sum()
    depths = -(normals @ middle + offsets)  # of the middle behind each facet's plane
    found, shares = [], []
    left = np.ones(len(areas), bool)
    while left.any():
        alike = left & (normals @ normals[np.argmax(np.where(left, areas, -1.0))] > np.cos(np.radians(TILT_DEG)))
        normal = areas[alike] @ normals[alike]
        normal /= np.linalg.norm(normal)
        below = normals @ normal
        reached = np.argmin(np.where(below > 1e-9, depths / np.maximum(below, 1e-9), np.inf))
        if alike[reached]:
            found.append(normal)
            shares.append(areas[alike].sum() / areas.sum())
        left &= ~alike
    if not found:  # every base reaches past the middle; what is nearest to it is the last that a body would come to rest on
        return normals[[depths.argmin()]], areas[[depths.argmin()]] / areas.sum()
    order = np.argsort(-np.array(shares), kind="stable")
    return np.array(found)[order], np.array(shares)[order]
