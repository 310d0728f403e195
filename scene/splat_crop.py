"""The crop box: an empty, and geometry nodes before those that draw splats, which keep what is inside of it."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from . import compat
from .nodes import Nodes
from .splat_edits import cloud_of, opacity, positions
from .splat_nodes import drawing, socket_identifier

GROUP = "Reify Crop"
BOX = "Box"
MARGIN = 1.02


def crop(source: bpy.types.Object) -> bpy.types.Object:
    """The empty that crops an object's splats; made around most of them where there is none yet."""
    cloud = cloud_of(source)
    for modifier in source.modifiers:
        if modifier.type == "NODES" and modifier.node_group is not None and modifier.node_group.name.startswith(GROUP):
            owner, key = compat.modifier_input(modifier, socket_identifier(modifier.node_group, BOX))
            if (found := owner.path_resolve(key)) is not None:
                return found
            source.modifiers.remove(modifier)
            break
    points, weights = positions(cloud), opacity(cloud)
    low, high = np.percentile(points[weights >= np.median(weights)], (1, 99), axis=0)
    box = bpy.data.objects.new(f"{source.name} Crop", None)
    box.empty_display_type, box.empty_display_size = "CUBE", 1.0
    for collection in source.users_collection:
        collection.objects.link(box)
    size = np.maximum((high - low) / 2 * MARGIN, 1e-6)
    box.parent = source.parent
    middle = Matrix.LocRotScale((low + high) / 2, None, size.tolist())
    box.matrix_world = source.matrix_world @ middle
    made: Any = source.modifiers.new("Crop", "NODES")
    made.node_group = _group()
    compat.set_modifier_input(made, socket_identifier(made.node_group, BOX), box)
    before = min((source.modifiers.find(modifier.name) for modifier in drawing(source)), default=0)
    source.modifiers.move(source.modifiers.find(made.name), before)
    return box


def _group() -> bpy.types.NodeTree:
    found: Any = bpy.data.node_groups.get((GROUP, None))
    if found is not None:
        return found
    group: Any = bpy.data.node_groups.new(GROUP, "GeometryNodeTree")
    group.is_modifier = True
    socket = group.interface.new_socket
    socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    socket(BOX, in_out="INPUT", socket_type="NodeSocketObject").description = "What is between -1 and 1 along its axes stays"
    n = Nodes(group)
    given = n.add("NodeGroupInput")
    info = n.add("GeometryNodeObjectInfo", transform_space="RELATIVE", Object=given[BOX])
    inverse = n.add("FunctionNodeInvertMatrix", Matrix=info["Transform"])["Matrix"]
    position = n.add("GeometryNodeInputPosition")["Position"]
    inside = n.add("FunctionNodeTransformPoint", Vector=position, Transform=inverse)["Vector"]
    axes = n.add("ShaderNodeSeparateXYZ", Vector=n.vector("ABSOLUTE", inside))
    farthest = n.math("MAXIMUM", n.math("MAXIMUM", axes["X"], axes["Y"]), axes["Z"])
    outside = n.compare("GREATER_THAN", farthest, 1.0)
    left = n.add("GeometryNodeDeleteGeometry", domain="POINT", Geometry=given["Geometry"], Selection=outside)["Geometry"]
    n.tree.links.new(left, n.add("NodeGroupOutput").node.inputs[0])
    n.arrange()
    return group
