"""How splats are drawn: geometry nodes that put a small shape on each.

For a render each splat is a square that faces the scene's camera, as large as the splat appears from there, with the color that
the splat has from there; its material is the Gaussian (Zwicker et al., "EWA splatting", 2002). A ray meets each splat once, and all
squares are one mesh, which is what makes Cycles fast enough. The squares follow the camera from frame to frame.

Where no camera is what they are seen from (mirrors, orbiting in a rendered viewport), splats can be ellipsoids instead: instances
whose material computes the Gaussian along the viewing ray. That is right from every side, and very slow in Cycles.

In the viewport they have one of four looks. "Splats": the room `viewport` draws them, and the nodes give the corners of a box as
edges, which can be seen and clicked and hide nothing. "Ellipsoids" and "Points": small opaque shapes in one mesh. "As Rendered": the
shapes of a render. In a file the node named DRAWN is off, so that a Blender without Reify shows ellipsoids in the place of splats.
"""

from __future__ import annotations

from math import e as E
from typing import Any

import bmesh
import bpy

from . import compat, splat_materials, stored
from .nodes import Nodes
from .slices import Slices, whole
from .splat_color import view_color
from .splat_materials import BLEND, CIRCUMSCRIBED, COLOR, FAINTEST, OFFSET, reach_squared

GROUP = "Reify Splats"
UNFINISHED = "Unfinished Reify Splats"  # the group while it is made in slices
MARK, VERSION = "reify_splats", 4  # property of the node group, which the first version, without looks, didn't have
WITH_LOOKS = 2  # the version from which on it has looks
BALL = "Reify Splat Shape"
DRAWN = "Drawn by Reify"
LOOK = "Look"
SOFT = "Soft in Viewport"  # input of the first version: what "As Rendered" is now
LOOKS = SPLATS, ELLIPSOIDS, POINTS, AS_RENDERED = ("Splats", "Ellipsoids", "Points", "As Rendered")
SHAPED = ("Viewport Amount", "Viewport Size", "Viewport Opacity", "Viewport Largest")  # inputs of the looks made of opaque shapes
FACE_CAMERA = "Face Camera"
PIXEL = "Pixel"  # width of a pixel of the render at distance 1 from the camera; 0 for splats that aren't blurred by one
LOW_PASS = 0.21  # variance in squared pixels: the 0.3 that training adds to a splat in a picture, less that of an engine's pixel filter
CARRY = "Carry Splats"
INPUTS = (LOOK, *SHAPED, FACE_CAMERA)
PIXEL_FROM = {  # by variable: property of the scene, and its value where there is no camera
    "w": ("camera.data.sensor_width", 0.0),
    "h": ("camera.data.sensor_height", 0.0),
    "fit": ("camera.data.sensor_fit", 0.0),  # 0 automatic, 1 by width, 2 by height
    "lens": ("camera.data.lens", 50.0),
    "x": ("render.resolution_x", 1.0),
    "y": ("render.resolution_y", 1.0),
    "percent": ("render.resolution_percentage", 100.0),
}
PIXEL_WIDTH = "(h / y if fit == 2 else w / (x if fit == 1 else max(x, y))) / lens * 100 / percent"
POINT_RADIUS = 0.001  # of the box's diagonal
BOX_DEVIATIONS = 3.0  # the box reaches that many standard deviations from the mean position: a few splats far out don't count


def prepare() -> None:
    """Make the nodes and materials that all splats share, before there are any: it takes a moment in a window."""
    _group()


def prepare_in_slices() -> Slices[None]:
    """The same, in slices of at most some tens of milliseconds."""
    if _found_group() is None:
        yield from _group_in_slices()


