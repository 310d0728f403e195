"""`python -m reify.tools.splat_story [FILE]`: the pictures of docs/other_splats.md, made by what the page says.

FILE holds splats of another program. Without one, `--count` splats are spread over the surfaces of the demo scene, with the colors of
its photos, and written as other programs leave them: tilted, with Y down, in a unit of their own. The clicks' seconds are printed.
Needs bpy.
Look at every picture before you commit it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..backend.geometry import quaternions
from ..backend.values import SH_C0, Array, Cameras, Splats
from ..scene import attributes

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
QUALITY = 85
SIZE = 0.75  # standard deviation of the demo's splats, of their distance
AROUND = 2.6  # radius of the part of the demo scene that is taken
THICKNESS = 0.04  # depth up to which a point is seen behind the nearest one of its pixel
VIEWS, PHOTO_PX = 28, 256  # of the demo scene's photos
UNIT = 3.7  # of the file, in those of the demo
TILT = np.array([0.97, 0.12, -0.2, 0.06])  # quaternion w x y z, about
HEIGHT_M = 1.2  # of the subject
RENDERED = 60_000  # splats that the render keeps, wider by what goes


def main() -> int:
    """Make the pictures."""
    parser = argparse.ArgumentParser(prog="splat_story", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--count", type=int, default=3_000_000, help="splats of the file that is made where none is given")
    parser.add_argument("--out", type=Path, default=PICTURES)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reify-") as folder:
        path = arguments.file or made_file(Path(folder), arguments.count)
        tell(path, arguments.out)
    return 0


def made_file(folder: Path, count: int) -> Path:
    """Splats of the demo scene, as another program leaves them."""
    import bpy

    from ..backend.formats.splat_ply import write_splat_ply
    from ..backend.geometry.axes import Z_UP_FROM_Y_DOWN
    from ..backend.splats.transform import transformed
    from ..scene.studio import build_studio, render_capture, studio_cameras

    pictures = render_capture(folder, views=VIEWS, size_px=PHOTO_PX)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    points, normals, spacing = _sampled(build_studio(), count)
    splats = surface_splats(points, normals, _colors(points, normals, studio_cameras(VIEWS, PHOTO_PX), pictures), spacing)
    away: Array = np.eye(4)
    away[:3, :3] = Z_UP_FROM_Y_DOWN[:3, :3].T @ quaternions.to_matrices((TILT / np.linalg.norm(TILT))[None])[0] * UNIT
    away[:3, 3] = 5.0, -2.0, 9.0
    path = folder / "other.ply"
    write_splat_ply(transformed(splats, away), path, up="-y")
    return path


def surface_splats(points: Array, normals: Array, srgb: Array, spacing: float) -> Splats:
    """Flat splats at points [N,3] of surfaces with normals [N,3] and colors [N,3], `spacing` apart on average."""
    # The rotation from z to the normal; where that is -z, half a turn about x.
    quats = np.column_stack((1 + normals[:, 2], -normals[:, 1], normals[:, 0], np.zeros(len(points))))
    quats[np.abs(quats).max(axis=1) < 1e-6] = 0.0, 1.0, 0.0, 0.0
    return Splats(
        means=points.astype(np.float32),
        quats=(quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        log_scales=np.tile(np.log(np.array([1.0, 1.0, 0.2]) * SIZE * spacing), (len(points), 1)).astype(np.float32),
        opacity_logits=np.full(len(points), 1.0, np.float32),
        sh=((srgb - 0.5) / SH_C0)[:, None].astype(np.float32),
    )


def _sampled(scene: Any, count: int) -> tuple[Array, Array, float]:
    """Points and normals [N,3], evenly spread over a scene's surfaces near its middle, and their distance."""
    import bpy

    with bpy.context.temp_override(scene=scene, view_layer=scene.view_layers[0]):
        depsgraph = bpy.context.evaluated_depsgraph_get()
    triangles = []
    for made in scene.objects:
        if made.type not in ("MESH", "FONT"):
            continue
        evaluated = made.evaluated_get(depsgraph)
        mesh = evaluated.to_mesh()
        mesh.calc_loop_triangles()
        vertices = attributes.read(mesh, "position") @ np.array(evaluated.matrix_world)[:3, :3].T + np.array(evaluated.matrix_world)[:3, 3]
        corners: Array = np.empty(3 * len(mesh.loop_triangles), np.int32)
        mesh.loop_triangles.foreach_get("vertices", corners)
        triangles.append(vertices[corners.reshape(-1, 3)])
        evaluated.to_mesh_clear()
    corners = np.concatenate(triangles)
    corners = corners[np.linalg.norm(corners[:, :, :2], axis=2).max(axis=1) < AROUND]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(across, axis=1) / 2
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(corners), count, p=areas / areas.sum())
    u, v = np.sort(rng.random((2, count)), axis=0)
    weights = np.stack((u, v - u, 1 - v), axis=1)
    points = np.einsum("nk,nkc->nc", weights, corners[chosen])
    return points, across[chosen] / (2 * areas[chosen, None]), float((areas.sum() / count) ** 0.5)


def _colors(points: Array, normals: Array, cameras: Cameras, pictures: list[Path]) -> Array:
    """Mean colors [N,3] of points in the pictures that show them, by how much they face these; gray where none does."""
    from PIL import Image

    total, weight = np.zeros((len(points), 3)), np.full(len(points), 1e-9)
    for pose, K, path in zip(cameras.cam_from_world, cameras.K, pictures, strict=True):
        picture = np.asarray(Image.open(path).convert("RGB"), np.float32) / 255
        placed = points @ pose[:3, :3].T + pose[:3, 3]
        x, y = ((placed @ K.T)[:, :2] / placed[:, 2:]).T.astype(np.int64)
        facing = -np.einsum("nc,nc->n", normals @ pose[:3, :3].T, placed) / np.linalg.norm(placed, axis=1)
        seen = np.flatnonzero((placed[:, 2] > 0) & (facing > 0.1) & (x >= 0) & (y >= 0) & (x < PHOTO_PX) & (y < PHOTO_PX))
        pixel = y[seen] * PHOTO_PX + x[seen]
        nearest = np.full(PHOTO_PX**2, np.inf)
        np.minimum.at(nearest, pixel, placed[seen, 2])
        front = placed[seen, 2] < nearest[pixel] + THICKNESS
        seen, pixel = seen[front], pixel[front]
        share = facing[seen] ** 4  # a sharp picture of a place counts for more than many slanted ones
        total[seen] += share[:, None] * picture.reshape(-1, 3)[pixel]
        weight[seen] += share
    return np.where(weight[:, None] > 1e-6, total / weight[:, None], 0.3)


def tell(path: Path, out: Path, size_px: tuple[int, int] = (640, 420), samples: int = 8) -> list[Path]:
    """The page's clicks on the splats of `path`; returns the pictures, four."""
    import bpy

    from .. import operators
    from ..scene.commit import prepare_cycles
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
    context.view_layer.update()
    low, high = _bounds(source)
    source.location.z -= low[2]
    context.view_layer.update()
    picture("subject", source)
    count = len(source.data.points)
    if count > RENDERED:
        _timed("Decimate", lambda: ops.reify.decimate_splats(by="COUNT", count=RENDERED))
        _timed("Adjust", lambda: ops.reify.adjust_splats(scale=(count / RENDERED) ** 0.5))
    _set(scene, source)
    context.view_layer.objects.active = source
    _timed("Shadow Catcher", lambda: ops.reify.shadow_catcher())
    prepare_cycles(scene)
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
