"""The place on a result that is seen at a pixel of a viewport: on splats as well, which have no surface that a ray could hit."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from bpy_extras import view3d_utils
from mathutils import Vector

from ..backend.errors import ReifyError
from ..scene import placement

RADIUS_PX = 8.0  # around the pixel
FRONT_SHARE = 0.1  # of the splats there are in front; of those the middle one counts, as a floater may be the first


def place_at(context: bpy.types.Context, root: bpy.types.Object, x: float, y: float) -> Vector:
    """The world's place of a result at a pixel of the context's region; raises ReifyError where nothing of it is there."""
    region, view = context.region, context.region_data
    mesh = _on_mesh(context, root, region, view, (x, y))
    if mesh is not None:
        return mesh
    xyz = placement.points_of(root)
    seen = np.column_stack((xyz, np.ones(len(xyz)))) @ np.array(view.perspective_matrix, dtype=np.float64).T
    front = seen[:, 3] > 0
    xyz, seen = xyz[front], seen[front]
    px = (seen[:, :2] / seen[:, 3:] + 1) / 2 * (region.width, region.height)
    near = np.flatnonzero(np.hypot(*(px - (x, y)).T) < RADIUS_PX)
    if not len(near):
        raise ReifyError("There is nothing of the result here.", "Click on what can be seen of it.")
    by_depth = near[np.argsort(seen[near, 2] / seen[near, 3])]
    chosen = by_depth[: max(1, int(FRONT_SHARE * len(by_depth)))]
    return Vector(np.median(xyz[chosen], axis=0))


def _on_mesh(context: bpy.types.Context, root: bpy.types.Object, region: Any, view: Any, at: tuple[float, float]) -> Vector | None:
    origin = view3d_utils.region_2d_to_origin_3d(region, view, at)
    direction = view3d_utils.region_2d_to_vector_3d(region, view, at)
    hit, place, _normal, _face, made, _matrix = context.scene.ray_cast(context.evaluated_depsgraph_get(), origin, direction)
    return place if hit and made.type == "MESH" and made.original in placement.shown_of(root) else None
