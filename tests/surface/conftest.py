"""Solids given by distance functions, and cameras around them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from reify.backend.geometry.axes import looking_at
from reify.backend.values import Cameras, Rendering, Views

from ..progress import fractions_that_never_fall  # noqa: F401

Distance = Callable[[np.ndarray], np.ndarray]


def sphere(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points, axis=-1) - 0.8


def torus(points: np.ndarray) -> np.ndarray:
    ring = np.hypot(points[..., 0], points[..., 1]) - 0.65
    return np.hypot(ring, points[..., 2]) - 0.25


def two_spheres(points: np.ndarray) -> np.ndarray:
    """One of radius 0.4, one of radius 0.3, which is closer to the origin's right and higher: nothing about it is symmetric."""
    first = np.linalg.norm(points - [-0.35, 0.0, 0.0], axis=-1) - 0.4
    second = np.linalg.norm(points - [0.6, 0.1, 0.3], axis=-1) - 0.3
    return np.minimum(first, second)


def orbit(count: int, size_px: int, distance: float = 3.0) -> Cameras:
    """Cameras spread over a sphere, looking at the origin, upright."""
    index = np.arange(count) + 0.5
    z, angle = 0.85 * (1 - 2 * index / count), np.pi * (1 + 5**0.5) * index
    centers = distance * np.stack([np.sqrt(1 - z**2) * np.cos(angle), np.sqrt(1 - z**2) * np.sin(angle), z], axis=1)
    focal = 1.3 * size_px
    K = np.array([[focal, 0, size_px / 2], [0, focal, size_px / 2], [0, 0, 1]])
    return Cameras(looking_at(centers, np.zeros(3)), np.tile(K, (count, 1, 1)), np.full((count, 2), size_px), np.zeros((count, 8)))


def renderer(distance: Distance) -> Callable[[Cameras, int], Rendering]:
    """Depth of a solid by walking along the rays; colors are positions."""

    def render(cameras: Cameras, index: int) -> Rendering:
        width, height = cameras.size_px[index]
        K, pose = cameras.K[index], cameras.cam_from_world[index]
        x, y = np.meshgrid((np.arange(width) + 0.5 - K[0, 2]) / K[0, 0], (np.arange(height) + 0.5 - K[1, 2]) / K[1, 1])
        rays = np.stack([x, y, np.ones_like(x)], axis=-1)
        length = np.linalg.norm(rays, axis=-1)
        world = rays @ pose[:3, :3]
        depth = np.full(x.shape, 1.0)
        for _ in range(80):
            depth += distance(cameras.centers[index] + depth[..., None] * world) / length
        points = cameras.centers[index] + depth[..., None] * world
        hit = np.abs(distance(points)) < 1e-4
        rgb = np.where(hit[..., None], 0.5 + 0.4 * points.clip(-1, 1), 0.0).astype(np.float32)
        return Rendering(rgb, hit.astype(np.float32), np.where(hit, depth, 0).astype(np.float32))

    return render


def views_of(cameras: Cameras, alpha: list[np.ndarray | None] | None = None) -> Views:
    """Views without photos: fusing looks at masks and cameras only."""
    nothing = [None] * len(cameras)
    pictures = [np.zeros((h, w, 3), np.uint8) for w, h in cameras.size_px]
    return Views(pictures, alpha or nothing, nothing, cameras)


@pytest.fixture
def solids() -> dict[str, Distance]:
    return {"sphere": sphere, "torus": torus, "two spheres": two_spheres}


@pytest.fixture
def make_orbit() -> Callable[..., Cameras]:
    return orbit


@pytest.fixture
def make_renderer() -> Callable[[Distance], Callable[[Cameras, int], Rendering]]:
    return renderer


@pytest.fixture
def make_views() -> Callable[..., Views]:
    return views_of
