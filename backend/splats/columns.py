"""Columns of the float32 rows that kernels, rasterizers, strategies and schedule share; `layout` makes the rows.

Kernels are compiled with these constants.
"""

# A parameter row has `row_width(bases)` floats; Adam's two moments follow in rows of the same shape. All but the view-dependent color is in
# the first cache line (64 bytes); that color starts at SH, with `channel_width(bases)` floats a channel.
MEAN, OPACITY, QUATERNION, LOG_SCALE, BASE_COLOR, SH = 0, 3, 4, 8, 11, 16

# What training gathers of each splat for densification: the summed signal (blending weight times error, or the length of the gradient by
# the projected center), and the number of views that it was seen in.
STAT_SIGNAL, STAT_SEEN = range(2)
STATS = 2

# A pinhole camera: rotation (row-major) and translation of cam_from_world, focal lengths and principal point in pixels, center in the
# world, width and height in pixels.
ROTATION, TRANSLATION, FOCAL, PRINCIPAL, CENTER, SIZE = 0, 9, 12, 14, 16, 19
CAMERA = 24
