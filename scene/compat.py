"""What this Blender can do: every difference between versions is probed here, by what is there, never by number."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ..backend.values import Array


def float4_type() -> str:
    """Attribute type for four floats: FLOAT4 where it exists (5.2), else FLOAT_COLOR, which stores the same numbers."""
    return "FLOAT4" if "FLOAT4" in _items(bpy.types.Attribute, "data_type") else "FLOAT_COLOR"


def point_cloud_object(name: str, xyz: Array) -> bpy.types.Object:
    """A new object with a point cloud of `xyz` [N,3], not yet in any collection."""
    cloud = bpy.data.pointclouds.new(name)
    if hasattr(cloud, "resize"):
        if len(xyz):
            cloud.resize(len(xyz))
            _position(cloud).foreach_set("vector", np.ascontiguousarray(xyz, dtype=np.float32).ravel())
        return bpy.data.objects.new(name, cloud)
    bpy.data.pointclouds.remove(cloud)
    return _converted_from_vertices(name, xyz)


def expose_usd() -> None:
    """Make the Python packages that Blender bundles for itself, among them pxr, importable where it lets one."""
    if hasattr(bpy.utils, "expose_bundled_modules"):
        bpy.utils.expose_bundled_modules()


def set_modifier_input(modifier: Any, identifier: str, value: Any) -> None:
    """Set an input of a geometry-nodes modifier by the socket's identifier."""
    inputs = getattr(getattr(modifier, "properties", None), "inputs", None)
    if inputs is not None:
        getattr(inputs, identifier).value = value
    else:
        modifier[identifier] = value


def modifier_input(modifier: Any, identifier: str) -> tuple[Any, str]:
    """What holds an input of a geometry-nodes modifier, and its name there, for `layout.prop`."""
    inputs = getattr(getattr(modifier, "properties", None), "inputs", None)
    return (getattr(inputs, identifier), "value") if inputs is not None else (modifier, f'["{identifier}"]')


def modifier_menu(modifier: Any, identifier: str) -> str:
    """The chosen entry of a menu among a geometry-nodes modifier's inputs, "" where the file knows none; a number before 5.2."""
    owner, _key = modifier_input(modifier, identifier)
    if owner != modifier:
        return str(owner.value)
    number = modifier.get(identifier)
    return next((name for name, _label, _description, _icon, value in _menu(modifier, identifier) if value == number), "")


def set_modifier_menu(modifier: Any, identifier: str, entry: str) -> None:
    """Choose an entry of a menu among a geometry-nodes modifier's inputs."""
    owner, _key = modifier_input(modifier, identifier)
    if owner != modifier:
        owner.value = entry
    else:
        modifier[identifier] = next(value for name, _label, _description, _icon, value in _menu(modifier, identifier) if name == entry)


def _menu(modifier: Any, identifier: str) -> list[tuple[str, str, str, int, int]]:
    found: list[tuple[str, str, str, int, int]] = modifier.id_properties_ui(identifier).as_dict().get("items", [])
    return found


def stored_properties(owner: bpy.types.ID) -> Any:
    """What a datablock holds of properties that add-ons register, by name, enums as numbers; among its custom properties before 5.0."""
    get = getattr(owner, "bl_system_properties_get", None)
    return owner if get is None else get() or {}


def match_wildcards(node: Any) -> None:
    """Let a Remove Named Attribute node take a pattern: a property of the node before 5.0, then an input."""
    if hasattr(node, "pattern_mode"):
        node.pattern_mode = "WILDCARD"
    else:
        node.inputs["Pattern Mode"].default_value = "Wildcard"


def use_nodes(owner: bpy.types.Material | bpy.types.World) -> None:
    """Give a material or a world a node tree; newer versions always have one, and warn about being asked."""
    if owner.node_tree is None:
        owner.use_nodes = True


def paint_white_on_black(tools: bpy.types.ToolSettings) -> None:
    """Let the image editor's brushes paint white, and black with Ctrl; the colors are the mode's own from 5.0 on."""
    colors = getattr(tools.image_paint, "unified_paint_settings", None) or tools.unified_paint_settings
    colors.use_unified_color = True
    colors.color, colors.secondary_color = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)


def has_cycles(scene: bpy.types.Scene) -> bool:
    """True where Cycles is enabled."""
    return hasattr(scene, "cycles")


def render_passes_to_file(settings: bpy.types.ImageFormatSettings) -> None:
    """Let renders be written with all their passes, as floats; what kind of medium a format belongs to is chosen first from 5.0 on."""
    target: Any = settings
    if hasattr(target, "media_type"):
        target.media_type = "MULTI_LAYER_IMAGE"
    target.file_format, target.color_depth, target.exr_codec = "OPEN_EXR_MULTILAYER", "32", "ZIP"


def make_native_splats(cloud: Any) -> None:
    """Tell Blender that a point cloud's points are splats, where it knows such (5.3); its attributes are the same before."""
    if "GAUSSIAN_SPLAT" in _items(bpy.types.PointCloud, "type") and cloud.type != "GAUSSIAN_SPLAT":
        cloud.type = "GAUSSIAN_SPLAT"


def _items(owner: Any, name: str) -> tuple[str, ...]:
    found = owner.bl_rna.properties.get(name)
    return tuple(found.enum_items.keys()) if found is not None and found.type == "ENUM" else ()


def _position(cloud: Any) -> Any:
    found = cloud.attributes.get("position")
    return (found or cloud.attributes.new("position", "FLOAT_VECTOR", "POINT")).data


def _converted_from_vertices(name: str, xyz: Array) -> bpy.types.Object:
    # Before 5.1 Python can't give a point cloud its points; converting a mesh without faces can.
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(xyz))
    mesh.vertices.foreach_set("co", np.ascontiguousarray(xyz, dtype=np.float32).ravel())
    made = bpy.data.objects.new(name, mesh)
    scene = bpy.data.scenes.new(name)  # of its own: the operator refuses while an object of the open one is edited
    scene.collection.objects.link(made)
    try:
        with bpy.context.temp_override(
            scene=scene,
            view_layer=scene.view_layers[0],
            active_object=made,
            object=made,
            selected_objects=[made],
            selected_editable_objects=[made],
        ):
            bpy.ops.object.convert(target="POINTCLOUD")
    finally:
        bpy.data.scenes.remove(scene)
        bpy.data.meshes.remove(mesh)
    return made
