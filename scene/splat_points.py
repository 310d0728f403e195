"""Splats as a point cloud: what other tools measure, mesh and show, with colors and normals."""

from __future__ import annotations

import bpy
import numpy as np

from ..backend.geometry import quaternions
from ..backend.splats.editing.subject import focus_of
from ..backend.values import SH_C0, Array, Points, Splats
from .points import points_object
from .splat_edits import cloud_of, hidden
from .splat_selection import cameras_of
from .splats import read_splats

OPAQUE = 0.3  # fainter splats are no surface
POINT_RADIUS = 0.004
ONE_SIDED = 0.5  # mean of the cameras' directions from their focus, above which they stand to one side of the subject


def points_beside(source: bpy.types.Object, least_opacity: float = OPAQUE) -> bpy.types.Object:
    """A new object with a point at each shown splat of at least some opacity, where the splats stand; raises ReifyError.

    Colors are the mean ones. The attribute "normal" is the shortest axis of the splat, toward cameras that stand to one
    side, else away from the middle.
    """
    shown = ~hidden(cloud_of(source))
    splats = read_splats(source)
    opacity = 1 / (1 + np.exp(-splats.opacity_logits))
    splats = splats.take(shown & (opacity >= least_opacity))
    rgb = np.rint(255 * np.clip(0.5 + SH_C0 * splats.sh[:, 0], 0, 1)).astype(np.uint8)
    scale = abs(source.matrix_world.determinant()) ** (1 / 3) or 1.0
    made = points_object(f"{source.name} Points", Points(splats.means, rgb, _normals(splats, source)), POINT_RADIUS / scale)
    for collection in source.users_collection:
        collection.objects.link(made)
    made.parent = source.parent
    made.matrix_parent_inverse = source.matrix_parent_inverse
    made.matrix_basis = source.matrix_basis
    return made


def _normals(splats: Splats, source: bpy.types.Object) -> Array:
    axes = quaternions.to_matrices(splats.quats)
    shortest = splats.log_scales.argmin(axis=1)
    normals = np.take_along_axis(axes, shortest[:, None, None], axis=2)[:, :, 0]
    cameras = cameras_of(source)
    middle = np.median(splats.means, axis=0) if cameras is None or len(cameras) < 3 else focus_of(cameras)[0]
    outward = splats.means - middle
    if cameras is not None and len(cameras) > 2:
        centers = cameras.centers - middle
        if np.linalg.norm(centers.mean(axis=0)) > ONE_SIDED * np.linalg.norm(centers, axis=1).mean():
            outward = cameras.centers.mean(axis=0) - splats.means
    normals = np.where(np.einsum("nc,nc->n", normals, outward)[:, None] < 0, -normals, normals)
    return normals.astype(np.float32)
