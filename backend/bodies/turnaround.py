"""Turnaround: one body with the outlines of drawn views from the front, the side and perhaps the top; a back view colors its back.

A run of covered pixels in a row of a view is the diameter of a superellipse section, so that two drawings of a ball make a ball, not
the intersection of two cylinders; the exponent is a setting.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..geometry import masks
from ..geometry.surface_nets import evened, surface_nets
from ..settings import option
from ..values import Array, Mesh, Picture
from .progress import Progress, silent
from .projection import bled

LARGEST_GRID = 320  # samples along the longest side
MARGIN = 3  # samples around the body


@dataclass(frozen=True)
class TurnaroundSettings:
    """How drawn views are put together."""

    side: str = option(
        "right",
        "Which way the subject looks in the side view",
        choices={"right": "To the right of the picture", "left": "To the left of the picture"},
    )
    roundness: float = option(1.0, "Sections between the views: 1 is round like an ellipse, 0 is square like a box", low=0.0, high=1.0)
    smoothness: float = option(1.0, "Smooth the body over this many faces", low=0.0, high=5.0)


def turnaround(
    front: Picture,
    side: Picture | None,
    top: Picture | None,
    faces: int,
    size_m: float,
    settings: TurnaroundSettings,
    progress: Progress = silent,
    back: Picture | None = None,
) -> Mesh:
    """A closed mesh of quads in meters whose outlines are the views', textured from each; at least one of `side` and `top` is given.

    The views are scaled to agree: heights of front and side, widths of front and top, both of front and back. A back view has the front's
    outline, as drawings differ by a line's width; without one the front is printed through.
    """
    from scipy.ndimage import gaussian_filter

    progress(0.0, "fitting the views")
    views = {name: _cropped(view) for name, view in (("front", front), ("side", side), ("top", top), ("back", back)) if view}
    if "side" in views and settings.side == "left":
        views["side"] = _mirrored(views["side"])
    if "back" in views:  # as if seen through the body, so that its columns are the front's
        views["back"] = _mirrored(views["back"])
    extent = _extent(views)
    step = _step(extent, faces)
    sizes = [int(np.ceil(length / step)) + 2 * MARGIN for length in extent]
    x, y, z = ((np.arange(size) - (size - 1) / 2) * step / length for size, length in zip(sizes, extent, strict=True))  # -0.5 to 0.5 inside
    power = 2.0 / max(settings.roundness, 0.08)
    progress(0.2, "intersecting the outlines")
    # Columns and rows of the pictures as functions of x, y and z; y points away from the viewer, z up.
    field = _profile(views["front"], x, -z, power)[:, None, :]
    if "side" in views:
        field = field + _profile(views["side"], -y, -z, power)[None, :, :] - 1.0
    if "top" in views:
        plan = _profile(views["top"], x, -y, power)[:, :, None]
        field = np.minimum(field, plan) if "side" in views else field + np.maximum(plan, -1.0) - 1.0
    field = np.clip(np.broadcast_to(field, sizes), -1.0, 1.0)
    progress(0.5, "meshing")
    if settings.smoothness:
        field = gaussian_filter(field, 0.6 * settings.smoothness)
    points, quads = surface_nets(field)
    points = evened(points, quads, passes=round(8 * settings.smoothness))
    scale = size_m / max(extent[0], extent[2])
    vertices = (points - (np.array(sizes) - 1) / 2) * step * scale
    progress(0.8, "texturing")
    texture, uvs = _textured(vertices / (np.array(extent) * scale), vertices, quads, views)
    vertices[:, 2] -= vertices[:, 2].min()
    triangles = quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3).astype(np.int32)
    return Mesh(vertices.astype(np.float32), triangles, uvs, textures={"base_color": texture}, quads=len(quads))


def disagreement(front: Picture, side: Picture, top: Picture) -> float:
    """How far the depths that the side and the top view give are apart, as a share of the larger one."""
    front, side, top = (_cropped(view) for view in (front, side, top))
    by_side = side.coverage.shape[1] / side.coverage.shape[0] * front.coverage.shape[0]
    by_top = top.coverage.shape[0] / top.coverage.shape[1] * front.coverage.shape[1]
    return abs(by_side - by_top) / max(by_side, by_top)


def _cropped(view: Picture) -> Picture:
    cut = masks.bounds(view.coverage > 0.5)
    return replace(view, srgb=view.srgb[cut], coverage=view.coverage[cut], parts=None)


def _mirrored(view: Picture) -> Picture:
    return replace(view, srgb=view.srgb[:, ::-1], coverage=view.coverage[:, ::-1], parts=None)


def _extent(views: dict[str, Picture]) -> tuple[float, float, float]:
    """Width, depth and height in pixels of the front view."""
    height, width = views["front"].coverage.shape
    depths = []
    if "side" in views:
        depths.append(views["side"].coverage.shape[1] / views["side"].coverage.shape[0] * height)
    if "top" in views:
        depths.append(views["top"].coverage.shape[0] / views["top"].coverage.shape[1] * width)
    return float(width), float(np.mean(depths)), float(height)


def _step(extent: tuple[float, float, float], faces: int) -> float:
    width, depth, height = extent
    area = 1.3 * (width * height + depth * height + 0.6 * width * depth)
    return max(float(np.sqrt(area / faces)), max(extent) / LARGEST_GRID)


def _profile(view: Picture, across: Array, down: Array, power: float) -> Array:
    """1 in the center of every run of the view's rows, 0 at its ends, -1 outside; sampled at `across` x `down`, -0.5 to 0.5."""
    from scipy.ndimage import map_coordinates

    height, width = view.coverage.shape
    runs = np.full((height, width), -1.0, np.float32)
    for row, line in enumerate(view.coverage):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], line > 0.5, [False]]).astype(np.int8)))
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            # The ends to a fraction of a pixel, by how much the pixels beside them are covered.
            low = start - (line[start - 1] if start else 0.0) + 0.5 * (1.0 - line[start])
            high = end + (line[end] if end < width else 0.0) - 0.5 * (1.0 - line[end - 1])
            first, last = max(0, start - 1), min(width, end + 1)
            from_middle = np.abs(np.arange(first, last) + 0.5 - 0.5 * (low + high)) / max(0.5 * (high - low), 0.25)
            runs[row, first:last] = np.maximum(runs[row, first:last], 1.0 - from_middle**power)
    rows, columns = np.meshgrid((down + 0.5) * height - 0.5, (across + 0.5) * width - 0.5, indexing="ij")
    return map_coordinates(np.clip(runs, -1.0, 1.0), [rows, columns], order=1, mode="grid-constant", cval=-1.0).T


