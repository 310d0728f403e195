"""What a viewport or a render looks through, as a pinhole camera with OpenCV's axes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = Any
# Orthographic views are drawn by a pinhole this many view widths away: rays are parallel to 1/4000 of the width from edge to middle.
PARALLEL = 2000.0
_OPENCV_FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class View:
    """A camera, the part of space that it shows, and the depth of what else is there."""

    cam_from_world: Array  # [4,4] float64
    focal_px: tuple[float, float]
    principal_px: tuple[float, float]
    width: int
    height: int
    near: float = 0.0  # nearest and farthest depth that is shown, in the world's unit
    far: float = np.inf
    clip_planes: tuple[Array, ...] = ()  # [4] each; a point is shown where n.p + d >= 0
    depth: Array | None = None  # [H,W] float32, depth buffer, first row at the bottom; None where nothing hides splats
    depth_terms: tuple[float, ...] = field(default=(0.0, 0.0, 0.0, 0.0))  # [2,2], [2,3], [3,2] and [3,3] of the projection
    depth_shift: float = 0.0  # how much farther from this camera a depth is than from the viewport's own


def view_of(
    window_matrix: Array,
    view_matrix: Array,
    width: int,
    height: int,
    clip: tuple[float, float],
    clip_planes: tuple[Array, ...] = (),
    depth: Array | None = None,
) -> View:
    """The view of a region or a camera: OpenGL's projection [4,4] and view matrix [4,4], the size in pixels, and where it is clipped.

    `clip` counts for perspective views, whose far end a float32 projection doesn't hold.
    """
    p, v = np.asarray(window_matrix, np.float64), np.asarray(view_matrix, np.float64)
    cam_from_world = _OPENCV_FROM_OPENGL @ v
    shift = 0.0
    focal = p[0, 0] * width / 2, p[1, 1] * height / 2
    if p[3, 2] == 0.0:  # orthographic: pixels per unit at every depth
        shift = PARALLEL * 2 / p[0, 0]
        principal = width / 2 * (1 + p[0, 3]), height / 2 * (1 - p[1, 3])
        focal = focal[0] * shift, focal[1] * shift
        cam_from_world[2, 3] += shift
        # From the matrix: an orthographic viewport shows both sides of the plane through its center, a camera what is before it.
        near, far = shift + (1 + p[2, 3]) / p[2, 2], shift + (p[2, 3] - 1) / p[2, 2]
    else:
        principal = width / 2 * (1 - p[0, 2]), height / 2 * (1 + p[1, 2])
        near, far = clip
    terms = (p[2, 2], p[2, 3], p[3, 2], p[3, 3])
    return View(cam_from_world, focal, principal, width, height, near, far, clip_planes, depth, terms, shift)
