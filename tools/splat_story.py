"""`python -m reify.tools.splat_story [FILE]`: the pictures of docs/other_splats.md, made by what the page says.

FILE is a file of splats of another program. Without one, splats of the demo scene are trained for a minute and written as other programs
leave them: tilted, with Y down, in a unit of their own, and split into `--count` parts. The clicks' seconds are printed. Needs bpy.
Look at every picture before you commit it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..backend.geometry import quaternions
from ..backend.values import Array, Splats

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
QUALITY = 85
PART = 0.4  # standard deviation of a part, of that of the splat that it is a part of
VIEWS, PHOTO_PX = 32, 320  # of the demo scene's photos
UNIT = 3.7  # of the file, in those of the demo
TILT = np.array([0.97, 0.12, -0.2, 0.06])  # quaternion w x y z, about
HEIGHT_M = 1.2  # of the subject
RENDERED = 150_000  # splats that the render keeps


def main() -> int:
    """Make the pictures."""
    parser = argparse.ArgumentParser(prog="splat_story", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--count", type=int, default=3_000_000, help="splats of the file that is made where none is given")
    parser.add_argument("--seconds", type=float, default=60.0, help="of training it")
    parser.add_argument("--out", type=Path, default=PICTURES)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reify-") as folder:
        path = arguments.file or made_file(Path(folder), arguments.count, arguments.seconds)
        tell(path, arguments.out)
    return 0


def made_file(folder: Path, count: int, seconds: float) -> Path:
    """Splats of the demo scene, as another program leaves them."""
    from ..backend.capture.read import CaptureSettings, read_photos
    from ..backend.capture.solve import CameraSettings, solve_cameras
    from ..backend.formats.splat_ply import write_splat_ply
    from ..backend.formats.transforms import write_transforms
    from ..backend.geometry.axes import Z_UP_FROM_Y_DOWN
    from ..backend.jobs.job import Job
    from ..backend.splats.settings import TrainingSettings
    from ..backend.splats.stages import train_capture
    from ..backend.splats.transform import transformed
    from ..backend.values import Photos
    from ..scene.studio import render_capture, studio_cameras

    pictures = render_capture(folder / "photos", views=VIEWS, size_px=PHOTO_PX)
    write_transforms(studio_cameras(VIEWS, PHOTO_PX), [path.name for path in pictures], folder / "photos" / "transforms.json")
    job = Job()
    capture = read_photos(Photos((folder / "photos",)), CaptureSettings(hold_out=0), job=job)
    capture = solve_cameras(capture, CameraSettings(), job=job)
    splats, _capture = train_capture(capture, TrainingSettings(seconds=seconds, long_side_px=PHOTO_PX), 0, job=job)
    away: Array = np.eye(4)
    away[:3, :3] = Z_UP_FROM_Y_DOWN[:3, :3].T @ quaternions.to_matrices((TILT / np.linalg.norm(TILT))[None])[0] * UNIT
    away[:3, 3] = 5.0, -2.0, 9.0
    path = folder / "other.ply"
    write_splat_ply(split(transformed(splats, away), count), path, up="-y")
    return path


def split(splats: Splats, count: int, seed: int = 0) -> Splats:
    """About `count` smaller splats that look alike: each is replaced by samples of it, whose opacities sum to its own."""
    parts = max(1, round(count / len(splats)))
    rng = np.random.default_rng(seed)
    many = splats.take(np.repeat(np.arange(len(splats)), parts))
    spread = np.exp(many.log_scales) * rng.normal(size=many.means.shape) * (1 - PART**2) ** 0.5
    offset = np.einsum("nij,nj->ni", quaternions.to_matrices(many.quats), spread)
    opacity = 1 / (1 + np.exp(-many.opacity_logits))
    opacity = 1 - (1 - np.minimum(opacity, 0.99)) ** (1 / (parts * PART**2)) if parts > 1 else opacity
    return replace(
        many,
        means=(many.means + (offset if parts > 1 else 0)).astype(np.float32),
        log_scales=(many.log_scales + (np.log(PART) if parts > 1 else 0)).astype(np.float32),
        opacity_logits=np.log(opacity / (1 - opacity)).astype(np.float32),
    )


def tell(path: Path, out: Path, size_px: tuple[int, int] = (640, 420), samples: int = 8) -> list[Path]:
    """The page's clicks on the splats of `path`; returns the pictures, four."""
    import bpy

    from .. import operators
    from ..scene.commit import _prepare_cycles
    from ..session import registration

    bpy.ops.wm.read_factory_settings(use_empty=True)
    if not hasattr(bpy.types, "REIFY_OT_import_splats"):
        registration.register()
        operators.register()
    ops: Any = bpy.ops
    context: Any = bpy.context
    scene = context.scene
    made: list[Path] = []

    def picture(name: str, source: Any) -> None:
        made.append(out / f"other-splats-{name}.jpg")
        _rasterized(source, size_px, made[-1])

    _timed("Import", lambda: ops.reify.import_splats(filepath=str(path)))
    source: Any = context.object
    picture("arrived", source)
    _timed("Stand on Floor", lambda: ops.reify.place_splats(level=True, stand=True, center=True))
    context.view_layer.update()
    picture("standing", source)
    _timed("Subject Only", lambda: ops.reify.subject_only())
    low, high = _bounds(source)
    source.scale *= HEIGHT_M / float(high[2] - low[2])
    context.view_layer.update()
    _timed("Apply Transform", lambda: ops.reify.apply_splat_transform())
    context.view_layer.update()
    _timed("Stand on Floor", lambda: ops.reify.place_splats(level=False, stand=False, center=True, origin=True))
    _timed("Decimate", lambda: ops.reify.decimate_splats(by="COUNT", count=min(RENDERED, len(source.data.points))))
    context.view_layer.update()
    low, high = _bounds(source)
    source.location.z -= low[2]
    context.view_layer.update()
    picture("subject", source)
    _set(scene, source)
    context.view_layer.objects.active = source
    _timed("Shadow Catcher", lambda: ops.reify.shadow_catcher())
    _prepare_cycles(scene)
    made.append(out / "other-splats-rendered.jpg")
    _rendered(scene, size_px, samples, made[-1])
    return made


