"""Shadows between splats and meshes: geometry nodes that darken splats where a mesh is in the way of a lamp, and a proxy that casts theirs.

Splats carry the light of the photos, so no engine shades them. The nodes cast rays from each splat to the lamp and multiply its radiance,
harmonics included, by what arrives: every engine, the viewport and "Render Splats" show the same, and moving the mesh moves the shadow.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import bpy
import numpy as np
from mathutils import Vector

from ..backend.errors import ReifyError
from ..backend.values import SH_C0, Mesh
from . import compat, provenance
from .commit import members
from .mesh import mesh_data
from .nodes import Nodes
from .splat_edits import bands, cloud_of, positions
from .splat_nodes import drawing, socket_identifier
from .visibility import set_hidden

GROUP, MARK = "Reify Shadows", "reify_shadows"  # property of the node group: number of SH bands that it darkens
MODIFIER = "Shadows"
PROXY = "reify_proxy_of"  # property of a proxy: the object of splats that it stands for
RAYS = 8  # of each splat, spread over the lamp
GAMMA = 2.2  # splats are darkened in sRGB by what a factor in linear light is there
SHADOW = "reify:shadow"  # attribute of the nodes alone
FAR = 1e6  # length of rays to a sun, in units of the object
MATERIAL = "Reify Proxy"


def receive(
    source: bpy.types.Object, lamp: bpy.types.Object, casters: Iterable[bpy.types.Object], strength: float, softness: float | None = None
) -> None:
    """Let shadows that `casters` throw in the light of `lamp` fall on an object's splats; a second call for a lamp changes its modifier.

    `strength` is the share of the splats' light that the lamp gave, in linear light. `softness` is the tangent of half the angle that
    the lamp fills as seen from the splats; None takes it from the lamp.
    """
    cloud = cloud_of(source)
    collection = _caster_collection(source, casters)
    group = _group(len(bands(cloud)))
    modifier: Any = next((m for m in _shadows(source) if _input(m, "Lamp") == lamp), None)
    if modifier is None:
        modifier = source.modifiers.new(MODIFIER, "NODES")
        before = min((source.modifiers.find(one.name) for one in drawing(source)), default=0)
        source.modifiers.move(source.modifiers.find(modifier.name), before)
    modifier.node_group = group
    values = {
        "Casters": collection,
        "Lamp": lamp,
        "Parallel": lamp.data.type == "SUN",
        "Strength": strength,
        "Softness": _softness(source, lamp) if softness is None else softness,
    }
    for name, value in values.items():
        compat.set_modifier_input(modifier, socket_identifier(group, name), value)
    source.update_tag()


def casters_for(context: bpy.types.Context, source: bpy.types.Object) -> list[bpy.types.Object]:
    """The selected meshes, or all of the scene that render, but those made of the same photos: these lie in the splats' place."""
    own = provenance.collection_of(source)
    same = set() if own is None else {*members(own, "mesh"), *members(own, "lod")}
    meshes: list[Any] = list(context.scene.objects)
    usable = [o for o in meshes if o.type == "MESH" and o not in same and PROXY not in o and not o.hide_render]
    chosen = [o for o in usable if o.select_get()]
    if not usable:
        raise ReifyError("There is no mesh that could throw a shadow on the splats.", "Add one first.")
    return chosen or usable


def lamp_for(context: bpy.types.Context) -> bpy.types.Object:
    """The selected lamp, else a sun, else the strongest lamp of the scene; raises ReifyError where there is none."""
    lamps: list[Any] = [o for o in context.scene.objects if o.type == "LIGHT" and not o.hide_render]
    if not lamps:
        raise ReifyError("There is no lamp whose shadows could fall on the splats.", "Add a sun first.")
    return max(lamps, key=lambda o: (o.select_get(), o.data.type == "SUN", o.data.energy))


