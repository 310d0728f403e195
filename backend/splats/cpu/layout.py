"""Where things stand in the engine's flat float32 rows."""

from __future__ import annotations

import numpy as np

from ...values import Cameras

TILE = 16  # pixels; two columns of eight lanes
MARGIN = 8  # zeros around every picture, so that an 11-tap window needs no bounds

# A splat's parameters: one row of `row_width(bases)` floats, followed by Adam's two moments in rows of the same shape.
# All but the view-dependent color is in the first cache line; that starts at SH, with `channel_width(bases)` floats for each channel.
MEAN, OPACITY, QUATERNION, LOG_SCALE, BASE_COLOR, SH = 0, 3, 4, 8, 11, 16

# A projected splat: one cache line. The exponent is QUAD_A dx^2 + QUAD_B dx dy + QUAD_C dy^2 + QUAD_L in base 2.
X, Y, QUAD_A, QUAD_B, QUAD_C, QUAD_L, RED, GREEN, BLUE, DEPTH, EXTENT_X, EXTENT_Y, ALPHA = range(13)
PROJECTED = 16

# Tiles that a projected splat's box touches: columns and rows, first and last+1.
LEFT, RIGHT, TOP, BOTTOM = range(4)

# A gradient row of one splat in one tile: sums over pixels of g, g dx, g dy, g dx^2, g dx dy, g dy^2 (g = dLoss/dExponent),
# of weight times the colors' gradient, and of what densification is driven by: weight times error or, where that was asked for,
# the length of the gradient by the projected center.
G, G_X, G_Y, G_XX, G_XY, G_YY, V_RED, V_GREEN, V_BLUE, SIGNAL = range(10)
GRADIENT = 16

# Where depth and normals were blended, too, the sums of v dx, v dy and v (v = dLoss/dDepth of the splat's plane at the pixel), and of
# weight times the normal's gradient.
V_SLOPE, V_DEPTH, V_NORMAL = 10, 12, 13

# Of a surfel in one tile some columns hold other sums: of dLoss/dX and dLoss/dY of its projected center, of g dx^2, g dx dy and g dy^2
# shrunk as the plane's points are, and of the gradient of SHRINK.
V_CENTER, V_SHRINK = 1, 10

# What is blended beside the colors, planes [GEOMETRY,H,W]: weighted sums of depth less a depth amid the scene, of its square and of the
# normal in camera space; and the depth of the surface, which has no gradient.
DEPTHS, SQUARES, NORMALS, SURFACE = 0, 1, 2, 5
GEOMETRY = 6

# What else of a projected surfel pixels need, see surfels.py: P^-1 by rows, s, and the unit normal in camera space, towards the camera.
INVERSE, SHRINK, NORMAL = 0, 4, 6
DISC = 16

# What the engine gathers of each splat for densification.
STAT_SIGNAL, STAT_SEEN = range(2)
STATS = 2

# A camera: rotation (row-major), translation, focal lengths, principal point, center, size.
ROTATION, TRANSLATION, FOCAL, PRINCIPAL, CENTER, SIZE = 0, 9, 12, 14, 16, 19
CAMERA = 24


def channel_width(bases: int) -> int:
    """Floats of one channel's view-dependent color: the bases but the constant one, padded to eight."""
    return -(-(bases - 1) // 8) * 8


def row_width(bases: int) -> int:
    """Floats of a parameter row for that many SH bases; a multiple of eight."""
    return SH + 3 * channel_width(bases)


def camera_row(cameras: Cameras, index: int, scale: float = 1.0) -> np.ndarray:
    """One pinhole camera as the kernels take it, for a picture resized by `scale`."""
    row = np.zeros(CAMERA, np.float32)
    pose, k = cameras.cam_from_world[index], cameras.K[index]
    row[ROTATION:TRANSLATION] = pose[:3, :3].ravel()
    row[TRANSLATION:FOCAL] = pose[:3, 3]
    row[FOCAL:CENTER] = k[0, 0] * scale, k[1, 1] * scale, k[0, 2] * scale, k[1, 2] * scale
    row[CENTER:SIZE] = -pose[:3, :3].T @ pose[:3, 3]
    return row