def draw_as_splats(splats: bpy.types.Object, amount: float = 1.0, largest: float = 0.0, low_pass: bool = True) -> None:
    """Add the modifier that draws a point cloud of splats.

    `amount` is the share shown in the viewport, 0 to 1; those of a standard deviation above `largest` aren't
    shown there: soft, they are a background, opaque, they are boulders before the subject. 0 shows all.
    `low_pass` says whether they were trained with the low-pass filter that isn't compensated: then a render has it, too.
    """
    modifier: Any = splats.modifiers.new("Splats", "NODES")
    cloud: Any = splats.data
    modifier.node_group = _group()
    compat.set_modifier_input(modifier, socket_identifier(modifier.node_group, "Viewport Amount"), amount)
    compat.set_modifier_input(modifier, socket_identifier(modifier.node_group, "Viewport Largest"), largest)
    if low_pass:
        _drive_pixel(modifier)
    _forbid_deform_motion(splats)
    # Slots make the materials belong to the object, and editable where artists look for them.
    for material in (splat_materials.facing(), splat_materials.solid(), splat_materials.viewport()):
        cloud.materials.append(material)


def drawing(splats: bpy.types.Object) -> list[Any]:
    """The modifiers that draw an object's splats: one, unless somebody has removed or copied it."""
    return [modifier for modifier in splats.modifiers if modifier.type == "NODES" and _is_group(modifier.node_group)]


def look_of(splats: bpy.types.Object) -> str:
    """How the viewport shows an object's splats: one of LOOKS, or "" where its modifier is gone or hidden."""
    for modifier in drawing(splats):
        if modifier.show_viewport:
            return compat.modifier_menu(modifier, socket_identifier(modifier.node_group, LOOK)) or SPLATS
    return ""


def set_look(splats: bpy.types.Object, look: str) -> None:
    """Let the viewport show an object's splats in one of LOOKS."""
    for modifier in drawing(splats):
        compat.set_modifier_menu(modifier, socket_identifier(modifier.node_group, LOOK), look)
        splats.update_tag()


def is_carried(splats: bpy.types.Object) -> bool:
    """Whether the evaluated object has its splats as vertices of a mesh, as other modifiers before "Splats" have left them."""
    return any(_value(modifier, CARRY) for modifier in drawing(splats))


def should_carry(splats: bpy.types.Object) -> bool:
    """Whether what the viewport is to show isn't the object's own data: another modifier comes before "Splats"."""
    before = next((i for i, modifier in enumerate(splats.modifiers) if modifier in drawing(splats)), 0)
    return any(modifier.show_viewport for modifier in splats.modifiers[:before])


def set_carried(splats: bpy.types.Object, carried: bool) -> None:
    """Let the evaluated object have its splats, or not: they are copied for it, which only other modifiers are a reason for."""
    for modifier in drawing(splats):
        compat.set_modifier_input(modifier, socket_identifier(modifier.node_group, CARRY), carried)
    splats.update_tag()


def set_drawn(drawn: bool) -> None:
    """Say in all node groups whether the viewport's handler draws what looks like "Splats", or nobody does."""
    for group in bpy.data.node_groups:
        if _is_group(group) and group.nodes[DRAWN].boolean != drawn:
            group.nodes[DRAWN].boolean = drawn


def upgrade() -> None:
    """Give splats that an older version of Reify has saved the present nodes, with the inputs that they had."""
    old = [group for group in bpy.data.node_groups if group.library is None and _is_old_group(group)]
    owner: Any
    for owner in [owner for owner in bpy.data.objects if owner.type == "POINTCLOUD"]:
        for modifier in [m for m in owner.modifiers if m.type == "NODES" and m.node_group in old]:
            before = {name: _value(modifier, name) for name in (*SHAPED, FACE_CAMERA) if name in _inputs(modifier.node_group)}
            look = look_of(owner) or SPLATS
            if SOFT in _inputs(modifier.node_group) and _value(modifier, SOFT):
                look = AS_RENDERED
            modifier.node_group = _group()
            for name, value in before.items():
                compat.set_modifier_input(modifier, socket_identifier(modifier.node_group, name), value)
            compat.set_modifier_menu(modifier, socket_identifier(modifier.node_group, LOOK), look)
            if not owner.data.get("antialiased") and not owner.data.get("surfels"):
                _drive_pixel(modifier)
            _forbid_deform_motion(owner)
    bpy.data.batch_remove([group for group in old if not group.users])
    if old and GROUP not in bpy.data.node_groups:
        _group().name = GROUP


