"""How splats are drawn: geometry nodes that put a small ellipsoid on each, and the materials for it.

For a render each splat is an instance of an icosahedron around its ellipsoid, and the material computes the
Gaussian exactly: in the splat's own space, where it is a unit sphere, opacity falls with the distance between
the viewing ray and the centre (Moenne-Loccoz et al., "3D Gaussian Ray Tracing", 2024, eq. 6). That is right from
every side, without an update when the camera moves. For the viewport the same splats are small opaque ellipsoids
in one mesh, which draws fast in every shading mode.
"""

from __future__ import annotations

from typing import Any

import bmesh
import bpy

from ..backend.values import SH_C0
from . import compat
from .nodes import Nodes

GROUP = "Reify Splats"
RENDER_MATERIAL, VIEWPORT_MATERIAL = "Reify Splats", "Reify Splats Viewport"
BALL = "Reify Splat Shape"
COLOR = "reify_color"  # linear red, green, blue and opacity
FAINTEST = 1 / 255  # a splat ends where its opacity falls below this
REACH = 3.0  # … and at most this many standard deviations from its centre
CIRCUMSCRIBED = 1.2584  # circumradius of the icosahedron around the unit sphere


def prepare() -> None:
    """Make the nodes and materials that all splats share, before there are any: it takes a moment in a window."""
    _group()


def draw_as_splats(splats: bpy.types.Object, amount: float = 1.0, largest: float = 0.0) -> None:
    """Add the modifier that draws a point cloud of splats.

    `amount` is the share shown in the viewport, 0 to 1; those of a standard deviation above `largest` aren't
    shown there: soft, they are a background, opaque, they are boulders before the subject. 0 shows all.
    """
    modifier = splats.modifiers.new("Splats", "NODES")
    modifier.node_group = _group()
    compat.set_modifier_input(modifier, _identifier(modifier.node_group, "Viewport Amount"), amount)
    compat.set_modifier_input(modifier, _identifier(modifier.node_group, "Viewport Largest"), largest)
    # Slots make the materials belong to the object, and editable where artists look for them.
    for material in (_render_material(), _viewport_material()):
        splats.data.materials.append(material)


def set_exact_in_viewport(splats: bpy.types.Object, exact: bool) -> None:
    """Draw the viewport as a render is drawn, or fast."""
    modifier = splats.modifiers["Splats"]
    compat.set_modifier_input(modifier, _identifier(modifier.node_group, "Exact in Viewport"), exact)
    splats.update_tag()


def _identifier(group: Any, name: str) -> str:
    return next(item.identifier for item in group.interface.items_tree if item.name == name and item.in_out == "INPUT")


def _group() -> bpy.types.NodeTree:
    found: Any = bpy.data.node_groups.get(GROUP)
    if found is not None and found.bl_idname == "GeometryNodeTree":
        return found
    group = bpy.data.node_groups.new(GROUP, "GeometryNodeTree")
    group.is_modifier = True
    _interface(group)
    n = Nodes(group)
    given = n.add("NodeGroupInput")
    colored = _with_color(n, given["Geometry"])
    opacity = n.add("GeometryNodeInputNamedAttribute", data_type="FLOAT_COLOR", Name=COLOR)
    opacity = n.add("FunctionNodeSeparateColor", Color=opacity["Attribute"])["Alpha"]
    shape = _shape(n)
    fast = _fast(n, given, colored, opacity, shape)
    exact = _exact(n, given, colored, opacity, shape)
    viewport = n.add("GeometryNodeIsViewport")["Is Viewport"]
    not_exact = n.add("FunctionNodeBooleanMath", operation="NOT", Boolean=given["Exact in Viewport"])["Boolean"]
    use_fast = n.add("FunctionNodeBooleanMath", operation="AND", Boolean=viewport, Boolean_001=not_exact)["Boolean"]
    chosen = n.add("GeometryNodeSwitch", input_type="GEOMETRY", Switch=use_fast, False_=exact, True_=fast)["Output"]
    n.add("NodeGroupOutput", Geometry=chosen)
    n.arrange()
    return group


