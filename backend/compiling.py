"""Compiles the kernels of all methods into the cache, by running the methods' stages on a tiny capture.

What a stage compiles depends on the types that it hands to its kernels, so the stages themselves run here instead of a list of types
beside them. `engine.kernels` runs each of PROGRAMS in a child process.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import folders
from .jobs.job import Job
from .values import Array, Cameras, Capture, Mesh, Photo, Points, Splats

SIDE_PX = 64
CAMERAS = 9  # around the subject; every other one is held out, so that measuring runs, too
STEPS = 110  # of a training: past the first densification and the first look for broken splats
DISTORTION = (0.01, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Subject:
    """A checkered ball of radius 1 as the methods' inputs."""

    photos: Capture  # opaque
    cut_out: Capture  # transparent around the ball
    points: Points
    splats: Splats
    mesh: Mesh


def main(program: str) -> None:
    """Run the steps of a program, and print a line of JSON before each: {"done": 3, "total": 12}."""
    steps = PROGRAMS[program]
    with folders.temporary() as folder:  # which a later one sweeps where this process is killed
        subject = subject_in(folder)
        for number, step in enumerate(steps):
            print(json.dumps({"done": number, "total": len(steps)}), flush=True)
            _run(step, subject)


def _run(step: Callable[..., object], subject: Subject) -> None:
    def stage(*, job: Job) -> None:
        step(subject, job=job)

    Job().stage("Compiling", stage)


