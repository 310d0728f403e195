"""Point clouds to Blender and back, drawn as small colored spheres."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ..backend.errors import ReifyError
from ..backend.formats import columns
from ..backend.values import Points
from . import attributes, compat, images
from .nodes import Nodes

COLOR = "Color"
MATERIAL = "Reify Points"


def points_object(name: str, points: Points, radius: float = 0.004) -> bpy.types.Object:
    """A new point cloud object whose points are drawn with `radius`, in the world's units; not yet in any collection."""
    made = compat.point_cloud_object(name, points.xyz)
    cloud = made.data
    attributes.write(cloud, "radius", "FLOAT", np.full(len(points), radius))
    if points.rgb is not None:
        linear = images.linear_from_srgb(points.rgb.astype(np.float32) / 255)
        attributes.write(cloud, COLOR, "FLOAT_COLOR", np.column_stack((linear, np.ones(len(points)))))
    if points.normals is not None:
        attributes.write(cloud, "normal", "FLOAT_VECTOR", points.normals)
    cloud.materials.append(_material())
    return made


def read_points(source: bpy.types.Object) -> Points:
    """The points of a point cloud, or the vertices of a mesh, in its own space; raises ReifyError for anything else."""
    if source.type not in ("POINTCLOUD", "MESH"):
        raise ReifyError(f"{source.name} has no points.", "Select a point cloud or a mesh.")
    data = source.data
    named = _color_attribute(data)
    if named is not None:
        # Blender takes colors of a file for 0 to 1; those to 255 are out of range here.
        srgb = images.srgb_from_linear(attributes.read(data, named)[:, :3])
        colors = columns.colors_of(dict(zip("rgb", srgb.T, strict=True)))
    else:
        colors = columns.colors_of(attributes.columns(data))
    normals = attributes.read(data, "normal") if "normal" in data.attributes else None
    return Points(xyz=attributes.read(data, "position"), rgb=columns.bytes_of(colors), normals=normals)


def _color_attribute(data: Any) -> str | None:
    """The name of the colors that each point has: ours, else the active ones, else the first; importers call them Col."""
    found = [one.name for one in data.attributes if one.domain == "POINT" and one.data_type in ("FLOAT_COLOR", "BYTE_COLOR")]
    active = getattr(getattr(data, "color_attributes", None), "active_color", None)
    wanted = (COLOR, active.name if active is not None else "", *found)
    return next((name for name in wanted if name in found), None)


def _material() -> bpy.types.Material:
    found: Any = bpy.data.materials.get(MATERIAL)
    if found is not None:
        return found
    material = bpy.data.materials.new(MATERIAL)
    compat.use_nodes(material)
    material.node_tree.nodes.clear()
    n = Nodes(material.node_tree)
    color = n.add("ShaderNodeAttribute", attribute_type="GEOMETRY", attribute_name=COLOR)["Color"]
    n.add("ShaderNodeOutputMaterial", Surface=n.add("ShaderNodeEmission", Color=color)["Emission"])
    n.arrange()
    return material
