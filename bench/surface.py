"""Surfaces against ground truth: known meshes photographed from 48 known cameras, reconstructed, compared.

Three rows a mesh: `<mesh>_exact_…` fuses exact depth, which shows what fusing, cleaning and texturing lose by themselves;
`<mesh>_…` is the whole pipeline, from pictures with alpha through splats; `<mesh>_masks_…` the same with faulty masks. Before the
first stand the lines of extraction.py. `python3 dev.py bench surface spot armadillo` prints only the whole pipeline of these meshes,
`… spot_exact` only the first row. On a busy machine REIFY_BENCH_TRAINING_SECONDS=0 REIFY_BENCH_TRAINING_STEPS=2000 make figures comparable.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ..backend.geometry import triangles
from ..backend.geometry.axes import looking_at
from ..backend.geometry.raster import rasterize_mesh, render_mesh
from ..backend.jobs.job import Job
from ..backend.mesh.cleaning import MeshSettings, clean
from ..backend.metrics import images, meshes
from ..backend.splats.settings import TrainingSettings
from ..backend.surface import outlines
from ..backend.surface.fuse import SurfaceSettings, fuse_depth
from ..backend.surface.views import surface_of_capture
from ..backend.texture.from_photos import TextureSettings, texture_from_photos
from ..backend.texture.unwrap import unwrap
from ..backend.values import Array, Cameras, Mesh, Rendering, Splats, Views

Emit = Callable[..., None]
MESHES = {"spot": "spot_texture.png", "bob": "bob_diffuse.png", "armadillo": None, "rocker_arm": None}
FILES = {"spot": "spot.obj", "bob": "bob_tri.obj", "armadillo": "armadillo.obj", "rocker_arm": "rocker-arm.obj"}
VIEWS, HELD_OUT, SIZE_PX = 48, 8, 400
TRAINING_SECONDS = float(os.environ.get("REIFY_BENCH_TRAINING_SECONDS", "120"))  # 0 for no limit
TRAINING_STEPS = int(os.environ.get("REIFY_BENCH_TRAINING_STEPS", "30000"))  # what a busy machine is compared by


def run(emit: Emit, parts: tuple[str, ...]) -> None:
    """Print the figures of `parts`, or of all; three to four minutes a mesh."""
    for name, measure in PARTS.items() if truth_folder() else ():
        if not parts or name in parts:
            measure(emit)


def through_splats(emit: Emit, name: str) -> None:
    """The whole pipeline, from pictures with known cameras to a textured mesh."""
    truth, views = _photographed(name)
    _reconstruct(emit, name, truth, views, _through_splats)


def with_disturbed_masks(emit: Emit, name: str) -> None:
    """The whole pipeline, from pictures whose masks are as people make them."""
    truth, views = _photographed(name)
    _reconstruct(emit, f"{name}_masks", truth, replace(views, alpha=disturbed(views.alpha)), _through_splats)


def disturbed(alphas: Sequence[Array | None], seed: int = 0) -> list[Array | None]:
    """Masks [H,W] eroded, dilated or shifted by 1 to 4 pixels in turn; every twelfth lacks a part, a fifth of its height, too."""
    from scipy.ndimage import binary_dilation, binary_erosion

    rng, masks = np.random.default_rng(seed), list[Array | None]()
    for index, alpha in enumerate(alphas):
        assert alpha is not None
        subject, reach = alpha >= 128, int(rng.integers(1, 5))
        if index % 3 == 0:
            subject = binary_erosion(subject, iterations=reach)
        elif index % 3 == 1:
            subject = binary_dilation(subject, iterations=reach)
        else:
            subject = np.roll(subject, reach * rng.choice([-1, 1], 2), axis=(0, 1))
        if index % 12 == 5:
            rows = np.flatnonzero(subject.any(axis=1))
            subject[rows[: len(rows) // 5]] = False
        masks.append((255 * subject).astype(np.uint8))
    return masks


def from_exact_depth(emit: Emit, name: str) -> None:
    """What extraction and texture make of depth without error."""
    from . import extraction

    truth, views = _photographed(name)
    extraction.from_exact(emit, name, truth, views)
    _reconstruct(emit, f"{name}_exact", truth, views, partial(_from_exact_depth, truth))


PARTS: dict[str, Callable[[Emit], None]] = {
    **{name: partial(through_splats, name=name) for name in MESHES},
    **{f"{name}_exact": partial(from_exact_depth, name=name) for name in MESHES},
    **{f"{name}_masks": partial(with_disturbed_masks, name=name) for name in ("spot", "armadillo")},
}


def truth_folder() -> Path | None:
    """Where the known meshes lie, if they do."""
    folder = Path(os.environ.get("REIFY_DATA", Path(__file__).parents[2] / "shared" / "data")) / "gt_meshes"
    if folder.is_dir():
        return folder
    print(f"the ground truth isn't at {folder}", file=sys.stderr)
    return None


def load_truth(name: str) -> Mesh:
    """One of the ground truth meshes, upright, in a ball of radius 1; without a picture of its own it gets colors by position."""
    folder = truth_folder()
    assert folder is not None
    vertices, uvs, faces, face_uvs = _read_obj(folder / FILES[name])
    vertices = vertices[:, [0, 2, 1]] * np.array([1.0, -1.0, 1.0])  # Y up to Z up
    vertices -= (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    vertices /= np.linalg.norm(vertices, axis=1).max()
    if MESHES[name] is None:
        return Mesh(vertices.astype(np.float32), faces, vertex_srgb=_marble(vertices))
    from PIL import Image

    texture = np.asarray(Image.open(folder / str(MESHES[name])).convert("RGB"))
    return Mesh(vertices.astype(np.float32), faces, uvs=uvs[face_uvs].astype(np.float32), textures={"base_color": texture})


def orbit(count: int, distance: float = 3.0, turn: float = 0.0) -> Cameras:
    """Upright cameras spread over a sphere, looking at the origin, with a field of view of 42 degrees."""
    index = np.arange(count) + 0.5
    z, angle = 0.9 * (1 - 2 * index / count), np.pi * (1 + 5**0.5) * index + turn
    centers = distance * np.stack([np.sqrt(1 - z**2) * np.cos(angle), np.sqrt(1 - z**2) * np.sin(angle), z], axis=1)
    K = np.array([[1.3 * SIZE_PX, 0, SIZE_PX / 2], [0, 1.3 * SIZE_PX, SIZE_PX / 2], [0, 0, 1]])
    return Cameras(looking_at(centers, np.zeros(3)), np.tile(K, (count, 1, 1)), np.full((count, 2), SIZE_PX), np.zeros((count, 8)))


def photograph(truth: Mesh, cameras: Cameras) -> Views:
    """Pictures with alpha; vertex colors are lit from above."""
    lit = _lit(truth)
    pictures = [render_mesh(lit, cameras, i, background=(0, 0, 0)) for i in range(len(cameras))]
    white = replace(lit, uvs=None, textures={}, vertex_srgb=np.ones_like(lit.vertices))
    alphas: list[Array | None] = [render_mesh(white, cameras, i, background=(0, 0, 0))[..., 0] for i in range(len(cameras))]
    # Straight colors: what the edge pixels lost to the black background comes back.
    for picture, alpha in zip(pictures, alphas, strict=True):
        assert alpha is not None
        picture[:] = (picture / np.maximum(alpha[..., None] / 255.0, 1 / 255)).clip(0, 255).astype(np.uint8)
    return Views(pictures, alphas, [None] * len(cameras), cameras)


def _photographed(name: str) -> tuple[Mesh, Views]:
    truth = load_truth(name)
    return truth, photograph(truth, orbit(VIEWS))


def _reconstruct(emit: Emit, name: str, truth: Mesh, views: Views, extract: Callable[[Views, Job], Mesh]) -> None:
    started = time.perf_counter()
    job = Job()
    mesh = extract(views, job)
    mesh = clean(mesh, MeshSettings(), job=job)
    settings = TextureSettings()
    textured = texture_from_photos(unwrap(mesh, settings, cameras=views.cameras, job=job), views, settings, job=job)
    emit(f"{name}_seconds", round(time.perf_counter() - started, 1), "s")
    result = meshes.compare(mesh, truth)
    emit(f"{name}_chamfer_percent", round(result.chamfer_percent, 4), "% of the diagonal", faces=len(mesh.faces))
    emit(f"{name}_fscore_half_percent", round(result.f_score_half_percent, 4), "")
    emit(f"{name}_fscore_1percent", round(result.f_score_1percent, 4), "")
    emit(f"{name}_normal_consistency", round(result.normal_consistency, 4), "")
    emit(f"{name}_watertight", int(meshes.is_watertight(mesh)), "")
    if meshes.is_watertight(mesh):
        emit(f"{name}_genus", meshes.genus(mesh), "", truth=meshes.genus(truth))
    emit(f"{name}_texture_psnr", round(_texture_psnr(textured, _lit(truth), orbit(HELD_OUT, distance=2.7, turn=0.4)), 2), "dB")
    emit(f"{name}_peak_mb", round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024), "MB")


def train_splats(views: Views, settings: TrainingSettings | None = None) -> Splats:
    """Splats of the pictures, trained for TRAINING_SECONDS or TRAINING_STEPS where nothing else is set."""
    from ..backend.splats.initialize import starting_splats
    from ..backend.splats.train import train

    settings = settings or TrainingSettings(seconds=TRAINING_SECONDS, steps=TRAINING_STEPS, long_side_px=SIZE_PX)
    start = starting_splats(views, None, settings, seed=0)
    return Job().stage("Training splats", train, views, tuple(range(len(views))), start, settings)


def _from_exact_depth(truth: Mesh, views: Views, job: Job) -> Mesh:
    return fuse_depth(partial(exact, truth), views, SurfaceSettings(), job=job)


def exact(truth: Mesh, cameras: Cameras, index: int) -> Rendering:
    """The known mesh's colors and depth, as a renderer of splats would have them."""
    seen = rasterize_mesh(truth, cameras, index)
    return Rendering(render_mesh(truth, cameras, index).astype(np.float32) / 255, seen.hit.astype(np.float32), seen.depth)


