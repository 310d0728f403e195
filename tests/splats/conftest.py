"""Small scenes for the tests of splats."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.values import Cameras, Splats


def _splats(count: int, *, seed: int = 0, degree: int = 3, size: float = 0.08, antialiased: bool = False) -> Splats:
    """A cloud of splats of all shapes around the origin."""
    rng = np.random.default_rng(seed)
    quats = rng.normal(size=(count, 4))
    return Splats(
        means=(rng.normal(size=(count, 3)) * 0.5).astype(np.float32),
        quats=(quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        log_scales=(np.log(size) + 0.7 * rng.normal(size=(count, 3))).astype(np.float32),
        opacity_logits=(1.5 * rng.normal(size=count)).astype(np.float32),
        sh=(0.4 * rng.normal(size=(count, (degree + 1) ** 2, 3))).astype(np.float32),
        antialiased=antialiased,
    )


def _cameras(width: int, height: int, count: int = 1) -> Cameras:
    """Cameras at 2.5 units around the origin, looking at it, the principal point off the center."""
    poses = []
    for i in range(count):
        angle = 2 * np.pi * i / max(count, 1) + 0.3
        center = 2.5 * np.array([np.sin(angle), -np.cos(angle), 0.35])
        forward = -center / np.linalg.norm(center)
        right = np.cross(forward, [0, 0, 1])
        right /= np.linalg.norm(right)
        rotation = np.stack([right, np.cross(forward, right), forward])
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = rotation, -rotation @ center
        poses.append(pose)
    k = np.array([[1.3 * width, 0, 0.44 * width], [0, 1.25 * width, 0.57 * height], [0, 0, 1]])
    return Cameras(np.array(poses), np.repeat(k[None], count, axis=0), np.full((count, 2), (width, height)), np.zeros((count, 8)))


@pytest.fixture(scope="session", autouse=True)
def _kernels():
    from reify.backend import device

    device.prepare_numba()


@pytest.fixture(scope="session")
def make_splats():
    """The function that makes a cloud of splats."""
    return _splats


@pytest.fixture(scope="session")
def make_cameras():
    """The function that makes cameras around the origin."""
    return _cameras
