"""Splats as they lie in a 3D viewport's region: what is inside of an outline."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ..backend.splats.editing import selection
from ..backend.splats.editing.cells import usual_size
from ..backend.values import Array
from .splat_edits import cloud_of, opacity, positions

SHAPES = BOX, LASSO, CIRCLE, BRUSH = ("BOX", "LASSO", "CIRCLE", "BRUSH")


def outlined(context: bpy.types.Context, source: bpy.types.Object, shape: str, path_px: Array, brush_px: float, visible: bool) -> Array:
    """Mask [N] of the splats of `source` inside an outline on the context's region, `path_px` [K,2] from its lower left corner.

    BOX and CIRCLE take the first and last point: corners, or center and rim. BRUSH is all within `brush_px` of the path. With
    `visible` splats that opaque ones of the same object hide are left out.
    """
    region = context.region
    points = positions(cloud_of(source))
    xy, depth = projected(context, source, points)
    inside = selection.in_mask(xy, shape_mask(shape, path_px, brush_px, region.width, region.height)) & (depth > 0)
    if visible:
        scale = float(np.cbrt(abs(source.matrix_world.determinant())))
        inside &= selection.in_front(xy, depth, opacity(cloud_of(source)), 2 * usual_size(points) * scale)
    return inside


def shape_mask(shape: str, path_px: Array, brush_px: float, width: int, height: int) -> Array:
    """The pixels [H,W] of an outline, see `outlined`."""
    first, last = path_px[0], path_px[-1]
    if shape == LASSO:
        return selection.polygon_mask(path_px, width, height)
    if shape == BOX:
        corners = np.array([first, (last[0], first[1]), last, (first[0], last[1])])
        return selection.polygon_mask(corners, width, height)
    y, x = np.ogrid[0.5:height, 0.5:width]
    if shape == CIRCLE:
        return (x - first[0]) ** 2 + (y - first[1]) ** 2 <= float(((last - first) ** 2).sum())
    covered = np.zeros((height, width), bool)
    for start, end in zip(path_px, np.concatenate((path_px[1:], path_px[-1:])), strict=True):
        along = end - start
        share = np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / max(float(along @ along), 1e-9), 0.0, 1.0)
        covered |= (x - start[0] - share * along[0]) ** 2 + (y - start[1] - share * along[1]) ** 2 <= brush_px**2
    return covered


def projected(context: bpy.types.Context, source: bpy.types.Object, points: Array) -> tuple[Array, Array]:
    """Points [N,3] of an object's space on the context's region: pixels [N,2] from the lower left corner, and depths [N]."""
    view: Any = context.region_data
    world = np.array(source.matrix_world, np.float64)
    clip = np.array(view.perspective_matrix, np.float64) @ world
    along = -(np.array(view.view_matrix, np.float64) @ world)[2]
    placed = points @ clip[:2, :3].T.astype(np.float32) + clip[:2, 3].astype(np.float32)
    w = points @ clip[3, :3].astype(np.float32) + np.float32(clip[3, 3])
    depth = points @ along[:3].astype(np.float32) + np.float32(along[3]) if view.is_perspective else np.full(len(points), 1.0, np.float32)
    if not view.is_perspective:
        flat = points @ along[:3].astype(np.float32)
        depth += flat - flat.min(initial=0.0)
    size = np.array((context.region.width, context.region.height), np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (placed / w[:, None] * 0.5 + 0.5) * size, depth
