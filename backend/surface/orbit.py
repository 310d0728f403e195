"""Cameras on a sphere around the subject, and depth maps as points."""

from __future__ import annotations

import numpy as np

from ..geometry import axes
from ..jobs.job import Job
from ..values import Array, Cameras, Points, Views
from .depth import DepthMaps
from .region import Ball, depths_at

DISTANCE = 3.0  # radii from the center to the cameras
STRIDE_POINTS = 600_000  # points of all depth maps together, about
AGREEING = 3  # cameras that must confirm a point, or all where there are fewer
TOLERANCE = 0.02  # depth difference, by the region's radius, up to which a camera confirms a point


def cameras_around(ball: Ball, count: int, size_px: int) -> Cameras:
    """Level cameras on a Fibonacci sphere around the ball, which fills their pictures."""
    index = np.arange(count) + 0.5
    z, angle = 0.95 * (1 - 2 * index / count), np.pi * (1 + 5**0.5) * index
    away = np.stack([np.sqrt(1 - z**2) * np.cos(angle), np.sqrt(1 - z**2) * np.sin(angle), z], axis=1)
    poses = axes.looking_at(np.array(ball.center) + DISTANCE * ball.radius * away, np.array(ball.center))
    focal = 0.5 * size_px * (DISTANCE**2 - 1) ** 0.5
    K = np.array([[focal, 0, size_px / 2], [0, focal, size_px / 2], [0, 0, 1.0]])
    return Cameras(poses, np.tile(K, (count, 1, 1)), np.full((count, 2), size_px), np.zeros((count, 8)))


def views_of(cameras: Cameras, long_side_px: int) -> Views:
    """Views without photos: the cameras at another size and without distortion, to render from."""
    from dataclasses import replace

    scale = long_side_px / cameras.size_px.max(axis=1, keepdims=True)
    pinholes = replace(cameras, distortion=np.zeros_like(cameras.distortion), fisheye=False)
    sized = axes.resize_cameras(pinholes, np.maximum(1, np.rint(cameras.size_px * scale)).astype(int))
    nothing: list[Array | None] = [None] * len(cameras)
    return Views((), nothing, nothing, sized)


def points_of(maps: DepthMaps, ball: Ball, *, job: Job) -> Points:
    """Points of the depth maps in the ball, with colors and normals, as far as AGREEING cameras confirm them."""
    stride = max(1, int(np.sqrt(sum(np.count_nonzero(w) for w in maps.weight) / STRIDE_POINTS)))
    job.progress(0.0, "reading points from depth")
    found = [_points_of_one(maps, index, ball, stride) for index in range(len(maps))]
    xyz, normals, rgb = (np.concatenate(parts) for parts in zip(*found, strict=True))
    job.progress(0.5, f"comparing {len(xyz)} points")
    kept = _witnesses(xyz, maps, TOLERANCE * ball.radius) >= min(AGREEING, len(maps))
    return Points(xyz[kept].astype(np.float32), rgb[kept], normals[kept].astype(np.float32))


def _points_of_one(maps: DepthMaps, index: int, ball: Ball, stride: int) -> tuple[Array, Array, Array]:
    depth, pose = maps.depth[index], maps.cameras.cam_from_world[index]
    fx, fy, cx, cy = maps.intrinsics(index)
    x, y = np.meshgrid((np.arange(depth.shape[1]) + 0.5 - cx) / fx, (np.arange(depth.shape[0]) + 0.5 - cy) / fy)
    seen = np.isfinite(depth) & (depth > 0) & (maps.weight[index] > 0)
    in_camera = np.stack([x, y, np.ones_like(x)], axis=-1) * np.where(seen, depth, 0.0)[..., None]
    across, down = (np.gradient(in_camera, 2, axis=axis)[::stride, ::stride] for axis in (1, 0))
    normals = np.cross(down, across)
    length = np.linalg.norm(normals, axis=-1)
    # Differences to a pixel without depth are meaningless.
    whole = seen.copy()
    for axis in (0, 1):
        whole &= np.roll(seen, 1, axis) & np.roll(seen, -1, axis)
    chosen = whole[::stride, ::stride] & (length > 0)
    normals = normals[chosen] / length[chosen][:, None]
    xyz = (in_camera[::stride, ::stride][chosen] - pose[:3, 3]) @ pose[:3, :3]
    near = np.linalg.norm(xyz - np.array(ball.center), axis=1) < ball.radius
    return xyz[near], (normals @ pose[:3, :3])[near], maps.rgb[index][::stride, ::stride][chosen][near]


def _witnesses(points: Array, maps: DepthMaps, tolerance: float) -> Array:
    """Number [P] of cameras whose depth map confirms each point."""
    count = np.zeros(len(points), int)
    for index in range(len(maps)):
        z, measured = depths_at(points, maps, index)
        count += (measured > 0) & (np.abs(measured - z) < tolerance)
    return count