def _interface(group: Any) -> None:
    socket = group.interface.new_socket
    socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    exact = socket("Exact in Viewport", in_out="INPUT", socket_type="NodeSocketBool")
    exact.description = "Draw soft splats in the viewport too, as a render does"
    amount = socket("Viewport Amount", in_out="INPUT", socket_type="NodeSocketFloat")
    amount.description = "Share of the splats that the viewport shows"
    amount.subtype, amount.min_value, amount.max_value, amount.default_value = "FACTOR", 0.0, 1.0, 1.0
    size = socket("Viewport Size", in_out="INPUT", socket_type="NodeSocketFloat")
    size.description = "Size of the viewport's opaque splats in standard deviations"
    size.min_value, size.max_value, size.default_value = 0.1, 3.0, 1.4
    faintest = socket("Viewport Opacity", in_out="INPUT", socket_type="NodeSocketFloat")
    faintest.description = "Splats fainter than this aren't shown in the viewport"
    faintest.subtype, faintest.min_value, faintest.max_value, faintest.default_value = "FACTOR", 0.0, 1.0, 0.2
    largest = socket("Viewport Largest", in_out="INPUT", socket_type="NodeSocketFloat")
    largest.description = "Splats of a larger standard deviation than this aren't shown in the viewport, 0 shows all"
    largest.subtype, largest.min_value, largest.default_value = "DISTANCE", 0.0, 0.0


def _with_color(n: Nodes, points: Any) -> Any:
    base = n.add("GeometryNodeInputNamedAttribute", data_type="FLOAT_COLOR", Name="radiance:base")["Attribute"]
    channels = n.add("FunctionNodeSeparateColor", Color=base)
    linear = {name: _linear(n, channels[name]) for name in ("Red", "Green", "Blue")}
    color = n.add("FunctionNodeCombineColor", **linear, Alpha=channels["Alpha"])["Color"]
    stored = n.add("GeometryNodeStoreNamedAttribute", data_type="FLOAT_COLOR", domain="POINT", Geometry=points, Name=COLOR, Value=color)
    # What stays on the points would be copied to every vertex of every ellipsoid.
    bare = n.add("GeometryNodeRemoveAttribute", Geometry=stored["Geometry"], Name="radiance:*")
    compat.match_wildcards(bare.node)
    return bare["Geometry"]


def _linear(n: Nodes, dc: Any) -> Any:
    srgb = n.math("MAXIMUM", n.math("MULTIPLY_ADD", dc, SH_C0, 0.5), 0.0)
    dark = n.math("DIVIDE", srgb, 12.92)
    bright = n.math("POWER", n.math("DIVIDE", n.math("ADD", srgb, 0.055), 1.055), 2.4)
    is_bright = n.compare("GREATER_THAN", srgb, 0.04045)
    return n.add("GeometryNodeSwitch", input_type="FLOAT", Switch=is_bright, False_=dark, True_=bright)["Output"]


def _shape(n: Nodes) -> tuple[Any, Any]:
    rotation = n.add("GeometryNodeInputNamedAttribute", data_type="QUATERNION", Name="rotation")["Attribute"]
    scale = n.add("GeometryNodeInputNamedAttribute", data_type="FLOAT_VECTOR", Name="scale")["Attribute"]
    # A flat splat has no inverse, which the material needs; a hundredth of its size is as good as flat.
    size = n.add("ShaderNodeVectorMath", operation="LENGTH", Vector=scale)["Value"]
    thinnest = n.math("MAXIMUM", n.math("MULTIPLY", size, 0.01), 1e-9)
    return rotation, n.add("ShaderNodeVectorMath", operation="MAXIMUM", Vector=scale, Vector_001=thinnest)["Vector"]