def subject_in(folder: Path) -> Subject:
    """The ball; its photos are written into a folder."""
    from .formats.images import write_png

    cameras = _cameras()
    opaque: list[Photo] = []
    cut_out: list[Photo] = []
    for index in range(CAMERAS):
        rgba = _picture(cameras, index)
        for kind, pixels, photos in (("opaque", rgba[..., :3], opaque), ("cut_out", rgba, cut_out)):
            path = folder / f"{kind}_{index}.png"
            write_png(path, np.ascontiguousarray(pixels))
            photos.append(Photo(path, path.name, SIDE_PX, SIDE_PX, has_alpha=kind == "cut_out"))
    test = tuple(range(1, CAMERAS, 4))
    directions = np.random.default_rng(0).normal(size=(2000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    xyz, rgb = directions.astype(np.float32), _colors(directions)
    points = Points(xyz, rgb, xyz)
    one = np.ones((len(xyz), 1), np.float32)
    upright, gray = np.tile(np.eye(1, 4, dtype=np.float32), (len(xyz), 1)), np.zeros((len(xyz), 16, 3), np.float32)
    splats = Splats(xyz, upright, np.tile(-2.5 * one, 3), 4 * one[:, 0], gray)
    sparse = replace(points, normals=None)
    whole, masked = (Capture("ball", tuple(each), cameras, sparse, test) for each in (opaque, cut_out))
    return Subject(whole, masked, points, splats, _ball())


def _cameras() -> Cameras:
    """Cameras in a spiral around the origin that look at it, three units away, with lenses that distort."""
    angle, height = np.arange(CAMERAS) * 2.4, np.linspace(-0.8, 0.8, CAMERAS)
    centers = 3 * np.stack([np.cos(angle) * np.sqrt(1 - height**2), np.sin(angle) * np.sqrt(1 - height**2), height], axis=1)
    pose = np.tile(np.eye(4), (CAMERAS, 1, 1))
    forward = -centers / 3
    right = np.cross(forward, (0, 0, 1))
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    pose[:, :3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:, :3, 3] = -np.einsum("cij,cj->ci", pose[:, :3, :3], centers)
    K = np.array([[SIDE_PX, 0, SIDE_PX / 2], [0, SIDE_PX, SIDE_PX / 2], [0, 0, 1]], float)
    return Cameras(pose, np.tile(K, (CAMERAS, 1, 1)), np.full((CAMERAS, 2), SIDE_PX), np.tile(DISTORTION, (CAMERAS, 1)))


def _picture(cameras: Cameras, index: int) -> Array:
    """The ball in front of gray noise [H,W,4] uint8, transparent where it isn't; without the distortion, which nothing here measures."""
    place = (np.arange(SIDE_PX) + 0.5 - SIDE_PX / 2) / SIDE_PX
    x, y = np.meshgrid(place, place)
    ray = np.stack([x, y, np.ones_like(x)], axis=-1) @ cameras.cam_from_world[index, :3, :3]
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    center = cameras.centers[index]
    along = ray @ center
    root = along**2 - center @ center + 1
    hit = center + ray * (-along - np.sqrt(np.maximum(root, 0)))[..., None]
    rgb = np.where((root > 0)[..., None], _colors(hit), np.random.default_rng(index).integers(90, 110, (SIDE_PX, SIDE_PX, 1)))
    return np.dstack([rgb, np.where(root > 0, 255, 0)]).astype(np.uint8)


def _colors(xyz: Array) -> Array:
    """A checkered pattern [...,3] uint8 in space."""
    dark = (np.floor(4 * xyz[..., 0]) + np.floor(4 * xyz[..., 1]) + np.floor(4 * xyz[..., 2])) % 2
    return (60 + 120 * dark[..., None] + 30 * np.clip(xyz, -1, 1)).astype(np.uint8)


def _ball() -> Mesh:
    """The ball's triangles, with colors, and a hole at the pole, wide enough to be closed by a patch with vertices of its own."""
    from .surface.marching import marching_cubes
    from .surface.sampling import sample

    grid = sample(lambda p: np.linalg.norm(p, axis=1) - 1, np.full(3, -1.2), np.full(3, 1.2), 0.1, 1.0, 10**5, job=Job())
    vertices, faces = marching_cubes(grid)
    closed = vertices[faces].mean(axis=1)[:, 2] < 0.9
    return Mesh(vertices, faces[closed], vertex_srgb=(_colors(vertices) / 255).astype(np.float32))


def _train(subject: Subject, *, job: Job, masked: bool = False, **settings: Any) -> None:
    from .splats.settings import TrainingSettings
    from .splats.stages import train_capture

    chosen = replace(TrainingSettings(seconds=0.0, steps=STEPS, long_side_px=SIDE_PX, max_splats=400), **settings)
    train_capture(subject.cut_out if masked else subject.photos, chosen, 0, job=job)


def _extract(subject: Subject, extraction: str, polygons: str = "cubes", *, job: Job) -> None:
    from .surface.stages import ExtractionSettings, surface_from_points, surface_from_splats

    settings = ExtractionSettings(extraction=extraction, polygons=polygons, max_voxels=1, views=8, long_side_px=SIDE_PX, voxel_size=0.1)
    if extraction in ("mls", "rbf", "alpha"):
        few = 500 if extraction == "rbf" else len(subject.points)
        points = Points(subject.points.xyz[:few], subject.points.rgb[:few] if subject.points.rgb is not None else None)
        surface_from_points(points, None, settings, job=job)
    else:
        surface_from_splats(subject.splats, None, settings, job=job)


def _extract_from_photos(subject: Subject, extraction: str, *, job: Job, masked: bool = False) -> None:
    from .surface.fuse import SurfaceSettings
    from .surface.stages import surface_from_photos

    settings = SurfaceSettings(extraction=extraction, long_side_px=SIDE_PX, voxel_size=0.1, max_voxels=1)
    surface_from_photos(subject.splats, subject.cut_out if masked else subject.photos, settings, job=job)


def _clean(subject: Subject, *, job: Job, **settings: Any) -> None:
    from .mesh.cleaning import MeshSettings, clean

    clean(subject.mesh, replace(MeshSettings(faces=1000), **settings), job=job)


def _texture(subject: Subject, *, job: Job, masked: bool = False) -> None:
    from .texture.from_photos import TextureSettings
    from .texture.stages import textured, with_relief

    settings = TextureSettings(size_px=128, long_side_px=SIDE_PX)
    mesh = textured(subject.mesh, subject.cut_out if masked else subject.photos, settings, job=job)
    with_relief(mesh, subject.mesh, 1, 128, job=job)


def _analyze(subject: Subject, *, job: Job) -> None:
    from .mesh.analyze import report_analysis

    report_analysis(subject.mesh, "before", job=job)


def _show(subject: Subject, *, job: Job) -> None:
    """What viewports and renders of a scene run: splats and surfels, alone and behind a surface."""
    from .splats.rasterizers import of_scene
    from .splats.view import View

    rasterizer = of_scene()
    from .splats.scene_rows import Instance, rows_from

    clouds = [Instance(rows_from(replace(subject.splats, surfels=surfels)), np.eye(4)) for surfels in (False, True)]
    depth = np.ones((SIDE_PX, SIDE_PX), np.float32)
    view = View(_cameras().cam_from_world[0], (SIDE_PX, SIDE_PX), (SIDE_PX / 2, SIDE_PX / 2), SIDE_PX, SIDE_PX, far=100.0)
    rasterizer.draw(clouds, view)
    rasterizer.draw(clouds, replace(view, depth=depth, depth_terms=(-1.0, -0.2, -1.0, 0.0)))
    rasterizer.measure(clouds, view, None, depth)
    rasterizer.close()


PROGRAMS: dict[str, tuple[Callable[..., object], ...]] = {
    "splats": (
        _show,
        partial(_train, start_from="points"),
        partial(_train, masked=True, strategy="classic"),
        partial(_train, aim="surface"),
        partial(_train, exposure=True, refine_cameras=True),
        partial(_extract_from_photos, extraction="fuse"),
        partial(_extract_from_photos, extraction="poisson"),
    ),
    "surfaces": (
        _texture,
        partial(_texture, masked=True),
        _clean,
        partial(_clean, holes="all", enclosed="faces"),
        partial(_clean, holes="rebuild", rebuild_cells=16),
        _analyze,
        *(partial(_extract, extraction=extraction) for extraction in ("density", "mls", "rbf", "alpha")),
        *(partial(_extract, extraction="mls", polygons=polygons) for polygons in ("tetrahedra", "quads", "sharp")),
        *(partial(_extract_from_photos, extraction=extraction, masked=True) for extraction in ("hull", "fuse", "density")),
        partial(_extract_from_photos, extraction="density"),
        partial(_extract, extraction="fuse"),
    ),
}