def _textured(unit: Array, vertices: Array, quads: Array, views: dict[str, Picture]) -> tuple[Array, Array]:
    """An atlas of the views, and the UVs [2Q,3,2] of the quads' triangles; each quad takes the view that it faces most."""
    tallest = max(view.coverage.shape[0] for view in views.values())
    panels, starts, total = [], {}, 0
    for name, view in views.items():
        panel = bled(view.srgb, view.coverage)
        starts[name] = total
        panels.append(np.pad(panel, ((0, tallest - panel.shape[0]), (0, 4), (0, 0)), mode="edge"))
        total += panels[-1].shape[1]
    a, b, c, d = (vertices[quads[:, i]] for i in range(4))
    normal = np.cross(c - a, d - b)
    names, (across, away, up) = list(views), normal.T
    facing = {"front": -away if "back" in views else np.abs(away), "side": np.abs(across), "top": np.abs(up), "back": away}
    best = np.stack([facing[name] for name in names], axis=1).argmax(axis=1)
    uvs = np.zeros((len(quads), 4, 2), np.float32)
    for i, name in enumerate(names):
        chosen = best == i
        x, y, z = np.moveaxis(unit[quads[chosen]], -1, 0)
        right, down = {"front": (x, -z), "side": (-y, -z), "top": (x, -y), "back": (x, -z)}[name]
        height, width = views[name].coverage.shape
        column = np.clip((right + 0.5) * width, 0.5, width - 0.5) + starts[name]
        row = np.clip((down + 0.5) * height, 0.5, height - 0.5)
        uvs[chosen] = np.stack([column / total, 1.0 - row / tallest], axis=-1)
    return np.concatenate(panels, axis=1), uvs[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3, 2)
