"""Pictures to meshes: how long it takes, and whether the outline stays what it was."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..backend.bodies.from_pictures import Settings, preview_mesh
from ..backend.bodies.inflation import InflateSettings, inflate
from ..backend.bodies.solid import Solid
from ..backend.formats.images import read_image, resize_to, write_png
from ..backend.geometry.raster import rasterize_mesh
from ..backend.jobs.job import Job
from ..backend.methods.image import METHOD
from ..backend.pictures.cutout import CutoutSettings, cut_out, smaller
from ..backend.values import Array, Cameras, Mesh, Pictures

DATA = Path(os.environ.get("REIFY_DATA", Path(__file__).parents[2] / "shared" / "data")) / "single_images"
FAR_PX = 1e6  # a camera so far away that its rays are parallel


def run(emit: Callable[..., None]) -> None:
    """Emit inflate_512_seconds, inflate_1024_seconds, preview_256_milliseconds, that of layers, and silhouette_iou_min.

    The seconds are from the file to the textured object in Blender.
    """
    with tempfile.TemporaryDirectory() as folder:
        for size in (512, 1024):
            path = Path(folder) / f"figure_{size}.png"
            write_png(path, _figure(size))
            times = [_seconds(path) for _ in range(4)][1:]  # the first one imports scipy
            emit(f"inflate_{size}_seconds", round(statistics.median(times), 3), "s", runs=len(times))
        picture = smaller(cut_out(path, CutoutSettings(), job=Job()), 256)
    for name, method in (("preview_256", "inflate"), ("preview_layers_256", "layers")):
        times = []
        for _ in range(9):
            started = time.perf_counter()
            preview_mesh([picture], Settings(method=method))
            times.append(time.perf_counter() - started)
        emit(f"{name}_milliseconds", round(1000 * statistics.median(times), 1), "ms", runs=len(times))
    if not DATA.is_dir():
        return
    overlaps = {path.stem: _overlap(path) for path in sorted(DATA.glob("*.png"))}
    worst = min(overlaps, key=overlaps.__getitem__)
    emit("silhouette_iou_min", round(overlaps[worst], 4), "", picture=worst, pictures=len(overlaps))


def silhouette(solid: Solid, shape: tuple[int, ...]) -> Array:
    """What a solid covers of a picture of `shape`, seen from straight ahead, [H,W] bool."""
    pose = np.eye(4)
    pose[2, 3] = FAR_PX
    K = np.array([[FAR_PX, 0.0, 0.0], [0.0, FAR_PX, 0.0], [0.0, 0.0, 1.0]])
    camera = Cameras(pose[None], K[None], np.array([[shape[1], shape[0]]]), np.zeros((1, 8)))
    faces = np.concatenate([solid.quads[:, [0, 1, 2]], solid.quads[:, [0, 2, 3]], solid.triangles]).astype(np.int32)
    return rasterize_mesh(Mesh(solid.vertices_px.astype(np.float32), faces), camera, 0).hit


def _overlap(path: Path) -> float:
    coverage = cut_out(path, CutoutSettings(), job=Job()).coverage
    drawn, mask = silhouette(inflate(coverage, 20_000, InflateSettings()), coverage.shape), coverage > 0.5
    return float((drawn & mask).sum() / (drawn | mask).sum())


def _seconds(path: Path) -> float:
    import bpy

    from ..scene.commit import commit

    bpy.ops.wm.read_factory_settings(use_empty=True)
    started = time.perf_counter()
    commit(METHOD.perform(Pictures((path,)), Settings(method="inflate"), Job()))
    return time.perf_counter() - started


def _figure(size: int) -> Array:
    """A picture with alpha: a real one where there is one, else a blob with a hole."""
    if (DATA / "robot.png").is_file():
        return resize_to(read_image(DATA / "robot.png"), (size, size))
    y, x = np.mgrid[:size, :size] / size - 0.5
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    inside = (radius < 0.35 + 0.08 * np.cos(5 * angle)) & (radius > 0.1)
    colors = np.stack([128 + 120 * x, 128 + 120 * y, np.full_like(x, 160.0), 255.0 * inside], axis=-1)
    return colors.astype(np.uint8)