def _timed(title: str, click: Callable[[], Any]) -> None:
    started = time.perf_counter()
    click()
    print(f"{title}: {time.perf_counter() - started:.2f} s", flush=True)


def _bounds(source: Any) -> tuple[Array, Array]:
    """Corners of the box around nearly all opaque splats, in the world."""
    from ..scene.splat_edits import opacity, positions

    world = np.array(source.matrix_world)
    points = positions(source.data)[opacity(source.data) >= np.median(opacity(source.data))]
    low, high = np.percentile(points @ world[:3, :3].T + world[:3, 3], (0.5, 99.5), axis=0)
    return low, high


def _rasterized(source: Any, size_px: tuple[int, int], path: Path) -> None:
    """What the viewport shows of splats, from the front, a little above."""
    from PIL import Image

    from ..backend.geometry.axes import looking_at
    from ..backend.splats.render import rasterize
    from ..backend.splats.transform import transformed
    from ..backend.values import Cameras
    from ..scene.splats import read_splats

    width, height = size_px
    low, high = _bounds(source)
    middle, reach = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    eye = middle + reach * np.array((0.5, -2.5, 0.9))
    K = np.array([[[width, 0, width / 2], [0, width, height / 2], [0, 0, 1.0]]])
    cameras = Cameras(looking_at(eye[None], middle), K, np.array([[width, height]]), np.zeros((1, 8)))
    frame = rasterize(transformed(read_splats(source), np.array(source.matrix_world, np.float64)), cameras, 0, geometry=False)
    background = np.full(3, 0.24)  # about Blender's
    rgb = np.clip(frame.rgb + (1 - frame.alpha[..., None]) * background, 0, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((255 * rgb + 0.5).astype(np.uint8)).save(path, quality=QUALITY)


def _set(scene: Any, source: Any) -> None:
    """A floor, a wall beside the subject that takes half of the sun from it, light, and a camera."""
    import bpy
    from mathutils import Vector

    from ..scene import compat

    ops: Any = bpy.ops
    context: Any = bpy.context
    matte: Any = bpy.data.materials.new("Matte")
    compat.use_nodes(matte)
    matte.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = (0.3, 0.29, 0.27, 1.0)
    ops.mesh.primitive_plane_add(size=12.0)
    context.object.data.materials.append(matte)
    ops.mesh.primitive_cube_add(size=1.0, location=(0.75, -0.55, 0.5))
    context.object.scale = (0.12, 0.5, 1.0)
    context.object.data.materials.append(matte)
    ops.object.light_add(type="SUN", rotation=(0.35, 0.95, 0.25))
    context.object.data.energy, context.object.data.angle = 2.5, 0.03
    scene.world = bpy.data.worlds.new("Sky")
    compat.use_nodes(scene.world)
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.45, 0.5, 0.6, 1.0)
    data = bpy.data.cameras.new("Camera")
    scene.camera = bpy.data.objects.new("Camera", data)
    scene.collection.objects.link(scene.camera)
    scene.camera.location = (1.0, -3.4, 1.5)
    scene.camera.rotation_euler = (Vector((0.1, 0.0, 0.55)) - scene.camera.location).to_track_quat("-Z", "Y").to_euler()
    for other in context.selected_objects:
        other.select_set(False)


def _rendered(scene: Any, size_px: tuple[int, int], samples: int, path: Path) -> None:
    import bpy

    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = samples, False
    scene.render.resolution_x, scene.render.resolution_y = size_px
    scene.view_settings.view_transform = "Standard"
    scene.render.image_settings.file_format, scene.render.image_settings.quality = "JPEG", QUALITY
    scene.render.filepath = str(path)
    started = time.perf_counter()
    bpy.ops.render.render(write_still=True)
    print(f"Render: {time.perf_counter() - started:.1f} s", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
