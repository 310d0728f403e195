"""The demo's subject: a small scene built by code, and photos of it rendered with Cycles.

It has what structure from motion and splats need (fine detail that repeats nowhere, nothing shiny, a bounded
background) and what shows mistakes: a lettered chest and one raised arm look wrong when mirrored or turned.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy

# The wheel makes these two importable only once bpy is: they stay below it.
# isort: split
import bmesh
import numpy as np
from mathutils import Euler, Matrix, Vector, noise

from ..backend.values import Cameras
from . import compat
from .nodes import Nodes, Outputs

LENS_MM, SENSOR_MM = 50.0, 36.0
AIM = Vector((0.02, 0.0, 0.86))  # the middle of the figure, where the cameras look
RINGS = ((0.4, 23.0, 3.75), (0.35, 41.0, 3.85), (0.25, 60.0, 4.0))  # share of the views, elevation in degrees, distance

# Colors are linear RGB.
ORANGE, TEAL, CREAM, INK = (0.62, 0.22, 0.05), (0.05, 0.36, 0.38), (0.66, 0.58, 0.42), (0.03, 0.03, 0.05)
RED, YELLOW, VIOLET, MOSS, EARTH = (0.55, 0.05, 0.06), (0.70, 0.48, 0.06), (0.28, 0.14, 0.45), (0.14, 0.28, 0.08), (0.34, 0.26, 0.19)


def build_studio() -> bpy.types.Scene:
    """A new scene with the figure on its ground, lights and a camera; nothing is loaded or downloaded."""
    scene = bpy.data.scenes.new("Studio")
    _ground(scene)
    _figure(scene)
    _neighbors(scene)
    _light(scene)
    data = bpy.data.cameras.new("Studio Camera")
    data.lens, data.sensor_width, data.sensor_fit = LENS_MM, SENSOR_MM, "HORIZONTAL"
    scene.camera = bpy.data.objects.new("Studio Camera", data)
    scene.collection.objects.link(scene.camera)
    return scene


def render_capture(
    folder: Path,
    *,
    views: int = 40,
    size_px: int = 400,
    samples: int = 3,
    progress: Callable[[float, str], None] = lambda fraction, text: None,
) -> list[Path]:
    """Render photos of the studio to `folder` as view_000.png, view_001.png …; the same ones every time.

    `studio_cameras(views, size_px)` tells where they were taken. What was open in Blender stays as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cameras = studio_cameras(views, size_px)
    paths = []
    with _only_for_now():
        scene = build_studio()
        _prepare_render(scene, size_px, samples)
        for index in range(views):
            progress(index / views, f"photo {index + 1} of {views}")
            scene.camera.matrix_world = _blender_matrix(cameras.cam_from_world[index])
            paths.append(folder / f"view_{index:03}.png")
            scene.render.filepath = str(paths[-1])
            bpy.ops.render.render(scene=scene.name, write_still=True)
            _drop_notes(paths[-1])
        progress(1.0, f"{views} photos")
    return paths


def _drop_notes(png: Path) -> None:
    """Keep only the picture: without dates and render times the same pictures are the same bytes, and found in the cache."""
    content = png.read_bytes()
    kept, at = [content[:8]], 8
    while at < len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")  # length, name and checksum are 4 bytes each
        if content[at + 4 : at + 8] in (b"IHDR", b"IDAT", b"IEND"):
            kept.append(content[at:end])
        at = end
    png.write_bytes(b"".join(kept))


def studio_cameras(views: int = 40, size_px: int = 400) -> Cameras:
    """The true cameras of `render_capture`'s photos: a walk around the figure on three heights, by an unsteady hand."""
    dice = random.Random(7)
    poses = []
    for elevation, azimuth, distance in _walk(views):
        up, around, away = elevation + dice.uniform(-2.5, 2.5), azimuth + dice.uniform(-3.0, 3.0), distance * dice.uniform(0.96, 1.04)
        aim = AIM + Vector([dice.uniform(-0.06, 0.06) for _ in range(3)])
        poses.append(_look_at(up, around, away, aim, roll=dice.uniform(-3.0, 3.0)))
    focal_px = LENS_MM / SENSOR_MM * size_px
    K = np.array([[focal_px, 0.0, size_px / 2], [0.0, focal_px, size_px / 2], [0.0, 0.0, 1.0]])
    return Cameras(
        cam_from_world=np.array(poses).reshape(views, 4, 4),
        K=np.tile(K, (views, 1, 1)),
        size_px=np.full((views, 2), size_px),
        distortion=np.zeros((views, 8)),
    )


