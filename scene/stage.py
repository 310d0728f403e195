"""Light, ground and camera for a scene that nobody has worked in yet, so that what was assembled can be seen and rendered at once."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..backend.values import Array
from . import compat

GROUND = 60.0  # width of the ground, in the scene's sizes
HORIZON = (0.62, 0.7, 0.8)  # linear
FLOOR = (0.34, 0.33, 0.31)
SUN_W, SKY = 3.0, 0.7  # strengths
ELEVATION_DEG, TURN_DEG = 20.0, 28.0  # of the camera, above the ground and to the right of the front
LENS_MM = 50.0


def set_up(scene: bpy.types.Scene, things: list[bpy.types.Object]) -> list[bpy.types.Object]:
    """Add a sun, a ground and a camera that sees all things; returns the new objects.

    They are the user's: no part of a result, they stay when that is made again.
    """
    bpy.context.view_layer.update()
    corners = np.array([thing.matrix_world @ Vector(corner) for thing in things for corner in thing.bound_box])
    low, high = corners.min(axis=0), corners.max(axis=0)
    size = float(np.linalg.norm(high - low))
    made = [_sun(), _ground(low, high, size)]
    if scene.world is None:
        scene.world = bpy.data.worlds.new("Reify World")
    compat.use_nodes(scene.world)
    background = next(node for node in scene.world.node_tree.nodes if node.bl_idname == "ShaderNodeBackground")
    background.inputs["Color"].default_value, background.inputs["Strength"].default_value = (*HORIZON, 1.0), SKY
    if scene.camera is None:
        made.append(_camera(corners, scene))
        scene.camera = made[-1]
    for item in made:
        scene.collection.objects.link(item)
    return made


def _sun() -> bpy.types.Object:
    light = bpy.data.lights.new("Reify Sun", "SUN")
    light.energy = SUN_W
    light.angle = np.radians(4.0)
    made = bpy.data.objects.new("Reify Sun", light)
    made.rotation_euler = (np.radians(48.0), 0.0, np.radians(-38.0))
    return made


def _ground(low: Array, high: Array, size: float) -> bpy.types.Object:
    half, (x, y) = GROUND * size / 2, (low + high)[:2] / 2
    mesh = bpy.data.meshes.new("Reify Ground")
    below = -0.0005 * size  # faces of things on z = 0 would flicker through it
    corners = [(x - half, y - half, below), (x + half, y - half, below), (x + half, y + half, below), (x - half, y + half, below)]
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    material = bpy.data.materials.new("Reify Ground")
    compat.use_nodes(material)
    shader: Any = next(node for node in material.node_tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
    shader.inputs["Base Color"].default_value, shader.inputs["Roughness"].default_value = (*FLOOR, 1.0), 0.9
    material.diffuse_color = (*FLOOR, 1.0)
    mesh.materials.append(material)
    return bpy.data.objects.new("Reify Ground", mesh)


def _camera(corners: Array, scene: bpy.types.Scene) -> bpy.types.Object:
    """A camera from the front right and above, as near as all corners [N,3] allow."""
    data = bpy.data.cameras.new("Reify Camera")
    data.lens = LENS_MM
    turn, tilt = np.radians(TURN_DEG), np.radians(ELEVATION_DEG)
    forward = np.array([-np.sin(turn) * np.cos(tilt), np.cos(turn) * np.cos(tilt), -np.sin(tilt)])
    right = np.array([np.cos(turn), np.sin(turn), 0.0])
    up = np.cross(right, forward)
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    aspect = scene.render.resolution_y / scene.render.resolution_x
    half = 0.5 * data.sensor_width / LENS_MM * 0.88  # a margin around what is seen
    x, y, z = ((corners - middle) @ axis for axis in (right, up, forward))
    distance = float(max((np.abs(x) / half - z).max(), (np.abs(y) / (half * aspect) - z).max()))
    made = bpy.data.objects.new("Reify Camera", data)
    matrix = np.eye(4)
    matrix[:3, :3] = np.column_stack((right, up, -forward))
    matrix[:3, 3] = middle - distance * forward
    made.matrix_world = Matrix(matrix.tolist())
    data.clip_end = max(1000.0, 20 * distance)
    return made
