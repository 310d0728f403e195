"""The region of the subject: a ball around what most cameras see and agree on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ReifyError
from ..values import Array
from .depth import DepthMaps

POINTS = 20_000  # sampled from all depth maps together
WITNESSES = 64  # cameras that each is compared with


@dataclass(frozen=True)
class Ball:
    """A ball in the world."""

    center: tuple[float, float, float]
    radius: float


def find_region(maps: DepthMaps) -> Ball:
    """The ball around the subject and what it stands on, without the background.

    Of points sampled from the depth maps, those count that many cameras confirm. The ball is centered on the median of those in
    the middle of their pictures, holds most of the others, and ends before the cameras. Where all views are masked, it holds
    all points but outliers. Raises ReifyError where depth maps are empty.
    """
    points, central = _points(maps)
    if len(points) == 0:
        raise ReifyError("The depth pictures are empty: nothing in the scene is solid.", "Train longer, or check the masks.")
    share = _share_of_cameras(points, maps)
    often = share >= 0.5 * np.quantile(share, 0.9)
    middle = points[often & central] if np.any(often & central) else points[often]
    center = np.median(middle, axis=0)
    if _masked(maps):
        low, high = np.quantile(points, 0.005, axis=0), np.quantile(points, 0.995, axis=0)
        center = (low + high) / 2
        return _ball(center, 1.1 * float(np.quantile(np.linalg.norm(points - center, axis=1), 0.999)))
    distance = np.linalg.norm(points[often] - center, axis=1)
    to_cameras = float(np.median(np.linalg.norm(maps.cameras.centers - center, axis=1)))
    return _ball(center, min(1.2 * float(np.quantile(distance, 0.9)), 0.7 * to_cameras))


def disagreement(maps: DepthMaps, ball: Ball) -> float:
    """Median difference between the depth of a point in the ball and other depth maps there, world units.

    Differences of more than a tenth of the radius are between front and back, and are left out.
    """
    points, _ = _points(maps)
    points = points[np.linalg.norm(points - np.asarray(ball.center), axis=1) < ball.radius]
    off = [np.zeros(0)]
    for index in _witnesses(maps):
        z, measured = depths_at(points, maps, index)
        difference = np.abs(measured - z)
        off.append(difference[(measured > 0) & (difference < 0.1 * ball.radius)])
    together = np.concatenate(off)
    return float(np.median(together)) if len(together) else 0.0


def depths_at(points: Array, maps: DepthMaps, index: int) -> tuple[Array, Array]:
    """Depth [P] of the points [P,3] in one camera, and its depth map there [P], 0 outside the picture."""
    pose, depth = maps.cameras.cam_from_world[index], maps.depth[index]
    x, y, z = (points @ pose[:3, :3].T + pose[:3, 3]).T
    fx, fy, cx, cy = maps.intrinsics(index)
    safe = np.where(z > 0, z, 1.0)
    column, row = np.floor(fx * x / safe + cx), np.floor(fy * y / safe + cy)
    inside = (z > 0) & (column >= 0) & (row >= 0) & (column < depth.shape[1]) & (row < depth.shape[0])
    measured = np.zeros(len(points))
    measured[inside] = depth[row[inside].astype(int), column[inside].astype(int)]
    return z, measured


def _ball(center: Array, radius: float) -> Ball:
    x, y, z = (float(value) for value in center)
    return Ball((x, y, z), radius)


def _masked(maps: DepthMaps) -> bool:
    return all(np.isinf(depth).any() for depth in maps.depth)


def _points(maps: DepthMaps) -> tuple[Array, Array]:
    """Points in the world [P,3] sampled from all depth maps, and whether each is in the middle of its picture [P]."""
    rng = np.random.default_rng(0)
    points, central = [np.zeros((0, 3))], [np.zeros(0, bool)]
    each = -(-POINTS // len(maps))
    for index, (depth, weight) in enumerate(zip(maps.depth, maps.weight, strict=True)):
        rows, columns = np.nonzero((weight > 0) & np.isfinite(depth))
        if len(rows) == 0:
            continue
        chosen = rng.choice(len(rows), min(each, len(rows)), replace=False)
        rows, columns = rows[chosen], columns[chosen]
        fx, fy, cx, cy = maps.intrinsics(index)
        ray = np.stack([(columns + 0.5 - cx) / fx, (rows + 0.5 - cy) / fy, np.ones(len(rows))], axis=1)
        pose = maps.cameras.cam_from_world[index]
        points.append((ray * depth[rows, columns, None] - pose[:3, 3]) @ pose[:3, :3])
        height, width = depth.shape
        central.append((np.abs(columns / width - 0.5) < 0.25) & (np.abs(rows / height - 0.5) < 0.25))
    return np.concatenate(points), np.concatenate(central)


def _share_of_cameras(points: Array, maps: DepthMaps, tolerance: float = 0.05) -> Array:
    """Share [P] of the cameras whose depth map confirms each point, to a relative `tolerance`."""
    witnesses = _witnesses(maps)
    count = np.zeros(len(points))
    for index in witnesses:
        z, measured = depths_at(points, maps, index)
        count += np.abs(measured - z) < tolerance * z
    return count / len(witnesses)


def _witnesses(maps: DepthMaps) -> Array:
    return np.unique(np.linspace(0, len(maps) - 1, min(len(maps), WITNESSES)).round().astype(int))