def _walk(views: int) -> Iterator[tuple[float, float, float]]:
    """Elevation and azimuth in degrees, distance; neighbors in time are neighbors in space."""
    ends = [round(views * sum(share for share, _, _ in RINGS[: i + 1])) for i in range(len(RINGS))]
    for (_, elevation, distance), begin, end in zip(RINGS, [0, *ends], ends, strict=False):
        for step in range(end - begin):
            yield elevation, 360.0 * step / (end - begin) - 90.0, distance


def _look_at(elevation: float, azimuth: float, distance: float, aim: Vector, roll: float) -> list[list[float]]:
    around, up = math.radians(azimuth), math.radians(elevation)
    center = aim + distance * Vector((math.cos(up) * math.cos(around), math.cos(up) * math.sin(around), math.sin(up)))
    forward = (aim - center).normalized()
    right = forward.cross(Vector((0.0, 0.0, 1.0))).normalized()
    axes: Any = (right, forward.cross(right), forward)
    rotation = Matrix.Rotation(math.radians(roll), 3, "Z") @ Matrix(axes)
    pose = rotation.to_4x4()
    pose.translation = -(rotation @ center)
    return [list(row) for row in pose]


def _blender_matrix(cam_from_world: np.ndarray) -> Matrix:
    world_from_cam = np.linalg.inv(cam_from_world)
    world_from_cam[:3, 1:3] *= -1.0  # OpenCV looks along +z with y down, Blender along -z with y up
    return Matrix(world_from_cam.tolist())


@contextmanager
def _only_for_now() -> Iterator[None]:
    """Remove every data-block that the block inside creates."""
    kinds = (bpy.data.scenes, bpy.data.objects, bpy.data.meshes, bpy.data.materials, bpy.data.cameras, bpy.data.worlds)
    before = [set(kind) for kind in (*kinds, bpy.data.curves)]
    try:
        yield
    finally:
        new = [block for kind, known in zip((*kinds, bpy.data.curves), before, strict=True) for block in kind if block not in known]
        bpy.data.batch_remove(new)


def _prepare_render(scene: bpy.types.Scene, size_px: int, samples: int) -> None:
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.resolution_x = render.resolution_y = size_px
    render.resolution_percentage = 100
    render.use_persistent_data = True  # the scene is synchronized once, not for every view
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGB"
    render.use_file_extension = False
    scene.view_settings.view_transform = "Standard"
    cycles.device = "CPU"
    cycles.samples, cycles.use_adaptive_sampling = samples, False
    cycles.use_denoising, cycles.denoiser, cycles.denoising_input_passes = True, "OPENIMAGEDENOISE", "RGB_ALBEDO_NORMAL"
    cycles.denoising_prefilter, cycles.denoising_quality = "NONE", "FAST"
    cycles.max_bounces = cycles.diffuse_bounces = cycles.glossy_bounces = 0


def _light(scene: bpy.types.Scene) -> None:
    """A sky that is brighter on one side: shape without hard shadows, and a quarter faster than a sky and a lamp."""
    world = bpy.data.worlds.new("Studio")
    compat.use_nodes(world)
    world.node_tree.nodes.clear()
    n = Nodes(world.node_tree)
    side = n.vector("DOT_PRODUCT", n.add("ShaderNodeTexCoord")["Generated"], (0.45, -0.55, 0.7))  # roughly unit length
    background = n.add("ShaderNodeBackground", Strength=n.math("MULTIPLY_ADD", side, 1.0, 1.45))
    n.add("ShaderNodeOutputWorld", Surface=background[0])
    world.cycles.sampling_method, world.cycles.sample_map_resolution = "MANUAL", 64  # 0.7 s a photo less than the default of 1024
    scene.world = world


def _ground(scene: bpy.types.Scene) -> None:
    """A round floor whose rim curls up like a paper backdrop: every ray of every camera ends on it."""
    shape = bmesh.new()
    bmesh.ops.create_grid(shape, x_segments=160, y_segments=160, size=8.0)
    for vertex in shape.verts:
        reach = vertex.co.xy.length
        vertex.co.z = 0.22 * max(0.0, reach - 3.0) ** 2 + 0.02 * noise.fractal(vertex.co * 1.3, 1.0, 2.0, 3)
    _add(scene, "Ground", shape, _material("Ground", EARTH, cells=2.6, grain=14.0, contrast=0.75, second=MOSS), smooth=True)


