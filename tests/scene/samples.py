"""A small result of every kind, asymmetric, so that what is mirrored, turned or mixed up shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from reify.backend.geometry.axes import looking_at
from reify.backend.values import SH_C0, Cameras, Capture, Mesh, Photo, Points, Report, Result, Splats

REPORT = Report(
    method="photos",
    settings={"training.seconds": 7.0},
    seed=3,
    inputs={"/captures/fox": "ab12"},
    seconds={"Training splats": 61.0},
    metrics={"psnr": 27.31, "splats": 81204.0},
    versions={"torch": "2.13"},
)


def cameras() -> Cameras:
    """A landscape and a portrait camera with principal points off the center and focal lengths that differ."""
    K = [[[500, 0, 330], [0, 480, 200], [0, 0, 1]], [[700, 0, 200], [0, 710, 350], [0, 0, 1]]]
    poses = looking_at(np.array([[3.0, -2.0, 1.0], [-1.0, -3.0, 2.0]]), np.zeros(3))
    return Cameras(poses, np.array(K, dtype=float), np.array([[640, 480], [480, 640]]), np.zeros((2, 8)))


def mesh() -> Mesh:
    """A quad and two triangles with UVs and a picture that is red in its top left corner."""
    vertices = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0.5, 0.5, 1]], dtype=np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3], [0, 4, 1], [1, 4, 2]], dtype=np.int32)
    corner = np.array([[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9], [0.4, 0.6]], dtype=np.float32)
    picture = np.full((64, 48, 3), 128, dtype=np.uint8)
    picture[:32, :24] = (255, 0, 0)
    return Mesh(vertices, faces, uvs=corner[faces], textures={"base_color": picture}, quads=1)


def splats(count: int = 200, degree: int = 1, seed: int = 0) -> Splats:
    """Random splats of every shape, opacity and turn."""
    random = np.random.default_rng(seed)
    quats = random.normal(size=(count, 4))
    return Splats(
        means=random.normal(size=(count, 3)).astype(np.float32),
        quats=(quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        log_scales=random.normal(-3, 0.5, size=(count, 3)).astype(np.float32),
        opacity_logits=random.normal(size=count).astype(np.float32),
        sh=random.normal(0, 0.3, size=(count, (degree + 1) ** 2, 3)).astype(np.float32),
    )


def splat(center: tuple[float, float, float], srgb: float, sigma: float, opacity_logit: float = 6.0) -> Splats:
    """One round gray splat."""
    return Splats(
        means=np.array([center], dtype=np.float32),
        quats=np.array([[1, 0, 0, 0]], dtype=np.float32),
        log_scales=np.log(np.full((1, 3), sigma, dtype=np.float32)),
        opacity_logits=np.array([opacity_logit], dtype=np.float32),
        sh=np.full((1, 1, 3), (srgb - 0.5) / SH_C0, dtype=np.float32),
    )


def result(name: str = "fox", photos: Path = Path("/captures/fox")) -> Result:
    """Everything that a method can give."""
    random = np.random.default_rng(1)
    points = Points(random.normal(size=(50, 3)).astype(np.float32), random.integers(0, 256, size=(50, 3)).astype(np.uint8))
    pictures = (Photo(photos / "a.png", "a.png", 640, 480), Photo(photos / "b.png", "b.png", 480, 640))
    capture = Capture(name, pictures, cameras(), points)
    return Result(name, REPORT, splats(), mesh(), points, capture)
