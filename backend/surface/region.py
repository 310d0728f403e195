"""The region of the subject: a ball around what most cameras see and agree on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ReifyError
from ..values import Array, Cameras
from .depth import DepthMaps

POINTS = 20_000  # sampled from all depth maps together
WITNESSES = 64  # cameras that each is compared with
LEAST_WITNESSES = 3  # cameras, its own among them, that must see a scene's point; two agree by chance
SPREAD = 0.5  # distance of what is in the middle of pictures from its median, by that of the cameras, above which they look at a scene
RELIEF = 0.5  # third by second principal standard deviation of a surface, below which it is a wall: that of the front half of a ball
SHELL = 1.1  # outer by inner radius of the shell around a scene's ball that a surface cut by the ball continues in
MOST_CUT = 0.01  # area in that shell by that in the ball, up to which the ball ends in a gap; a plane that goes on has 0.21


@dataclass(frozen=True)
class Ball:
    """A ball in the world."""

    center: tuple[float, float, float]
    radius: float


def find_region(maps: DepthMaps) -> Ball:
    """The ball around the subject and what it stands on, without the background.

    Of points sampled from the depth maps, those count that many cameras confirm. The ball is centered on the median of those in
    the middle of their pictures. Around a subject it holds most of the others, and ends before the cameras. In a scene, which is a wall
    seen from one side or what cameras look at in several places, it ends in a gap of the surface that LEAST_WITNESSES see. Where all
    views are masked, it holds all points but outliers. Raises ReifyError where depth maps are empty.
    """
    points, central, footprint = _points(maps)
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
    distance = np.linalg.norm(points - center, axis=1)
    to_cameras = float(np.median(np.linalg.norm(maps.cameras.centers - center, axis=1)))
    radius = min(1.2 * float(np.quantile(distance[often], 0.9)), 0.7 * to_cameras)
    spread = float(np.median(np.linalg.norm(middle - center, axis=1)))
    wall = not surrounded(center, maps.cameras) and flatness(points[often & (distance < radius)]) < RELIEF
    if not wall and spread <= SPREAD * to_cameras:
        return _ball(center, radius)
    count = share * len(_witnesses(maps))
    seen = count >= LEAST_WITNESSES
    if not seen.any() or radius == 0.0:
        return _ball(center, radius)
    area = footprint[seen] ** 2 / count[seen]  # what many cameras see was sampled as often
    return _ball(center, _to_a_gap(radius, distance[seen], area))


def surrounded(center: Array, cameras: Cameras) -> bool:
    """Whether cameras stand on all sides of a point [3], seen from above: no half of the horizon is without one."""
    x, y = (cameras.centers - center)[:, :2].T
    azimuths = np.sort(np.arctan2(y, x))
    return bool(np.diff(azimuths, append=azimuths[0] + 2 * np.pi).max() < np.pi)


def flatness(points: Array) -> float:
    """Third by second principal standard deviation of points [P,3]: 0 in a plane, 1 where there is none; 1 for fewer than four."""
    if len(points) < 4:
        return 1.0
    deviations = np.sqrt(np.linalg.eigvalsh(np.cov(points.T)).clip(0.0))
    return float(deviations[0] / max(deviations[1], 1e-30))


def _to_a_gap(radius: float, distance: Array, area: Array) -> float:
    """The outer radius of the first SHELL that holds next to no surface, about a ball that does; it grows from the given radius.

    `distance` [P] is that of points on the surface from the ball's center, `area` [P] what each stands for.
    """
    while True:
        inside, further = (float(area[distance < limit].sum()) for limit in (radius, SHELL * radius))
        radius *= SHELL
        if inside > 0.0 and further - inside <= MOST_CUT * inside:
            return radius


def disagreement(maps: DepthMaps, ball: Ball) -> float:
    """Median difference between the depth of a point in the ball and other depth maps there, world units.

    Differences of more than a tenth of the radius are between front and back, and are left out.
    """
    points, _, _ = _points(maps)
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


def _points(maps: DepthMaps) -> tuple[Array, Array, Array]:
    """Points in the world [P,3] sampled from all depth maps, whether each is in the middle of its picture [P], and pixel footprints [P]."""
    rng = np.random.default_rng(0)
    points, central, footprint = [np.zeros((0, 3))], [np.zeros(0, bool)], [np.zeros(0)]
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
        footprint.append(depth[rows, columns] / (fx * fy) ** 0.5)
        height, width = depth.shape
        central.append((np.abs(columns / width - 0.5) < 0.25) & (np.abs(rows / height - 0.5) < 0.25))
    return np.concatenate(points), np.concatenate(central), np.concatenate(footprint)


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