def _fast(n: Nodes, given: Any, points: Any, opacity: Any, shape: tuple[Any, Any]) -> Any:
    rotation, scale = shape
    ball = n.add("GeometryNodeObjectInfo", Object=_ball())["Geometry"]
    ball = n.add("GeometryNodeRemoveAttribute", Geometry=ball, Name=COLOR)["Geometry"]
    dense = n.compare("GREATER_EQUAL", opacity, given["Viewport Opacity"])
    chance = n.add("FunctionNodeRandomValue", data_type="FLOAT")["Value"]
    drawn = n.compare("LESS_EQUAL", chance, given["Viewport Amount"])
    shown = n.add("FunctionNodeBooleanMath", operation="AND", Boolean=dense, Boolean_001=drawn)["Boolean"]
    extent = n.add("ShaderNodeSeparateXYZ", Vector=scale)
    longest = n.math("MAXIMUM", n.math("MAXIMUM", extent["X"], extent["Y"]), extent["Z"])
    no_limit = n.compare("EQUAL", given["Viewport Largest"], 0.0)
    small = n.add(
        "FunctionNodeBooleanMath", operation="OR", Boolean=n.compare("LESS_EQUAL", longest, given["Viewport Largest"]), Boolean_001=no_limit
    )["Boolean"]
    shown = n.add("FunctionNodeBooleanMath", operation="AND", Boolean=shown, Boolean_001=small)["Boolean"]
    size = n.add("ShaderNodeVectorMath", operation="SCALE", Vector=scale, Scale=given["Viewport Size"])["Vector"]
    balls = n.add("GeometryNodeInstanceOnPoints", Points=points, Selection=shown, Instance=ball, Rotation=rotation, Scale=size)["Instances"]
    for name in ("scale", "rotation"):
        balls = n.add("GeometryNodeRemoveAttribute", Geometry=balls, Name=name)["Geometry"]
    return n.add("GeometryNodeRealizeInstances", Geometry=balls)["Geometry"]


def _ball() -> bpy.types.Object:
    """The shape of a splat in the viewport; it lies in no scene.

    Solid mode shows only a mesh's active colour, which nodes can't choose, but which comes along from a mesh that is instanced.
    """
    found: Any = bpy.data.objects.get(BALL)
    if found is not None and found.type == "MESH":
        return found
    shape = bmesh.new()
    bmesh.ops.create_icosphere(shape, subdivisions=1, radius=1.0)
    for face in shape.faces:
        face.smooth = True
    data = bpy.data.meshes.new(BALL)
    shape.to_mesh(data)
    shape.free()
    data.attributes.new(COLOR, "FLOAT_COLOR", "POINT")
    data.color_attributes.active_color = data.color_attributes[COLOR]
    data.materials.append(_viewport_material())
    return bpy.data.objects.new(BALL, data)


def _exact(n: Nodes, given: Any, points: Any, opacity: Any, shape: tuple[Any, Any]) -> Any:
    rotation, scale = shape
    proxy = n.add("GeometryNodeMeshIcoSphere", Radius=CIRCUMSCRIBED, Subdivisions=1)["Mesh"]
    proxy = n.add("GeometryNodeSetShadeSmooth", 0, proxy)[0]
    proxy = n.add("GeometryNodeSetMaterial", Geometry=proxy, Material=_render_material())["Geometry"]
    seen = n.compare("GREATER_THAN", opacity, FAINTEST * 1.01)
    reach = n.math("SQRT", _reach_squared(n, opacity))
    size = n.add("ShaderNodeVectorMath", operation="SCALE", Vector=scale, Scale=reach)["Vector"]
    placed = n.add("GeometryNodeInstanceOnPoints", Points=points, Selection=seen, Instance=proxy, Rotation=rotation, Scale=size)
    return placed["Instances"]


def _reach_squared(n: Nodes, opacity: Any) -> Any:
    """Squared distance, in standard deviations, at which `opacity` has fallen to FAINTEST: 2 ln(opacity / FAINTEST)."""
    inside = n.math("LOGARITHM", n.math("MAXIMUM", n.math("DIVIDE", opacity, FAINTEST), 1.01), 2.718281828)
    return n.math("MINIMUM", n.math("MULTIPLY", inside, 2.0), REACH * REACH)


