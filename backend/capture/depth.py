"""Depth maps that come with posed photos to the points that training starts from.

They count only where they agree with the cameras: points of one map must have the depth that another map says. Wrong units, other axes
and depth relative to nothing show in that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..formats.depth import read_depth
from ..formats.images import read_image
from ..formats.posed import Posed
from ..geometry import axes
from ..values import Array, Cameras, Points
from .lenses import distort
from .listing import Progress
from .roles import CONFIDENCE_FOLDERS

USED = "points to start from"  # in what is said of maps that are used
MOST_MAPS = 40
POINTS_A_MAP = 2500
AGREES = 0.08  # relative difference of two depths
LEAST_SHARE = 0.35  # of compared points that agree; parts of each view are hidden from the next
LEAST_COMPARED = 100
NEIGHBORS = (1, 3)  # maps apart, of those that are compared
CONFIDENT = 0.5  # of the highest confidence in a map


def with_depth(posed: Posed, progress: Progress) -> tuple[Posed, str]:
    """The pictures with points from their depth maps where they have none of their own, and what became of the maps, "" without any."""
    count = sum(path is not None for path in posed.depths)
    if not count:
        return posed, ""
    if posed.points is not None and len(posed.points):
        return posed, f"{count} maps are there and not used, because there are sparse points"
    chosen = _evenly([i for i, path in enumerate(posed.depths) if path is not None and not any(posed.panoramas[i : i + 1])])
    clouds: list[tuple[int, Array, Array]] = []  # picture, points [N,3], colors [N,3]
    maps: dict[int, Array] = {}
    rng = np.random.default_rng(0)
    for step, index in enumerate(chosen):
        progress(step / len(chosen), f"depth map {step + 1} of {len(chosen)}")
        try:
            maps[index] = _confident(posed.depths[index], posed.depth_unit)
            clouds.append((index, *_points_of(posed, index, maps[index], rng)))
        except ReifyError:
            continue
    share, compared = agreement(posed.cameras, clouds, maps)
    if compared < LEAST_COMPARED or share < LEAST_SHARE:
        return posed, f"{count} maps are there and not used, because they don't agree with the cameras"
    points = Points(np.concatenate([xyz for _, xyz, _ in clouds]), np.concatenate([rgb for _, _, rgb in clouds]))
    return replace(posed, points=points), f"{len(points)} {USED}, of {len(clouds)} of {count} maps"


def _evenly(indices: Sequence[int]) -> list[int]:
    picked = np.unique(np.linspace(0, len(indices) - 1, min(MOST_MAPS, len(indices))).astype(int)) if indices else []
    return [indices[i] for i in picked]


def _confident(path: Path | None, unit: float) -> Array:
    """A depth map [H,W] with 0 where its confidence, in a folder beside it, is low."""
    assert path is not None
    depth = read_depth(path, unit)
    for name in CONFIDENCE_FOLDERS:
        beside = path.parent.parent / name / path.name
        if beside.is_file():
            confidence = read_depth(beside, 1.0)
            if confidence.shape == depth.shape and confidence.max() > 0:
                return np.where(confidence >= CONFIDENT * confidence.max(), depth, 0.0)
    return depth


def _points_of(posed: Posed, index: int, depth: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Points in the world [N,3] float64 and their colors [N,3] uint8."""
    rows, columns = np.nonzero(depth)
    if len(rows) == 0:
        raise ReifyError("The depth map is empty.")
    picked = rng.permutation(len(rows))[:POINTS_A_MAP]
    rows, columns = rows[picked], columns[picked]
    height, width = depth.shape
    share = np.column_stack([(columns + 0.5) / width, (rows + 0.5) / height])  # of the picture as it is stored
    z = depth[rows, columns].astype(np.float64)
    in_cam = np.column_stack([_ideal(posed.cameras, index, share) * z[:, None], z])
    world_from_cam = axes.inverse_rigid(posed.cameras.cam_from_world[index : index + 1])[0]
    pixels = read_image(posed.images[index], max(width, height), turn=1)[..., :3]
    at = np.minimum((share * pixels.shape[1::-1]).astype(int), np.array(pixels.shape[1::-1]) - 1)
    return axes.move_points(in_cam, world_from_cam), pixels[at[:, 1], at[:, 0]]


def _ideal(cameras: Cameras, index: int, share: Array) -> Array:
    """Places in a picture, as a share of its size [N,2], to x/z and y/z [N,2] without the lens's distortion."""
    K = cameras.K[index]
    seen = (share * cameras.size_px[index] - K[:2, 2]) / K[[0, 1], [0, 1]]
    xy = seen
    for _ in range(8):  # fixed point: the distortion is small beside the place itself
        xy = xy + seen - distort(xy, cameras.distortion[index], cameras.fisheye)
    return xy


def agreement(cameras: Cameras, clouds: Sequence[tuple[int, Array, Array]], maps: dict[int, Array]) -> tuple[float, int]:
    """The share of points that neighboring maps see at the same depth, and how many were compared."""
    agreeing = compared = 0
    for step, (_, xyz, _) in enumerate(clouds):
        for apart in NEIGHBORS:
            if step + apart >= len(clouds):
                continue
            other = clouds[step + apart][0]
            depth, K = maps[other], cameras.K[other]
            in_cam = axes.move_points(xyz, cameras.cam_from_world[other])
            ahead = in_cam[in_cam[:, 2] > 1e-6]
            xy = distort(ahead[:, :2] / ahead[:, 2:], cameras.distortion[other], cameras.fisheye)
            at = (xy * K[[0, 1], [0, 1]] + K[:2, 2]) / cameras.size_px[other] * depth.shape[::-1]
            inside = ((at >= 0) & (at < depth.shape[::-1])).all(axis=1)
            column, row = at[inside].astype(int).T
            theirs, mine = depth[row, column], ahead[inside, 2]
            known = theirs > 0
            compared += int(known.sum())
            agreeing += int((np.abs(theirs - mine)[known] < AGREES * mine[known]).sum())
    return (agreeing / compared if compared else 0.0), compared
