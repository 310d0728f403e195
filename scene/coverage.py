"""A dome around a result that shows from where its photos were taken: tiles, shut where no camera looks from, the more open the more do.

It is an object of the result that no render shows, made of the cameras as they stand in the scene, and gone when it is asked for again.
"""

from __future__ import annotations

from typing import Any

import bmesh
import bpy
import numpy as np

from ..backend.capture import coverage as found_in
from ..backend.values import Array, Cameras
from . import attributes, compat, photo_cameras, provenance
from .cameras import world_from_object

ROLE = "coverage"
SAID = "reify_coverage"  # what to say of it, a sentence a line
COUNT, COLOR = "cameras", "Color"  # attributes of the dome
SUBDIVISIONS = 3  # of an icosahedron: 320 tiles
REACH = 0.8  # of the cameras' distance
OPEN = (0.94, 0.7, 0.5, 0.3)  # size of a tile that 0, 1, 2, and 3 or more cameras see, so that colors aren't the only sign
# Vermilion, orange, sky blue and blue, which color-blind people tell apart (Okabe and Ito, 2008); sRGB.
COLORS = ((0.835, 0.369, 0.0), (0.902, 0.624, 0.0), (0.337, 0.706, 0.914), (0.0, 0.447, 0.698))
MATERIAL = "Reify Coverage"


def dome_of(collection: bpy.types.Collection) -> bpy.types.Object | None:
    """A result's dome; None where there is none."""
    return next((made for made in collection.objects if provenance.role(made) == ROLE), None)


def show(collection: bpy.types.Collection) -> bpy.types.Object:
    """Make the dome of a result that has cameras."""
    cameras = photo_cameras.cameras_of(collection)
    root = next(made for made in collection.objects if provenance.role(made) == "root")
    root_from_world = np.linalg.inv(np.array(root.matrix_world))
    corners, directions = _tiles()
    stand = _as_cameras([root_from_world @ np.array(world_from_object(camera)) for camera in cameras])
    found = found_in.coverage(stand, directions)
    grade = np.minimum(found.counts, len(OPEN) - 1)
    middle = corners.mean(axis=1, keepdims=True)
    shrunk = middle + (corners - middle) * np.array(OPEN)[grade][:, None, None]
    positions = found.focus + REACH * found.distance * shrunk
    name = f"{collection.name} Coverage"
    data: Any = bpy.data.meshes.new(name)
    data.from_pydata(positions.reshape(-1, 3), [], np.arange(corners.size // 3).reshape(-1, 3))
    attributes.write(data, COUNT, "INT", found.counts, domain="FACE")
    colors = np.column_stack((np.array(COLORS) ** 2.2, np.ones(len(COLORS))))[grade]
    attributes.write(data, COLOR, "FLOAT_COLOR", colors.repeat(3, axis=0))
    data.color_attributes.active_color = data.color_attributes[COLOR]
    data.materials.append(_material())
    made = bpy.data.objects.new(name, data)
    collection.objects.link(made)
    made.parent = root
    made.hide_render = made.hide_select = True
    provenance.describe_as(made, collection, ROLE)
    made[SAID] = "\n".join(found_in.sentences(found, directions, [camera.name for camera in cameras]))
    return made


def hide(collection: bpy.types.Collection) -> None:
    """Remove the dome."""
    if (made := dome_of(collection)) is not None:
        data: Any = made.data
        bpy.data.objects.remove(made)
        bpy.data.meshes.remove(data)


def said(made: bpy.types.Object) -> list[str]:
    """What a dome has to say."""
    return str(made.get(SAID, "")).splitlines()


def _as_cameras(world_from_object: list[Array]) -> Cameras:
    """Blender's cameras, which look along -Z, as the backend's."""
    flip = np.diag([1.0, -1.0, -1.0, 1.0])
    poses = np.array(world_from_object)
    poses[:, :3, :3] /= np.linalg.norm(poses[:, :3, :3], axis=1, keepdims=True)
    count = len(poses)
    return Cameras(
        cam_from_world=np.linalg.inv(poses @ flip),
        K=np.tile(np.eye(3), (count, 1, 1)),
        size_px=np.ones((count, 2), int),
        distortion=np.zeros((count, 8)),
    )


def _tiles() -> tuple[Array, Array]:
    """Triangles of a ball above the floor: corners [D,3,3], and their middles' directions [D,3]."""
    ball = bmesh.new()
    bmesh.ops.create_icosphere(ball, subdivisions=SUBDIVISIONS, radius=1.0)
    corners = np.array([[tuple(vertex.co) for vertex in face.verts] for face in ball.faces])
    ball.free()
    directions = corners.mean(axis=1)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    kept = found_in.above_floor(directions)
    return corners[kept], directions[kept]


def _material() -> bpy.types.Material:
    found: Any = bpy.data.materials.get(MATERIAL)
    if found is None:
        found = bpy.data.materials.new(MATERIAL)
        compat.use_nodes(found)
        tree = found.node_tree
        node = tree.nodes.new("ShaderNodeVertexColor")
        node.layer_name = COLOR
        shader = next(node for node in tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
        tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
    return found
