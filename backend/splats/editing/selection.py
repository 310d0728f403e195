"""Which splats are meant: by place, looks, density and connection, as masks [N] bool."""

from __future__ import annotations

import numpy as np

from ...values import Array
from .cells import cells_of

PATCH_PX = 4  # edge length of the squares in which what is nearest hides what is behind
MOST_PATCHES = 2048  # along a side of the picture
OPAQUE = 0.3  # opacity above which a splat hides what is behind it
FAINTEST_BODY = 0.5  # sum of opacity in a cell and around it below which nothing is connected through it


def polygon_mask(polygon: Array, width: int, height: int) -> Array:
    """The pixels [H,W] bool whose centers lie inside a closed polygon [K,2], by the even-odd rule."""
    toggles = np.zeros((height, width + 1), np.int32)
    rows = np.arange(height)
    for (ax, ay), (bx, by) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        first, last = sorted((ay, by))
        crossed = rows[(rows + 0.5 >= first) & (rows + 0.5 < last)]
        if len(crossed):
            x = (bx - ax) * (crossed + 0.5 - ay) / (by - ay) + ax
            np.add.at(toggles, (crossed, np.clip(np.ceil(x - 0.5), 0, width).astype(int)), 1)
    return np.cumsum(toggles, axis=1)[:, :-1] % 2 == 1


def in_mask(xy_px: Array, mask: Array) -> Array:
    """Whether pixels [N,2] are in a mask [H,W]; those outside of it, or not finite, aren't."""
    height, width = mask.shape
    within = (xy_px >= 0).all(axis=1) & (xy_px[:, 0] < width) & (xy_px[:, 1] < height)
    inside = np.zeros(len(xy_px), bool)
    x, y = xy_px[within].astype(np.int64).T
    inside[within] = mask[y, x]
    return inside


def inside_sphere(points: Array, center: Array, radius: float) -> Array:
    """Whether points [N,3] are at most `radius` from `center` [3]."""
    offset = points - np.asarray(center, points.dtype)
    return np.einsum("ij,ij->i", offset, offset) <= radius * radius


def in_front(xy_px: Array, depth: Array, opacity: Array, tolerance: float) -> Array:
    """Whether splats at pixels [N,2] and depths [N] are seen: at most `tolerance` behind the first opaque one in their patch.

    Splats whose depth isn't above 0 are behind the camera, and hidden.
    """
    before = depth > 0
    patch = np.zeros((len(xy_px), 2), np.int64)
    patch[before] = np.clip(xy_px[before] / PATCH_PX, -1.0, MOST_PATCHES) + 1
    code = patch[:, 0] * (MOST_PATCHES + 2) + patch[:, 1]
    nearest = np.full((MOST_PATCHES + 2) ** 2, np.inf)
    solid = before & (opacity > OPAQUE)
    np.minimum.at(nearest, code[solid], depth[solid])
    return before & (depth <= nearest[code] + tolerance)


def like_color(srgb: Array, wanted: Array, tolerance: float) -> Array:
    """Whether colors [N,3] are at most `tolerance` from `wanted` [3], as a distance in sRGB of 0 to 1."""
    return inside_sphere(srgb, wanted, tolerance)


def sparse(points: Array, opacity: Array, size: float, least: float) -> Array:
    """Whether the cell of a splat, edge length `size`, and its 26 neighbors hold less than `least` opacity in sum."""
    cells = cells_of(points, size)
    return (cells.around(cells.sums(opacity)) < least)[cells.of_point]


def largest_body(points: Array, opacity: Array, size: float, middle: Array | None = None) -> Array:
    """Whether splats belong to the connected body of the most opacity, or to the one nearest `middle` [3] of the large ones.

    Splats are connected where cells of edge length `size` touch that aren't nearly clear.
    """
    cells = cells_of(points, size)
    weight = cells.sums(opacity)
    body = cells.bodies(cells.around(weight) >= FAINTEST_BODY)
    mass = np.bincount(body, weight, len(body))
    best = int(mass.argmax())
    if middle is not None:
        of_point = body[cells.of_point]
        distance = np.linalg.norm(points - middle, axis=1)
        nearest = np.full(len(body), np.inf)
        np.minimum.at(nearest, of_point, distance)
        best = int(np.where(mass >= 0.1 * mass[best], nearest, np.inf).argmin())
    return (body == best)[cells.of_point]


def floaters(points: Array, opacity: Array, size: float) -> Array:
    """Whether splats hang in the air: in bodies that have less than 1 % of the largest one's opacity."""
    cells = cells_of(points, size)
    weight = cells.sums(opacity)
    body = cells.bodies(cells.around(weight) >= FAINTEST_BODY)
    mass = np.bincount(body, weight, len(body))
    return (mass[body] < 0.01 * mass.max())[cells.of_point]


def grown(points: Array, chosen: Array, distance: float) -> Array:
    """A selection [N] and what is about `distance` from it or nearer, cell by cell."""
    cells = cells_of(points, distance)
    return chosen | (cells.around(cells.sums(chosen.astype(np.float64))) > 0)[cells.of_point]