def _render_material() -> bpy.types.Material:
    found: Any = bpy.data.materials.get(RENDER_MATERIAL)
    if found is not None:
        return found
    material, n = _blank_material(RENDER_MATERIAL)
    color = n.add("ShaderNodeAttribute", attribute_type="INSTANCER", attribute_name=COLOR)
    geometry = n.add("ShaderNodeNewGeometry")
    own = {"convert_from": "WORLD", "convert_to": "OBJECT"}
    position = n.add("ShaderNodeVectorTransform", vector_type="POINT", **own, Vector=geometry["Position"])
    ray = n.add("ShaderNodeVectorTransform", vector_type="VECTOR", **own, Vector=geometry["Incoming"])
    direction = n.add("ShaderNodeVectorMath", operation="NORMALIZE", Vector=ray["Vector"])["Vector"]
    # |p x d| is the distance between the ray and the centre, in units of the reach.
    offset = n.add("ShaderNodeVectorMath", operation="CROSS_PRODUCT", Vector=position["Vector"], Vector_001=direction)["Vector"]
    squared = n.add("ShaderNodeVectorMath", operation="DOT_PRODUCT", Vector=offset, Vector_001=offset)["Value"]
    power = n.math("MULTIPLY", n.math("MULTIPLY", squared, _reach_squared(n, color["Alpha"])), -0.5)
    opacity = n.math("MULTIPLY", color["Alpha"], n.math("EXPONENT", power))
    inside = n.math("LESS_THAN", squared, 1.0)
    opacity = n.math("MULTIPLY", n.math("MULTIPLY", opacity, inside), _counts(n, geometry, position["Vector"], ray["Vector"]))
    emission = n.add("ShaderNodeEmission", Color=color["Color"])["Emission"]
    clear = n.add("ShaderNodeBsdfTransparent")["BSDF"]
    shader = n.add("ShaderNodeMixShader", 0, opacity, 1, clear, 2, emission)["Shader"]
    n.add("ShaderNodeOutputMaterial", Surface=shader)
    n.arrange()
    return material


def _counts(n: Nodes, geometry: Any, position: Any, ray: Any) -> Any:
    """1 on one of the two sides that a ray meets: the front, or the back of a splat around the camera whose centre is ahead."""
    distance = n.add("ShaderNodeCameraData")["View Distance"]
    to_camera = n.add("ShaderNodeVectorMath", operation="SCALE", Vector=ray, Scale=distance)["Vector"]
    camera = n.add("ShaderNodeVectorMath", operation="ADD", Vector=position, Vector_001=to_camera)["Vector"]
    within = n.math("LESS_THAN", n.add("ShaderNodeVectorMath", operation="LENGTH", Vector=camera)["Value"], (1 + CIRCUMSCRIBED) / 2)
    ahead = n.math("GREATER_THAN", n.add("ShaderNodeVectorMath", operation="DOT_PRODUCT", Vector=camera, Vector_001=ray)["Value"], 0.0)
    back = n.math("MULTIPLY", n.math("MULTIPLY", within, ahead), geometry["Backfacing"])
    return n.math("ADD", n.math("SUBTRACT", 1.0, geometry["Backfacing"]), back)


def _viewport_material() -> bpy.types.Material:
    found: Any = bpy.data.materials.get(VIEWPORT_MATERIAL)
    if found is not None:
        return found
    material, n = _blank_material(VIEWPORT_MATERIAL)
    color = n.add("ShaderNodeAttribute", attribute_type="GEOMETRY", attribute_name=COLOR)["Color"]
    n.add("ShaderNodeOutputMaterial", Surface=n.add("ShaderNodeEmission", Color=color)["Emission"])
    n.arrange()
    return material


def _blank_material(name: str) -> tuple[bpy.types.Material, Nodes]:
    material = bpy.data.materials.new(name)
    compat.use_nodes(material)
    material.node_tree.nodes.clear()
    material.surface_render_method = "DITHERED"
    if hasattr(material, "cycles"):
        material.cycles.emission_sampling = "NONE"  # a light tree over every splat costs minutes and gains nothing
    return material, Nodes(material.node_tree)