def _through_splats(views: Views, job: Job) -> Mesh:
    from ..backend.splats.render import rasterize

    views = outlines.moved(views, outlines.moves_of(views, job=job))
    splats = train_splats(views)
    return surface_of_capture(splats, partial(rasterize, splats), views, SurfaceSettings(), job=job)


def _texture_psnr(textured: Mesh, truth: Mesh, cameras: Cameras) -> float:
    errors = []
    for index in range(len(cameras)):
        inside = rasterize_mesh(truth, cameras, index).hit
        a, b = (render_mesh(m, cameras, index).astype(np.float32) / 255 for m in (textured, truth))
        errors.append(images.psnr(a, b, inside))
    return float(np.mean(errors))


def _lit(mesh: Mesh) -> Mesh:
    """The mesh with its vertex colors times a soft light from above; a texture stays as it is."""
    if mesh.vertex_srgb is None:
        return mesh
    light = 0.7 + 0.3 * triangles.vertex_normals(mesh.vertices, mesh.faces)[:, 2:]
    return replace(mesh, vertex_srgb=(mesh.vertex_srgb * light).astype(np.float32))


def _marble(points: Array) -> Array:
    """Colors [V,3] by position, detailed at several scales."""
    rng = np.random.default_rng(4)
    color = np.full((len(points), 3), 0.55)
    for scale in (3, 6, 12, 24):
        direction, phase = rng.normal(size=(3, 3)) * scale, rng.random(3) * 6
        color += 0.35 / np.sqrt(scale) * np.sin(points @ direction + phase)
    return color.clip(0.05, 1.0).astype(np.float32)


def _read_obj(path: Path) -> tuple[Array, Array, Array, Array]:
    vertices, uvs, faces, face_uvs = [], [], [], []
    for line in path.read_text().splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            vertices.append([float(word) for word in words[:3]])
        elif kind == "vt":
            uvs.append([float(word) for word in words[:2]])
        elif kind == "f":
            numbers = [[int(n or 0) - 1 for n in word.split("/")] for word in words]
            faces.append([n[0] for n in numbers])
            face_uvs.append([n[1] if len(n) > 1 else -1 for n in numbers])
    return np.array(vertices), np.array(uvs), np.array(faces, np.int32), np.array(face_uvs, np.int32)