def _drive_pixel(modifier: Any) -> None:
    """Let the width of a pixel follow the scene's camera and resolution, by a driver: it stays in the file and needs no Reify."""
    owner, key = compat.modifier_input(modifier, socket_identifier(modifier.node_group, PIXEL))
    owner.driver_remove(key)
    driver = owner.driver_add(key).driver
    driver.type = "SCRIPTED"
    for name, (path, without_camera) in PIXEL_FROM.items():
        variable = driver.variables.new()
        variable.name, variable.type = name, "CONTEXT_PROP"
        target = variable.targets[0]
        target.context_property, target.data_path = "ACTIVE_SCENE", path
        target.use_fallback_value, target.fallback_value = True, without_camera
    driver.expression = PIXEL_WIDTH


def _forbid_deform_motion(splats: Any) -> None:
    """Let Cycles blur the motion of camera and object only.

    Deformation joins the vertices of two moments by number, which sorting changes: 19 dB to the mean over the shutter, 31 without.
    """
    if hasattr(splats, "cycles"):
        splats.cycles.use_deform_motion = False


def _value(modifier: Any, name: str) -> Any:
    owner, key = compat.modifier_input(modifier, socket_identifier(modifier.node_group, name))
    return owner.path_resolve(key)


def _is_group(group: Any) -> bool:
    return stored.whole(group, MARK, 0) >= WITH_LOOKS and LOOK in _inputs(group)


def _is_old_group(group: Any) -> bool:
    named = group.bl_idname == "GeometryNodeTree" and group.name.startswith(GROUP) and stored.whole(group, MARK, 0) < VERSION
    return named and FACE_CAMERA in _inputs(group)


def _inputs(group: Any) -> set[str]:
    return {item.name for item in group.interface.items_tree if item.item_type == "SOCKET" and item.in_out == "INPUT"}


def socket_identifier(group: Any, name: str) -> str:
    """How the modifier calls the group's input `name`."""
    return next(item.identifier for item in group.interface.items_tree if item.name == name and item.in_out == "INPUT")


def _found_group() -> Any:
    return next((group for group in bpy.data.node_groups if group.library is None and _is_group(group)), None)


def _group() -> bpy.types.NodeTree:
    return _found_group() or whole(_group_in_slices())