def place_proxy(source: bpy.types.Object, mesh: Mesh, use: str) -> bpy.types.Object:
    """Hang a mesh on an object of splats as their proxy, in their space; the older one of the object gets the new shape.

    `use` is CAST: no camera sees it, and it casts the splats' shadows on meshes; CATCH: it is Cycles' shadow catcher; or HOLDOUT. The last
    two hide the splats: they are for a render of the meshes that is laid over one of the splats. The viewport doesn't show it.
    """
    name = f"{source.name} Proxy"
    data: Any = mesh_data(name, mesh)
    data.materials.append(_material())
    made: Any = next((o for o in source.children if o.get(PROXY) == source), None)
    if made is None:
        made = bpy.data.objects.new(name, data)
        for collection in source.users_collection:
            collection.objects.link(made)
        made.parent, made[PROXY] = source, source
        made.display_type = "WIRE"
        set_hidden(made)
    older, made.data = made.data, data
    if not older.users:
        bpy.data.meshes.remove(older)
    made.visible_camera, made.visible_shadow = use != "CAST", use != "HOLDOUT"
    made.is_shadow_catcher, made.is_holdout = use == "CATCH", use == "HOLDOUT"
    made.visible_diffuse = made.visible_glossy = made.visible_transmission = False
    return made


def _shadows(source: bpy.types.Object) -> list[Any]:
    return [m for m in source.modifiers if m.type == "NODES" and m.node_group is not None and MARK in m.node_group]


def _input(modifier: Any, name: str) -> Any:
    owner, key = compat.modifier_input(modifier, socket_identifier(modifier.node_group, name))
    return owner.path_resolve(key)


def _caster_collection(source: bpy.types.Object, casters: Iterable[bpy.types.Object]) -> bpy.types.Collection:
    """The collection, in no scene, of what throws shadows on an object."""
    found = next((c for m in _shadows(source) if (c := _input(m, "Casters")) is not None), None)
    collection = found or bpy.data.collections.new(f"{source.name} Shadow Casters")
    for gone in collection.objects:
        collection.objects.unlink(gone)
    for caster in casters:
        collection.objects.link(caster)
    return collection


def _softness(source: bpy.types.Object, lamp: Any) -> float:
    if lamp.data.type == "SUN":
        return float(np.tan(lamp.data.angle / 2))
    radius = lamp.data.size / 2 if lamp.data.type == "AREA" else lamp.data.shadow_soft_size
    middle = source.matrix_world @ Vector(np.median(positions(source.data), axis=0).tolist())
    return float(radius / max((lamp.matrix_world.translation - middle).length, 1e-6))


def _group(harmonics: int) -> bpy.types.NodeTree:
    """The nodes for splats with so many SH bands above degree 0."""
    found: Any = next((g for g in bpy.data.node_groups if g.library is None and g.get(MARK) == harmonics), None)
    if found is not None:
        return found
    group: Any = bpy.data.node_groups.new(GROUP, "GeometryNodeTree")
    group.is_modifier, group[MARK] = True, harmonics
    _interface(group)
    n = Nodes(group)
    given = n.add("NodeGroupInput")
    store = partial(n.add, "GeometryNodeStoreNamedAttribute", domain="POINT")
    points = store(data_type="FLOAT", Geometry=given["Geometry"], Name=SHADOW, Value=_darkening(n, given))["Geometry"]
    factor = n.add("GeometryNodeInputNamedAttribute", data_type="FLOAT", Name=SHADOW)["Attribute"]
    base = n.add("GeometryNodeInputNamedAttribute", data_type="FLOAT_COLOR", Name="radiance:base")["Attribute"]
    channels = n.add("FunctionNodeSeparateColor", Color=base)
    # The color is 0.5 + SH_C0 dc, so black isn't where dc is 0.
    lower = n.math("MULTIPLY", n.math("SUBTRACT", factor, 1.0), 0.5 / SH_C0)
    rgb = {name: n.math("MULTIPLY_ADD", channels[name], factor, lower) for name in ("Red", "Green", "Blue")}
    darker = n.add("FunctionNodeCombineColor", **rgb, Alpha=channels["Alpha"])["Color"]
    points = store(data_type="FLOAT_COLOR", Geometry=points, Name="radiance:base", Value=darker)["Geometry"]
    for k in range(harmonics):
        band = n.add("GeometryNodeInputNamedAttribute", data_type="FLOAT_VECTOR", Name=f"radiance:sh_{k}")["Attribute"]
        darker = n.vector("SCALE", band, factor)
        points = store(data_type="FLOAT_VECTOR", Geometry=points, Name=f"radiance:sh_{k}", Value=darker)["Geometry"]
    points = n.add("GeometryNodeRemoveAttribute", Geometry=points, Name=SHADOW)["Geometry"]
    n.tree.links.new(points, n.add("NodeGroupOutput").node.inputs[0])
    n.arrange()
    return group