def _figure(scene: bpy.types.Scene) -> None:
    """A robot that is nowhere symmetric: lettered chest, one arm up, one eye larger, an antenna on its left."""
    body = _material("Body", ORANGE, cells=7.0, grain=26.0, second=YELLOW)
    limbs = _material("Limbs", VIOLET, cells=9.0, grain=30.0, second=TEAL)
    head = _material("Head", TEAL, cells=8.0, grain=28.0, second=CREAM)
    plate = _material("Plate", CREAM, cells=10.0, grain=40.0, contrast=0.35)
    dark = _material("Dark", INK, cells=9.0, grain=30.0, contrast=0.4)
    red = _material("Red", RED, cells=9.0, grain=34.0)

    _add(scene, "Body", _box((0.78, 0.52, 0.72)), body, at=(0, 0, 0.78), bevel=0.07)
    _add(scene, "Head", _blob(0.36, rough=0.16, seed=3), head, at=(0.03, -0.02, 1.42), smooth=True)
    _add(scene, "Plate", _box((0.66, 0.05, 0.30)), plate, at=(0, -0.27, 0.86), bevel=0.02)
    _letters(scene, "REIFY", dark, at=(0, -0.295, 0.86), width=0.56)
    _letters(scene, "4 5", red, at=(0, 0.262, 0.80), width=0.42, turn=180)
    for x, size in ((-0.13, 0.075), (0.17, 0.11)):
        _add(scene, "Eye", _cylinder(size, 0.14), plate, at=(x, -0.33, 1.46), turn=(90, 0, 0), bevel=0.015)
        _add(scene, "Pupil", _cylinder(size * 0.5, 0.16), dark, at=(x, -0.335, 1.46), turn=(90, 0, 0))
    _add(scene, "Antenna", _cylinder(0.035, 0.34), limbs, at=(0.24, 0.02, 1.84), turn=(0, 18, 0))
    _add(scene, "Antenna Tip", _blob(0.09, rough=0.05, seed=5), red, at=(0.30, 0.02, 2.01), smooth=True)
    _add(scene, "Raised Arm", _cylinder(0.10, 0.62), limbs, at=(0.58, -0.02, 1.18), turn=(0, 32, 0), bevel=0.03)
    _add(scene, "Raised Hand", _blob(0.16, rough=0.10, seed=8), red, at=(0.76, -0.02, 1.48), smooth=True)
    _add(scene, "Lowered Arm", _cylinder(0.11, 0.52), limbs, at=(-0.53, -0.04, 0.74), turn=(12, 22, 0), bevel=0.03)
    _add(scene, "Lowered Hand", _box((0.24, 0.24, 0.2)), plate, at=(-0.63, -0.08, 0.45), turn=(0, 22, 10), bevel=0.04)
    _add(scene, "Left Leg", _cylinder(0.14, 0.44), limbs, at=(0.2, 0, 0.24), bevel=0.03)
    _add(scene, "Right Leg", _cylinder(0.14, 0.44), limbs, at=(-0.2, 0.03, 0.24), bevel=0.03)
    _add(scene, "Left Foot", _box((0.28, 0.46, 0.14)), red, at=(0.22, -0.08, 0.07), turn=(0, 0, 14), bevel=0.04)
    _add(scene, "Right Foot", _box((0.28, 0.46, 0.14)), red, at=(-0.22, -0.06, 0.07), turn=(0, 0, -6), bevel=0.04)


def _neighbors(scene: bpy.types.Scene) -> None:
    stone = _material("Stone", (0.30, 0.32, 0.36), cells=9.0, grain=30.0, contrast=0.8)
    block = _material("Block", YELLOW, cells=8.0, grain=28.0, second=RED)
    other = _material("Other Block", MOSS, cells=8.0, grain=28.0, second=CREAM)
    _add(scene, "Stone", _blob(0.34, rough=0.35, seed=11), stone, at=(-0.78, 0.42, 0.2), smooth=True)
    _add(scene, "Block", _box((0.36, 0.36, 0.36)), block, at=(0.74, 0.42, 0.18), turn=(0, 0, 24), bevel=0.03)
    _add(scene, "Other Block", _box((0.26, 0.26, 0.26)), other, at=(0.70, 0.40, 0.49), turn=(0, 0, -12), bevel=0.03)