def _group_in_slices() -> Slices[bpy.types.NodeTree]:
    """The nodes, marked and called as they are known by once all of them are there."""
    group: Any = bpy.data.node_groups.new(UNFINISHED, "GeometryNodeTree")
    group.is_modifier = True
    _interface(group)
    yield
    n = Nodes(group)
    given = n.add("NodeGroupInput")
    is_look = _looks(n, given)
    base = n.add("GeometryNodeInputNamedAttribute", data_type="FLOAT_COLOR", Name="radiance:base")["Attribute"]
    trained = n.add("FunctionNodeSeparateColor", Color=base)["Alpha"]
    # On points that have lost their radiance for their color in linear light.
    opacity = n.add("GeometryNodeInputNamedAttribute", data_type="FLOAT_COLOR", Name=COLOR)
    opacity = n.add("FunctionNodeSeparateColor", Color=opacity["Attribute"])["Alpha"]
    viewport = n.add("GeometryNodeIsViewport")["Is Viewport"]
    use_fast = n.add("FunctionNodeBooleanMath", operation="NIMPLY", Boolean=viewport, Boolean_001=is_look[AS_RENDERED])["Boolean"]
    use_facing = n.add("FunctionNodeBooleanMath", operation="NIMPLY", Boolean=given[FACE_CAMERA], Boolean_001=use_fast)["Boolean"]
    shape = _shape(n)
    frame = _frame(n)
    yield
    points = _with_color(n, given["Geometry"], frame[1], use_facing)
    seen = n.compare("GREATER_THAN", opacity, FAINTEST * 1.01)
    reach = n.math("SQRT", reach_squared(n, opacity))
    blur = _blur(n, frame[2], given[PIXEL])
    yield
    facing = _facing(n, points, opacity, seen, reach, shape, frame, blur)
    yield
    solid = _solid(n, points, seen, reach, shape, blur)
    yield
    soft = n.add("GeometryNodeSwitch", input_type="GEOMETRY", Switch=use_facing, False_=solid, True_=facing)["Output"]
    box, diagonal = _box(n, given["Geometry"], _is_clear(n, given, trained, shape[1]))
    yield
    radius = n.math("MULTIPLY", n.math("MULTIPLY", diagonal, POINT_RADIUS), given["Viewport Size"])
    round_ = n.add("ShaderNodeCombineXYZ", X=radius, Y=radius, Z=radius)["Vector"]
    size = n.vector("SCALE", shape[1], given["Viewport Size"])
    size = n.add("GeometryNodeSwitch", input_type="VECTOR", Switch=is_look[POINTS], False_=size, True_=round_)["Output"]
    fast = _fast(n, given, points, _is_clear(n, given, opacity, shape[1]), shape[0], size)
    yield
    drawn = n.add("FunctionNodeInputBool")
    drawn.node.name = drawn.node.label = DRAWN
    vertices = n.add("GeometryNodePointsToVertices", Points=given["Geometry"])["Mesh"]
    carried = n.add("GeometryNodeJoinGeometry", Geometry=box)
    n.tree.links.new(vertices, carried.node.inputs[0])
    box = n.add("GeometryNodeSwitch", input_type="GEOMETRY", Switch=given[CARRY], False_=box, True_=carried["Geometry"])["Output"]
    by_handler = n.add("FunctionNodeBooleanMath", operation="AND", Boolean=is_look[SPLATS], Boolean_001=drawn["Boolean"])["Boolean"]
    fast = n.add("GeometryNodeSwitch", input_type="GEOMETRY", Switch=by_handler, False_=fast, True_=box)["Output"]
    chosen = n.add("GeometryNodeSwitch", input_type="GEOMETRY", Switch=use_fast, False_=soft, True_=fast)["Output"]
    n.add("NodeGroupOutput", Geometry=chosen)
    yield
    n.arrange()
    group.name, group[MARK] = GROUP, VERSION
    return group


def _looks(n: Nodes, given: Any) -> dict[str, Any]:
    """For each look whether it is the one that was chosen."""
    menu: Any = n.tree.nodes.new("GeometryNodeMenuSwitch")
    menu.data_type = "INT"
    menu.enum_items.clear()
    for look in LOOKS:
        menu.enum_items.new(look)
    n.tree.links.new(given[LOOK], menu.inputs[0])
    for number, look in enumerate(LOOKS):
        menu.inputs[look].default_value = number
    socket: Any = next(item for item in n.tree.interface.items_tree if item.name == LOOK)
    socket.default_value = SPLATS
    equal = {"data_type": "INT", "operation": "EQUAL"}
    return {look: n.add("FunctionNodeCompare", **equal, A=menu.outputs[0], B=number)["Result"] for number, look in enumerate(LOOKS)}


def _interface(group: Any) -> None:
    socket = group.interface.new_socket
    socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    facing = socket(FACE_CAMERA, in_out="INPUT", socket_type="NodeSocketBool")
    facing.description = "Draw splats as the scene's camera sees them; off, they are right in mirrors too, and far slower"
    facing.default_value = True
    carry = socket(CARRY, in_out="INPUT", socket_type="NodeSocketBool")
    carry.description = "Hand the splats on as vertices, for the viewport to draw what modifiers before this one have made of them"
    carry.hide_in_modifier = True
    pixel = socket(PIXEL, in_out="INPUT", socket_type="NodeSocketFloat")
    pixel.description = "Width of a pixel of the render at distance 1 from the camera: splats are blurred as in training"
    pixel.hide_in_modifier = True
    look = socket(LOOK, in_out="INPUT", socket_type="NodeSocketMenu")
    look.description = "How the viewport shows the splats; a render isn't changed"
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