def _interface(group: Any) -> None:
    socket = group.interface.new_socket
    socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    socket("Casters", in_out="INPUT", socket_type="NodeSocketCollection").description = "Meshes that throw the shadows"
    socket("Lamp", in_out="INPUT", socket_type="NodeSocketObject").description = "Where the light comes from"
    socket("Parallel", in_out="INPUT", socket_type="NodeSocketBool").description = "The lamp is a sun: only its direction counts"
    strength = socket("Strength", in_out="INPUT", socket_type="NodeSocketFloat")
    strength.description = "Share of the splats' light that the lamp gives: 1 makes shadows black"
    strength.subtype, strength.min_value, strength.max_value, strength.default_value = "FACTOR", 0.0, 1.0, 0.7
    softness = socket("Softness", in_out="INPUT", socket_type="NodeSocketFloat")
    softness.description = "Radius of the lamp, of its distance"
    softness.min_value, softness.max_value, softness.default_value = 0.0, 1.0, 0.05


def _darkening(n: Nodes, given: Any) -> Any:
    """The factor of each splat's sRGB color, by the share of rays to the lamp that meet a caster."""
    casters = n.add("GeometryNodeCollectionInfo", transform_space="RELATIVE", Collection=given["Casters"])["Instances"]
    casters = n.add("GeometryNodeRealizeInstances", Geometry=casters)["Geometry"]
    lamp = n.add("GeometryNodeObjectInfo", transform_space="RELATIVE", Object=given["Lamp"])
    position = n.add("GeometryNodeInputPosition")["Position"]
    to_lamp = n.vector("SUBTRACT", lamp["Location"], position)
    to_sun = n.add("FunctionNodeRotateVector", Vector=(0.0, 0.0, 1.0), Rotation=lamp["Rotation"])["Vector"]
    switch = partial(n.add, "GeometryNodeSwitch", Switch=given["Parallel"])
    toward = switch(input_type="VECTOR", False_=n.vector("NORMALIZE", to_lamp), True_=to_sun)["Output"]
    length = switch(input_type="FLOAT", False_=n.vector("LENGTH", to_lamp), True_=FAR)["Output"]
    met = None
    for ray in range(RAYS):
        offset = n.add("FunctionNodeRandomValue", data_type="FLOAT_VECTOR", Min=(-1.0,) * 3, Max=(1.0,) * 3, Seed=ray)["Value"]
        direction = n.vector("ADD", toward, n.vector("SCALE", offset, given["Softness"]))
        cast: Any = n.add("GeometryNodeRaycast", Source_Position=position, Ray_Direction=direction, Ray_Length=length)
        n.tree.links.new(casters, cast.node.inputs["Target Geometry"])
        met = cast["Is Hit"] if met is None else n.math("ADD", met, cast["Is Hit"])
    shadow = n.math("MULTIPLY", n.math("MULTIPLY", met, 1 / RAYS), given["Strength"])
    return n.math("POWER", n.math("SUBTRACT", 1.0, shadow), 1 / GAMMA)


def _material() -> bpy.types.Material:
    """White: what a shadow catcher has to be."""
    found: Any = bpy.data.materials.get(MATERIAL)
    if found is not None:
        return found
    material: Any = bpy.data.materials.new(MATERIAL)
    compat.use_nodes(material)
    material.node_tree.nodes.clear()
    n = Nodes(material.node_tree)
    n.add("ShaderNodeOutputMaterial", Surface=n.add("ShaderNodeBsdfDiffuse")[0])
    n.arrange()
    return material