def _material(
    name: str,
    color: tuple[float, float, float],
    *,
    cells: float,
    grain: float,
    contrast: float = 0.6,
    second: tuple[float, float, float] | None = None,
) -> bpy.types.Material:
    """Matte, with colored cells of 1/`cells` and a grain of 1/`grain` world units that repeat nowhere.

    `second` is a color that covers a part of it in patches. The texture depends on world coordinates, hence
    two objects of one material look different.
    """
    material = bpy.data.materials.new(name)
    compat.use_nodes(material)
    material.node_tree.nodes.clear()
    n = Nodes(material.node_tree)
    place = n.add("ShaderNodeNewGeometry")["Position"]

    # White noise on a warped grid looks like Voronoi cells, and is evaluated several times faster.
    warp = _noise(n, place, scale=cells * 0.5)["Color"]
    warped = n.vector("MULTIPLY_ADD", warp, 1.5 / cells, place)
    spots, specks = _cells(n, warped, 1.0 / cells), _cells(n, warped, 1.0 / grain)
    patches = n.math("GREATER_THAN", _noise(n, place, scale=cells * 0.3)[0], 0.53)

    base = n.vector("MULTIPLY_ADD", patches, [b - a for a, b in zip(color, second or color, strict=True)], color)
    shade: Any = (1.0 - contrast,) * 3
    for layer, weight in ((spots["Color"], 0.5), (spots["Value"], 0.7), (specks["Value"], 0.8)):  # more light and dark than hue
        shade = n.vector("MULTIPLY_ADD", layer, contrast * weight, shade)
    diffuse = n.add("ShaderNodeBsdfDiffuse", Color=n.vector("MULTIPLY", base, shade))
    n.add("ShaderNodeOutputMaterial", Surface=diffuse[0])
    return material


def _noise(n: Nodes, place: Any, scale: float) -> Outputs:
    return n.add("ShaderNodeTexNoise", Vector=place, Scale=scale, Detail=1.0)


def _cells(n: Nodes, place: Any, size: float) -> Outputs:
    """One random `Color` and `Value` per cell of `size` world units."""
    return n.add("ShaderNodeTexWhiteNoise", Vector=n.vector("SNAP", place, size))


def _add(
    scene: bpy.types.Scene,
    name: str,
    shape: bmesh.types.BMesh,
    material: bpy.types.Material,
    *,
    at: tuple[float, float, float] = (0.0, 0.0, 0.0),
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0),
    bevel: float = 0.0,
    smooth: bool = False,
) -> bpy.types.Object:
    """Put `shape` into the scene, its center at `at`, turned by Euler angles in degrees; frees `shape`."""
    for face in shape.faces:
        face.smooth = smooth
    mesh = bpy.data.meshes.new(name)
    shape.to_mesh(mesh)
    shape.free()
    mesh.materials.append(material)
    thing = bpy.data.objects.new(name, mesh)
    thing.location = at
    thing.rotation_euler = Euler([math.radians(angle) for angle in turn])
    if bevel:
        modifier = thing.modifiers.new("Bevel", "BEVEL")
        modifier.width, modifier.segments = bevel, 3
    scene.collection.objects.link(thing)
    return thing


def _letters(
    scene: bpy.types.Scene, text: str, material: bpy.types.Material, *, at: tuple[float, float, float], width: float, turn: float = 0.0
) -> None:
    """Upright letters in Blender's own font, readable from -Y where `turn` (degrees about Z) is 0."""
    curve = bpy.data.curves.new(text, "FONT")
    curve.body, curve.align_x, curve.align_y = text, "CENTER", "CENTER"
    curve.extrude, curve.offset = 0.012, 0.008  # the offset makes the strokes bold enough for 400 pixels
    curve.size, curve.space_character = width / (0.62 * len(text)), 1.12
    curve.materials.append(material)
    thing = bpy.data.objects.new(text, curve)
    thing.location = at
    thing.rotation_euler = Euler((math.radians(90), 0.0, math.radians(turn)))
    scene.collection.objects.link(thing)


def _box(size: tuple[float, float, float]) -> bmesh.types.BMesh:
    shape = bmesh.new()
    bmesh.ops.create_cube(shape, size=1.0, matrix=Matrix.Diagonal((*size, 1.0)))
    return shape


def _cylinder(radius: float, length: float) -> bmesh.types.BMesh:
    shape = bmesh.new()
    bmesh.ops.create_cone(shape, cap_ends=True, segments=32, radius1=radius, radius2=radius * 0.88, depth=length)
    return shape


def _blob(radius: float, *, rough: float, seed: int) -> bmesh.types.BMesh:
    """A sphere with bumps of up to `rough` times its radius."""
    shape = bmesh.new()
    bmesh.ops.create_icosphere(shape, subdivisions=5, radius=1.0)
    for vertex in shape.verts:
        bump = noise.fractal(vertex.co * 1.4 + Vector((seed * 7.3, 0.0, 0.0)), 1.0, 2.0, 3)
        vertex.co *= radius * (1.0 + rough * bump)
    return shape
