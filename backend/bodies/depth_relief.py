"""Relief by depth: what a picture shows as a sheet before the camera, each place as far away as a network takes it to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ReifyError
from ..formats.images import resize_to
from ..geometry import topology, triangles
from ..settings import option
from ..values import Array, Picture
from .progress import Progress, silent
from .sheet import Sheet, faces_of, sheet_for
from .solid import Solid

LEAST_PART = 0.002  # of the largest part's area: smaller scraps between cuts are dropped
RIM = 0.008  # of the map's longer side: so far inside the outline the depth is the subject's, and not mixed with what is behind


@dataclass(frozen=True)
class DepthSettings:
    """What a picture alone doesn't say about its depth."""

    farthest: float = option(2.5, "How many times as far away the farthest place is as the nearest", low=1.01, high=100.0)
    view: float = option(
        45.0,
        "Angle between the ends of the picture's longer side as the camera sees them",
        low=1.0,
        high=120.0,
        unit="°",
        label="View Angle",
    )
    steepest: float = option(
        86.0,
        "Where the surface turns away from the camera by more than this, it is cut instead of stretched",
        low=20.0,
        high=89.9,
        unit="°",
    )


def depth_relief(picture: Picture, disparity: Array, faces: int, settings: DepthSettings, progress: Progress = silent) -> Solid:
    """The front of what `picture` covers, open where one thing ends before another.

    `disparity` [h,w] belongs to the whole picture, its corner pixels to the picture's; it is inverse depth up to scale and shift. Raises
    ReifyError where nothing is left between the cuts.
    """
    progress(0.0, "laying out the mesh")
    sheet = sheet_for(picture.coverage, 2 * faces)
    progress(0.7, "placing it by depth")
    depth = depth_at(sheet.xy_px, picture, disparity, settings.farthest)
    height, width = picture.coverage.shape
    focal_px = 0.5 * max(height, width) / np.tan(np.radians(settings.view) / 2)
    rays = np.column_stack([sheet.xy_px - (width / 2, height / 2), np.full(len(depth), -focal_px)])  # z points to the viewer
    vertices = rays * depth[:, None]
    return _cut(sheet, vertices, settings.steepest)


def depth_at(xy_px: Array, picture: Picture, disparity: Array, farthest: float) -> Array:
    """Distances [P] along the camera's axis, from 1 to `farthest`, at places [P,2] in the picture's pixels."""
    from scipy.ndimage import map_coordinates

    rows, columns = disparity.shape
    covered = resize_to(np.round(picture.coverage * 255).astype(np.uint8), (columns, rows)) > 127
    known = _without_rim(disparity, covered)
    seen = known[covered] if covered.any() else known.ravel()
    low, high = float(seen.min()), float(seen.max())
    share = (known - low) / (high - low) if high > low else np.ones_like(known)
    scale = (np.array([columns, rows]) - 1) / np.maximum(np.array(picture.coverage.shape[::-1]) - 1, 1)
    x, y = ((xy_px - 0.5) * scale).T
    share = np.clip(map_coordinates(share.astype(np.float64), [y, x], order=1, mode="nearest"), 0.0, 1.0)
    return 1.0 / (share + (1.0 - share) / farthest)


def _without_rim(disparity: Array, covered: Array) -> Array:
    """The map with what lies along the outline of `covered` [h,w] bool, and beyond, taken over from further inside."""
    from scipy.ndimage import distance_transform_edt

    width = max(2.0, RIM * max(covered.shape))
    if covered.all() or not covered.any():
        return disparity
    inner = distance_transform_edt(np.pad(covered, 1, mode="edge"))[1:-1, 1:-1] > width
    if not inner.any():
        return disparity
    distance, (rows, columns) = distance_transform_edt(~inner, return_indices=True)
    near = distance < 3 * width  # parts that are thin all over keep their own
    return np.where(near, disparity[rows, columns], disparity)


def _cut(sheet: Sheet, vertices: Array, steepest: float) -> Solid:
    """The faces that aren't seen from the side, without scraps."""
    quads, rest = faces_of(sheet)
    faces = np.concatenate([quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3), rest])
    front = _facing(vertices, faces) > np.cos(np.radians(steepest))
    whole = np.concatenate([front[: 2 * len(quads)].reshape(-1, 2).all(axis=1), front[2 * len(quads) :]])
    kept = np.concatenate([np.repeat(whole[: len(quads)], 2), whole[len(quads) :]])
    if not kept.any():
        raise ReifyError("Nothing is left of the relief.", "Let it be steeper before it is cut.")
    part = topology.parts(faces[kept], len(vertices))
    area = np.bincount(part, triangles.areas(vertices, faces[kept]))
    kept[np.flatnonzero(kept)[(area < LEAST_PART * area.max())[part]]] = False
    whole = np.concatenate([kept[: 2 * len(quads) : 2], kept[2 * len(quads) :]])
    quads, rest = quads[whole[: len(quads)]], rest[whole[len(quads) :]]
    used = np.unique(np.concatenate([quads.ravel(), rest.ravel()]))
    place = np.zeros(len(vertices), int)
    place[used] = np.arange(len(used))
    none = np.zeros((0, 2), int)
    middle = [0.0, 0.0, 0.5 * (vertices[used, 2].min() + vertices[used, 2].max())]
    return Solid(
        vertices[used] - middle,
        place[quads],
        place[rest],
        np.zeros(len(quads), bool),
        np.zeros(len(rest), bool),
        none,
        sheet.xy_px[used],
    )


def _facing(vertices: Array, faces: Array) -> Array:
    """Cosines [F] between faces' fronts and the directions to the camera in the origin; y points down, so the winding is turned."""
    corners = vertices[faces]
    normal = np.cross(corners[:, 2] - corners[:, 0], corners[:, 1] - corners[:, 0])
    middle = corners.mean(axis=1)
    length = np.linalg.norm(normal, axis=1) * np.linalg.norm(middle, axis=1)
    return -(normal * middle).sum(axis=1) / np.maximum(length, 1e-12)
