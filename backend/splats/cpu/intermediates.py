"""Rows and planes of float32 that the kernels of the CPU (njit) and of graphics cards (CUDA) hand to each other; constants of both."""

from __future__ import annotations

TILE = 16  # pixels; two columns of eight lanes
MARGIN = 8  # zeros around every picture, so that an 11-tap window needs no bounds

# A projected splat: one cache line. Its opacity at an offset (dx, dy) in pixels is 2^(QUAD_A dx^2 + QUAD_B dx dy + QUAD_C dy^2 + QUAD_L).
X, Y, QUAD_A, QUAD_B, QUAD_C, QUAD_L, RED, GREEN, BLUE, DEPTH, EXTENT_X, EXTENT_Y, ALPHA = range(13)
PROJECTED = 16

# Box of tiles that a projected splat touches: columns and rows, first and last+1.
LEFT, RIGHT, TOP, BOTTOM = range(4)

# A gradient row, of one splat in one tile: sums over pixels of g, g dx, g dy, g dx^2, g dx dy, g dy^2 (g = dLoss/dExponent), of blending
# weight times the colors' gradient, and of the signal for densification: weight times error or, where that was asked for, the length of
# the gradient by the projected center.
G, G_X, G_Y, G_XX, G_XY, G_YY, V_RED, V_GREEN, V_BLUE, SIGNAL = range(10)
GRADIENT = 16

# With depth and normals also the sums of v dx, v dy and v (v = dLoss/dDepth of the splat's plane at the pixel), and of weight times the
# normal's gradient.
V_SLOPE, V_DEPTH, V_NORMAL = 10, 12, 13

# The gradient row of a surfel holds other sums in some columns: dLoss/dX and dLoss/dY of the projected center; g dx^2, g dx dy and g dy^2
# shrunk as the plane's points are; the gradient of SHRINK.
V_CENTER, V_SHRINK = 1, 10

# Planes [GEOMETRY,H,W] that are blended beside the colors: sums over splats of blending weight times depth less an offset, the `middle`
# depth of the visible splats; times its square; times the unit normal in camera space; and the depth of the surface, which has no gradient.
DEPTHS, SQUARES, NORMALS, SURFACE = 0, 1, 2, 5
GEOMETRY = 6

# What pixels need of a surfel beside its projected row, see surfels.py: P^-1 by rows, s, and the unit normal in camera space, towards the
# camera.
INVERSE, SHRINK, NORMAL = 0, 4, 6
DISC = 16