def _with_color(n: Nodes, points: Any, direction: Any, follows: Any) -> Any:
    color, blend = view_color(n, direction, follows)
    stored = n.add("GeometryNodeStoreNamedAttribute", data_type="FLOAT_VECTOR", domain="POINT", Geometry=points, Name=BLEND, Value=blend)
    points = stored["Geometry"]
    stored = n.add("GeometryNodeStoreNamedAttribute", data_type="FLOAT_COLOR", domain="POINT", Geometry=points, Name=COLOR, Value=color)
    # What stays on the points would be copied to every vertex of every shape.
    bare = n.add("GeometryNodeRemoveAttribute", Geometry=stored["Geometry"], Name="radiance:*")
    compat.match_wildcards(bare.node)
    return bare["Geometry"]


def _shape(n: Nodes) -> tuple[Any, Any]:
    rotation = n.add("GeometryNodeInputNamedAttribute", data_type="QUATERNION", Name="rotation")["Attribute"]
    scale = n.add("GeometryNodeInputNamedAttribute", data_type="FLOAT_VECTOR", Name="scale")["Attribute"]
    # A flat splat has no inverse, which the material needs; a hundredth of its size is as good as flat.
    thinnest = n.math("MAXIMUM", n.math("MULTIPLY", n.vector("LENGTH", scale), 0.01), 1e-9)
    return rotation, n.vector("MAXIMUM", scale, thinnest)


def _frame(n: Nodes) -> tuple[Any, Any, Any, Any]:
    """At each splat, a rotation whose z axis points away from the scene's camera, that axis, the distance, and z in the camera's space."""
    camera = n.add("GeometryNodeInputActiveCamera")["Active Camera"]
    camera = n.add("GeometryNodeObjectInfo", transform_space="RELATIVE", Object=camera)
    position = n.add("GeometryNodeInputPosition")["Position"]
    ray = n.vector("SUBTRACT", position, camera["Location"])
    away = n.vector("NORMALIZE", ray)
    into_camera = n.add("FunctionNodeInvertMatrix", Matrix=camera["Transform"])["Matrix"]
    seen = n.add("FunctionNodeTransformPoint", Vector=position, Transform=into_camera)["Vector"]
    z = n.add("ShaderNodeSeparateXYZ", Vector=seen)["Z"]
    return n.add("FunctionNodeAlignRotationToVector", axis="Z", Vector=away)["Rotation"], away, n.vector("LENGTH", ray), z


def _blur(n: Nodes, distance: Any, pixel: Any) -> Any:
    """Variance that the low-pass filter adds to a splat at a distance from the camera."""
    width = n.math("MULTIPLY", distance, pixel)
    return n.math("MULTIPLY", n.math("MULTIPLY", width, width), LOW_PASS)


