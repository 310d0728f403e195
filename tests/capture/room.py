"""A textured room, rendered all around: what 360° cameras see."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SIZE_M = (8.0, 6.0, 3.0)
RING_M = (1.0, 0.8)  # half axes of the ellipse on which the camera stands
HEIGHT_M = 1.4


def render_panoramas(folder: Path, count: int = 10, width_px: int = 768, samples: int = 4) -> np.ndarray:
    """Write `count` equirectangular pictures, twice as wide as high, as PNG; returns where the camera stood [count,3], in meters."""
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    _furnish(bpy)
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    camera.data.type = "PANO"
    owner = camera.data if hasattr(camera.data, "panorama_type") else camera.data.cycles
    owner.panorama_type = "EQUIRECTANGULAR"
    camera.data.clip_start = 0.01
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.device = samples, False, "CPU"
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = width_px, width_px // 2, 100
    scene.view_settings.view_transform = "Standard"
    scene.render.image_settings.file_format = "PNG"
    places = []
    for number in range(count):
        angle = 2 * np.pi * number / count
        camera.location = (RING_M[0] * np.cos(angle), RING_M[1] * np.sin(angle), HEIGHT_M + 0.15 * np.sin(3 * angle))
        camera.rotation_euler = (np.pi / 2, 0, 0.7 * angle)
        places.append(tuple(camera.location))
        scene.render.filepath = str(folder / f"pano_{number:02d}.png")
        bpy.ops.render.render(write_still=True)
    return np.array(places)


def _furnish(bpy) -> None:
    x, y, z = (side / 2 for side in SIZE_M)
    walls = {
        "floor": [(-x, -y, 0), (x, -y, 0), (x, y, 0), (-x, y, 0)],
        "ceiling": [(-x, -y, 2 * z), (-x, y, 2 * z), (x, y, 2 * z), (x, -y, 2 * z)],
        "south": [(-x, -y, 0), (-x, -y, 2 * z), (x, -y, 2 * z), (x, -y, 0)],
        "north": [(-x, y, 0), (x, y, 0), (x, y, 2 * z), (-x, y, 2 * z)],
        "west": [(-x, -y, 0), (-x, y, 0), (-x, y, 2 * z), (-x, -y, 2 * z)],
        "east": [(x, -y, 0), (x, -y, 2 * z), (x, y, 2 * z), (x, y, 0)],
    }
    for seed, (name, corners) in enumerate(walls.items()):
        _wall(bpy, name, corners, seed)
    for seed, (place, side) in enumerate((((2.6, 1.8, 0.5), 1.0), ((-2.8, -1.6, 0.4), 0.8), ((-2.5, 2.0, 0.7), 1.4))):
        low, high = np.subtract(place, side / 2), np.add(place, side / 2)
        _box(bpy, low, high, 10 + seed)


def _box(bpy, low, high, seed: int) -> None:
    a, b = low, high
    faces = (
        [(a[0], a[1], b[2]), (b[0], a[1], b[2]), (b[0], b[1], b[2]), (a[0], b[1], b[2])],
        [(a[0], a[1], a[2]), (b[0], a[1], a[2]), (b[0], a[1], b[2]), (a[0], a[1], b[2])],
        [(a[0], b[1], a[2]), (a[0], b[1], b[2]), (b[0], b[1], b[2]), (b[0], b[1], a[2])],
        [(a[0], a[1], a[2]), (a[0], a[1], b[2]), (a[0], b[1], b[2]), (a[0], b[1], a[2])],
        [(b[0], a[1], a[2]), (b[0], b[1], a[2]), (b[0], b[1], b[2]), (b[0], a[1], b[2])],
    )
    for number, corners in enumerate(faces):
        _wall(bpy, f"box {seed} {number}", corners, 7 * seed + number)


def _wall(bpy, name: str, corners, seed: int) -> None:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    uvs = mesh.uv_layers.new()
    for loop, uv in enumerate(((0, 0), (1, 0), (1, 1), (0, 1))):
        uvs.data[loop].uv = uv
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    picture = nodes.new("ShaderNodeTexImage")
    picture.image = _image(bpy, name, seed)
    emission, output = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeOutputMaterial")
    links.new(picture.outputs["Color"], emission.inputs["Color"])
    links.new(emission.outputs[0], output.inputs["Surface"])
    mesh.materials.append(material)
    bpy.context.scene.collection.objects.link(bpy.data.objects.new(name, mesh))


def _image(bpy, name: str, seed: int):
    """Blotches of several sizes, which look like nothing else in the room."""
    rng = np.random.default_rng(seed)
    side = 512
    pixels = np.ones((side, side, 4), np.float32)
    total = np.zeros((side, side, 3))
    for cells, weight in ((8, 0.35), (24, 0.3), (64, 0.25), (128, 0.2)):
        total += weight * np.kron(rng.random((cells, cells, 3)), np.ones((-(-side // cells), -(-side // cells), 1)))[:side, :side]
    pixels[..., :3] = total / 1.1
    image = bpy.data.images.new(name, side, side)
    image.pixels.foreach_set(pixels.ravel())
    image.pack()
    return image