def _facing(
    n: Nodes, points: Any, opacity: Any, seen: Any, reach: Any, shape: tuple[Any, Any], frame: tuple[Any, Any, Any, Any], blur: Any
) -> Any:
    """One mesh of squares across the view, around the ellipse that each splat is in it, the farthest first.

    EEVEE blends the triangles of an object in the order of the mesh; Cycles needs no order.
    """
    points = n.add("GeometryNodeSortElements", domain="POINT", Geometry=points, Sort_Weight=frame[3])["Geometry"]
    rotation, scale = shape
    # The covariance in the square's plane is A A', where the rows of A are the plane's axes in the splat's frame times its scale.
    into_splat = n.add("FunctionNodeRotateRotation", rotation_space="LOCAL", Rotation=_inverted(n, rotation), Rotate_By=frame[0])[
        "Rotation"
    ]
    rows = []
    for axis in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)):
        turned = n.add("FunctionNodeRotateVector", Vector=axis, Rotation=into_splat)["Vector"]
        rows.append(n.vector("MULTIPLY", turned, scale))
    xx, xy, yy = (n.vector("DOT_PRODUCT", rows[i], rows[j]) for i, j in ((0, 0), (0, 1), (1, 1)))
    xx, yy = n.math("ADD", xx, blur), n.math("ADD", yy, blur)
    # Its axes, by the closed form of the eigenvalues of a symmetric 2x2 matrix.
    half = n.math("MULTIPLY", n.math("SUBTRACT", xx, yy), 0.5)
    middle = n.math("MULTIPLY", n.math("ADD", xx, yy), 0.5)
    apart = n.math("SQRT", n.math("ADD", n.math("MULTIPLY", half, half), n.math("MULTIPLY", xy, xy)))
    angle = n.math("MULTIPLY", n.math("ARCTAN2", xy, half), 0.5)
    longer = n.math("MULTIPLY", n.math("SQRT", n.math("ADD", middle, apart)), reach)
    shorter = n.math("MULTIPLY", n.math("SQRT", n.math("MAXIMUM", n.math("SUBTRACT", middle, apart), 0.0)), reach)
    turn = n.add("FunctionNodeAxisAngleToRotation", Axis=(0.0, 0.0, 1.0), Angle=angle)["Rotation"]
    turned = n.add("FunctionNodeRotateRotation", rotation_space="LOCAL", Rotation=frame[0], Rotate_By=turn)["Rotation"]
    size = n.add("ShaderNodeCombineXYZ", X=longer, Y=shorter, Z=1.0)["Vector"]
    square = n.add("GeometryNodeMeshGrid", Size_X=2.0, Size_Y=2.0, Vertices_X=2, Vertices_Y=2)["Mesh"]
    corner = n.add("GeometryNodeInputPosition")["Position"]
    square = n.add("GeometryNodeStoreNamedAttribute", data_type="FLOAT_VECTOR", domain="POINT", Geometry=square, Name=OFFSET, Value=corner)
    square = n.add("GeometryNodeSetMaterial", Geometry=square["Geometry"], Material=splat_materials.facing())["Geometry"]
    squares = _each(n, points, seen, square, turned, size)
    # What the material needs, in so few words that it is quick: the third coordinate is the opacity in the middle.
    offset = n.add("GeometryNodeInputNamedAttribute", data_type="FLOAT_VECTOR", Name=OFFSET)["Attribute"]
    offset = n.vector("SCALE", offset, n.math("MULTIPLY", reach, 0.5**0.5))
    faintness = n.math("SQRT", n.math("MULTIPLY", n.math("LOGARITHM", n.math("MINIMUM", opacity, 1.0), E), -1.0))
    raised = n.vector("ADD", offset, n.add("ShaderNodeCombineXYZ", Z=faintness)["Vector"])
    stored = n.add("GeometryNodeStoreNamedAttribute", data_type="FLOAT_VECTOR", domain="POINT", Geometry=squares, Name=OFFSET, Value=raised)
    return stored["Geometry"]


def _inverted(n: Nodes, rotation: Any) -> Any:
    return n.add("FunctionNodeInvertRotation", Rotation=rotation)["Rotation"]


def _each(n: Nodes, points: Any, shown: Any, shape: Any, rotation: Any, size: Any) -> Any:
    """One mesh of `shape` at every point that is shown."""
    made = n.add("GeometryNodeInstanceOnPoints", Points=points, Selection=shown, Instance=shape, Rotation=rotation, Scale=size)["Instances"]
    for name in ("scale", "rotation"):
        made = n.add("GeometryNodeRemoveAttribute", Geometry=made, Name=name)["Geometry"]
    return n.add("GeometryNodeRealizeInstances", Geometry=made)["Geometry"]


def _is_clear(n: Nodes, given: Any, opacity: Any, scale: Any) -> Any:
    """Whether a splat is opaque and small enough to be shown as an opaque shape."""
    dense = n.compare("GREATER_EQUAL", opacity, given["Viewport Opacity"])
    extent = n.add("ShaderNodeSeparateXYZ", Vector=scale)
    longest = n.math("MAXIMUM", n.math("MAXIMUM", extent["X"], extent["Y"]), extent["Z"])
    no_limit = n.compare("EQUAL", given["Viewport Largest"], 0.0)
    small = n.compare("LESS_EQUAL", longest, given["Viewport Largest"])
    small = n.add("FunctionNodeBooleanMath", operation="OR", Boolean=small, Boolean_001=no_limit)["Boolean"]
    return n.add("FunctionNodeBooleanMath", operation="AND", Boolean=dense, Boolean_001=small)["Boolean"]


def _box(n: Nodes, points: Any, clear: Any) -> tuple[Any, Any]:
    """The corners of a box around most of the `clear` splats, as edges without faces, and the box's diagonal."""
    position = n.add("GeometryNodeInputPosition")["Position"]
    found = n.add("GeometryNodeAttributeStatistic", data_type="FLOAT_VECTOR", Geometry=points, Selection=clear, Attribute=position)
    reach = n.vector("SCALE", found["Standard Deviation"], BOX_DEVIATIONS)
    low = n.vector("MAXIMUM", found["Min"], n.vector("SUBTRACT", found["Mean"], reach))
    high = n.vector("MINIMUM", found["Max"], n.vector("ADD", found["Mean"], reach))
    size = n.vector("SUBTRACT", high, low)
    cube = n.add("GeometryNodeMeshCube", Size=(2.0, 2.0, 2.0))["Mesh"]
    edges = n.add("GeometryNodeDeleteGeometry", domain="FACE", mode="ONLY_FACE", Geometry=cube)["Geometry"]
    edges = n.add("GeometryNodeSubdivideMesh", Mesh=edges, Level=2)["Mesh"]
    # Of the four parts of an edge the outer two have their middles at 3/4 of the way from the center, the inner two at 1/4.
    place = n.add("ShaderNodeSeparateXYZ", Vector=position)
    product = n.math("MULTIPLY", n.math("MULTIPLY", place["X"], place["Y"]), place["Z"])
    inner = n.compare("LESS_THAN", n.math("ABSOLUTE", product), 0.5)
    edges = n.add("GeometryNodeDeleteGeometry", domain="EDGE", mode="EDGE_FACE", Geometry=edges, Selection=inner)["Geometry"]
    middle = n.vector("SCALE", n.vector("ADD", low, high), 0.5)
    half = n.vector("SCALE", size, 0.5)
    edges = n.add("GeometryNodeTransform", Geometry=edges, Translation=middle, Scale=half)["Geometry"]
    return edges, n.vector("LENGTH", size)


def _fast(n: Nodes, given: Any, points: Any, clear: Any, rotation: Any, size: Any) -> Any:
    ball = n.add("GeometryNodeObjectInfo", Object=_ball())["Geometry"]
    ball = n.add("GeometryNodeRemoveAttribute", Geometry=ball, Name=COLOR)["Geometry"]
    chance = n.add("FunctionNodeRandomValue", data_type="FLOAT")["Value"]
    drawn = n.compare("LESS_EQUAL", chance, given["Viewport Amount"])
    shown = n.add("FunctionNodeBooleanMath", operation="AND", Boolean=clear, Boolean_001=drawn)["Boolean"]
    return _each(n, points, shown, ball, rotation, size)


def _ball() -> bpy.types.Object:
    """The shape of a splat in the viewport; it lies in no scene.

    Solid mode shows only a mesh's active color, which nodes can't choose, but which comes along from a mesh that is instanced.
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
    data.materials.append(splat_materials.viewport())
    return bpy.data.objects.new(BALL, data)


def _solid(n: Nodes, points: Any, seen: Any, reach: Any, shape: tuple[Any, Any], blur: Any) -> Any:
    rotation, scale = shape
    # The same variance along all axes is the filter's from every side: what a splat adds to a ray is its maximum there.
    squared = n.add("ShaderNodeSeparateXYZ", Vector=n.vector("MULTIPLY", scale, scale))
    scale = n.add("ShaderNodeCombineXYZ", **{axis: n.math("SQRT", n.math("ADD", squared[axis], blur)) for axis in "XYZ"})["Vector"]
    proxy = n.add("GeometryNodeMeshIcoSphere", Radius=CIRCUMSCRIBED, Subdivisions=1)["Mesh"]
    proxy = n.add("GeometryNodeSetShadeSmooth", 0, proxy)[0]
    proxy = n.add("GeometryNodeSetMaterial", Geometry=proxy, Material=splat_materials.solid())["Geometry"]
    size = n.vector("SCALE", scale, reach)
    # Not realized: the material asks for each splat's own space.
    placed = n.add("GeometryNodeInstanceOnPoints", Points=points, Selection=seen, Instance=proxy, Rotation=rotation, Scale=size)
    return placed["Instances"]
