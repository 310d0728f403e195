"""Meshes to Blender and back: UVs, packed textures, a Principled material, vertex colors for Solid mode."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy
import numpy as np

from ..backend.errors import ReifyError
from ..backend.geometry.vectors import scatter_add
from ..backend.values import Array, Mesh
from . import attributes, compat, images, marks
from .slices import Slices, whole

UV_MAP = "UVMap"
COLOR = "Color"
GLTF_OUTPUT = "glTF Material Output"  # what the exporter looks for
CREASE = "crease_edge"  # Blender's own name
SURFACES = ("MESH", "CURVE", "SURFACE", "META", "FONT")
ROUGHNESS = 0.9  # photos hold the light already; a shiny surface would add it twice


def mesh_object(name: str, mesh: Mesh) -> bpy.types.Object:
    """A new object with `mesh` and its material, not yet in any collection."""
    return whole(mesh_in_slices(name, mesh))


def mesh_in_slices(name: str, mesh: Mesh) -> Slices[bpy.types.Object]:
    """The same, in slices: edges, which Blender looks for in one go, take most of the longest."""
    made = bpy.data.objects.new(name, (yield from _data_in_slices(name, mesh)))
    yield
    made.data.materials.append(material_of(name, mesh))
    return made


def mesh_data(name: str, mesh: Mesh) -> bpy.types.Mesh:
    """A new mesh datablock: geometry, UVs and colors, smooth shaded, without a material."""
    return whole(_data_in_slices(name, mesh))


def _data_in_slices(name: str, mesh: Mesh) -> Slices[bpy.types.Mesh]:
    data = bpy.data.meshes.new(name)
    corners, starts = _polygons(mesh)
    # As attributes, which are copied whole: by the older names Blender sets element by element, 100 times as long.
    data.vertices.add(len(mesh.vertices))
    attributes.write(data, "position", "FLOAT_VECTOR", mesh.vertices)
    data.loops.add(len(corners))
    attributes.write(data, ".corner_vert", "INT", mesh.faces.ravel()[corners], domain="CORNER")
    data.polygons.add(len(starts))
    data.polygons.foreach_set("loop_start", starts)
    data.shade_smooth()
    if mesh.uvs is not None:
        data.uv_layers.new(name=UV_MAP)
        attributes.write(data, UV_MAP, "FLOAT2", mesh.uvs.reshape(-1, 2)[corners], domain="CORNER")
    yield
    data.update(calc_edges=True)
    yield
    if not _is_valid(mesh):
        data.validate()  # takes half of the time that making the mesh takes
        yield
    if mesh.creases is not None and len(mesh.creases):
        attributes.write(data, CREASE, "FLOAT", _creased(data, mesh.creases), domain="EDGE")
    colors = vertex_srgb(mesh)
    if colors is not None and len(data.vertices) == len(colors):
        attributes.write(data, COLOR, "FLOAT_COLOR", np.column_stack((images.linear_from_srgb(colors), np.ones(len(colors)))))
        data.color_attributes.active_color = data.color_attributes[COLOR]
    return data


def vertex_srgb(mesh: Mesh) -> Array | None:
    """A color for each vertex, [V,3] float 0 to 1: the mesh's own, or its texture's at one of the vertex's corners."""
    if mesh.vertex_srgb is not None:
        return mesh.vertex_srgb
    texture = mesh.textures.get("base_color")
    if texture is None or mesh.uvs is None:
        return None
    height, width = texture.shape[:2]
    uv = np.zeros((len(mesh.vertices), 2), dtype=np.float32)
    uv[mesh.faces.ravel()] = mesh.uvs.reshape(-1, 2)
    column = np.clip((uv[:, 0] * width).astype(int), 0, width - 1)
    row = np.clip(((1 - uv[:, 1]) * height).astype(int), 0, height - 1)
    return texture[row, column, :3].astype(np.float32) / 255


def read_mesh(source: bpy.types.Object, modifiers: bool = True) -> Mesh:
    """The triangles of an object in its own space, with the active UVs, colors and texture, as it is drawn or without its modifiers.

    Raises ReifyError where it has no surface.
    """
    with _data_of(source, modifiers) as data:
        corners, faces = _triangles(data)
        return Mesh(
            vertices=_positions(data),
            faces=faces,
            uvs=_read_uvs(data, corners),
            vertex_srgb=_read_colors(data),
            textures=_read_textures(source.active_material),
        )


def read_pieces(source: bpy.types.Object, modifiers: bool = True) -> list[Mesh]:
    """The same, one mesh for each material that faces have; those without a texture get their material's color as vertex colors."""
    with _data_of(source, modifiers) as data:
        corners, faces = _triangles(data)
        slots = [slot.material for slot in source.material_slots] or [None]
        of_face = np.minimum(_face_materials(data), len(slots) - 1)
        vertices, uvs, colors = _positions(data), _read_uvs(data, corners), _read_colors(data)
        return [
            _piece(vertices, faces[of_face == index], None if uvs is None else uvs[of_face == index], colors, slots[index])
            for index in np.unique(of_face)
        ]


def read_face_materials(source: bpy.types.Object, modifiers: bool = True) -> Array:
    """The number of the material slot of each of `read_mesh`'s faces, [F]."""
    with _data_of(source, modifiers) as data:
        return _face_materials(data)


def read_quads(data: bpy.types.Mesh) -> Mesh:
    """The triangles and quads of a datablock that holds nothing else, quads first, as positions alone."""
    sizes = np.empty(len(data.polygons), np.int32)
    data.polygons.foreach_get("loop_total", sizes)
    starts = np.empty(len(data.polygons), np.int32)
    data.polygons.foreach_get("loop_start", starts)
    vertex = np.empty(len(data.loops), np.int32)
    data.loops.foreach_get("vertex_index", vertex)
    quads = vertex[starts[sizes == 4][:, None] + np.array([0, 1, 2, 0, 2, 3])].reshape(-1, 3)
    triangles = vertex[starts[sizes == 3][:, None] + np.arange(3)]
    return Mesh(_positions(data), np.concatenate([quads, triangles]), quads=int((sizes == 4).sum()))


@contextmanager
def _data_of(source: bpy.types.Object, modifiers: bool) -> Iterator[bpy.types.Mesh]:
    if source.type not in SURFACES:
        raise ReifyError(f"{source.name} has no surface.", "Select a mesh with faces.")
    if source.mode == "EDIT":
        source.update_from_editmode()
    evaluated = source.evaluated_get(bpy.context.evaluated_depsgraph_get()) if modifiers or source.type != "MESH" else source
    data = evaluated.to_mesh()
    try:
        if data is None or not data.polygons:
            raise ReifyError(f"{source.name} has no surface.", "Select a mesh with faces.")
        data.calc_loop_triangles()
        yield data
    finally:
        evaluated.to_mesh_clear()


def _face_materials(data: bpy.types.Mesh) -> Array:
    polygon, material = np.empty(len(data.loop_triangles), np.int32), np.empty(len(data.polygons), np.int32)
    data.loop_triangles.foreach_get("polygon_index", polygon)
    data.polygons.foreach_get("material_index", material)
    return material[polygon]


def _triangles(data: bpy.types.Mesh) -> tuple[Array, Array]:
    """Loops [F,3] and vertices [F,3] of the triangles."""
    loops, faces = (np.empty(len(data.loop_triangles) * 3, np.int32) for _ in range(2))
    data.loop_triangles.foreach_get("loops", loops)
    data.loop_triangles.foreach_get("vertices", faces)
    return loops.reshape(-1, 3), faces.reshape(-1, 3)


def _positions(data: bpy.types.Mesh) -> Array:
    flat = np.empty(len(data.vertices) * 3, np.float32)
    data.vertices.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def _read_uvs(data: bpy.types.Mesh, corners: Array) -> Array | None:
    return attributes.read(data, data.uv_layers.active.name)[corners] if data.uv_layers.active else None


def _piece(vertices: Array, faces: Array, uvs: Array | None, colors: Array | None, material: bpy.types.Material | None) -> Mesh:
    textures = _read_textures(material)
    if not textures and colors is None:
        shader = _principled_of(material)
        flat = shader.inputs["Base Color"].default_value[:3] if shader is not None else (0.8, 0.8, 0.8)
        colors = np.tile(images.srgb_from_linear(np.array(flat)), (len(vertices), 1)).astype(np.float32)
    return Mesh(vertices, faces, uvs, colors, textures)


def _polygons(mesh: Mesh) -> tuple[Array, Array]:
    """Which of the triangles' corners are the polygons' corners, quads first, and where each polygon starts."""
    paired = 6 * mesh.quads
    quads = np.arange(0, paired, 6, dtype=np.int32)[:, None] + np.array([0, 1, 2, 5], dtype=np.int32)
    corners = np.concatenate((quads.ravel(), np.arange(paired, mesh.faces.size, dtype=np.int32)))
    starts = np.concatenate((np.arange(0, quads.size, 4), np.arange(quads.size, len(corners), 3))).astype(np.int32)
    return corners, starts


def _is_valid(mesh: Mesh) -> bool:
    """True where no index is out of range, no face has a vertex twice, and every position is finite."""
    faces, paired = mesh.faces, 2 * mesh.quads
    if not len(faces):
        return True
    twice = (faces == np.roll(faces, 1, axis=1)).any() or (faces[0:paired:2, 1] == faces[1:paired:2, 2]).any()
    return bool(faces.min() >= 0 and faces.max() < len(mesh.vertices) and not twice and np.isfinite(mesh.vertices).all())


def _creased(data: bpy.types.Mesh, creases: Array) -> Array:
    """1 for each of the mesh's edges that is among `creases` [E,2], 0 for the others."""
    edges = np.empty(2 * len(data.edges), np.int32)
    data.edges.foreach_get("vertices", edges)
    codes = [np.sort(pairs.astype(np.int64), axis=1) @ np.array([len(data.vertices), 1]) for pairs in (edges.reshape(-1, 2), creases)]
    return np.isin(*codes).astype(np.float32)


def _read_colors(data: bpy.types.Mesh) -> Array | None:
    found = data.color_attributes.active_color
    if found is None:
        return None
    colors = np.empty(len(found.data) * 4, dtype=np.float32)
    found.data.foreach_get("color", colors)  # linear, for byte colors as well
    colors = colors.reshape(-1, 4)[:, :3]
    if found.domain == "CORNER":
        vertex = np.empty(len(data.loops), np.int32)
        data.loops.foreach_get("vertex_index", vertex)
        count = np.maximum(np.bincount(vertex, minlength=len(data.vertices)), 1)
        colors = scatter_add(colors, vertex, len(data.vertices)) / count[:, None]
    return images.srgb_from_linear(colors)


def _read_textures(material: bpy.types.Material | None) -> dict[str, Array]:
    shader = _principled_of(material)
    image = _picture_behind(shader.inputs["Base Color"]) if shader is not None else None
    # A picture is read from its file on first use; its size says whether that can be done.
    return {"base_color": images.pixels(image)} if image is not None and min(images.size_px(image)) > 0 else {}


def _picture_behind(socket: bpy.types.NodeSocket) -> bpy.types.Image | None:
    """The first picture that flows into a socket, also by way of other nodes: glTF's importer multiplies it by vertex colors."""
    waiting = [link.from_node for link in socket.links]
    while waiting:
        node = waiting.pop(0)
        if node.bl_idname == "ShaderNodeTexImage" and node.image is not None:
            return node.image
        waiting += [link.from_node for inner in node.inputs for link in inner.links]
    return None


def _principled_of(material: bpy.types.Material | None) -> bpy.types.Node | None:
    nodes = material.node_tree.nodes if material is not None and material.node_tree is not None else ()
    return next((node for node in nodes if node.bl_idname == "ShaderNodeBsdfPrincipled"), None)


def material_of(name: str, mesh: Mesh) -> bpy.types.Material:
    """A new material with the mesh's textures, packed, or its vertex colors."""
    material = bpy.data.materials.new(name)
    compat.use_nodes(material)
    tree = material.node_tree
    shader = _principled(tree)
    shader.inputs["Roughness"].default_value = ROUGHNESS
    shader.inputs["Specular IOR Level"].default_value = 0.2
    if "base_color" in mesh.textures and mesh.uvs is not None:
        node = tree.nodes.new("ShaderNodeTexImage")
        node.image = _map(name, mesh, "base_color")
        node.location = (-320, 280)
        tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
        tree.nodes.active = node  # Solid mode's Texture colors, painting and baking use the active image node
        if "coverage" in mesh.textures:
            _put_aside(tree, "Seen by photos", _map(name, mesh, "coverage"))
    elif mesh.vertex_srgb is not None:
        node = tree.nodes.new("ShaderNodeVertexColor")
        node.layer_name = COLOR
        node.location = (-320, 280)
        tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
    if "normal" in mesh.textures and mesh.uvs is not None:
        _connect_normal_map(tree, shader, _map(name, mesh, "normal"))
    if "occlusion" in mesh.textures and mesh.uvs is not None:
        _connect_occlusion(tree, _map(name, mesh, "occlusion"))
    marks.mark_material(material)
    return material


def _map(name: str, mesh: Mesh, kind: str) -> bpy.types.Image:
    """A packed image of one of the mesh's textures: "Statue Base Color"."""
    image = images.packed_image(f"{name} {kind.replace('_', ' ').title()}", mesh.textures[kind], data=kind != "base_color")
    return marks.mark_image(image, kind)


def _put_aside(tree: bpy.types.NodeTree, label: str, image: bpy.types.Image) -> None:
    """A picture that is at hand in the material, for masks and for painting over, and connected to nothing."""
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image, texture.label = image, label
    texture.location = (-620, 280)


def _connect_occlusion(tree: bpy.types.NodeTree, image: bpy.types.Image) -> None:
    """Into the group that Blender's glTF exporter takes ambient occlusion from; Cycles and EEVEE have their own."""
    group: Any = bpy.data.node_groups.get(GLTF_OUTPUT) or bpy.data.node_groups.new(GLTF_OUTPUT, "ShaderNodeTree")
    if "Occlusion" not in group.interface.items_tree:
        group.interface.new_socket("Occlusion", in_out="INPUT", socket_type="NodeSocketFloat")
    output = tree.nodes.new("ShaderNodeGroup")
    output.node_tree = group
    output.location = (300, 480)
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image, texture.label = image, "Ambient Occlusion"
    texture.location = (-620, 600)
    tree.links.new(texture.outputs["Color"], output.inputs["Occlusion"])


def _connect_normal_map(tree: bpy.types.NodeTree, shader: bpy.types.Node, image: bpy.types.Image) -> None:
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image = image
    texture.location = (-620, -120)
    bend = tree.nodes.new("ShaderNodeNormalMap")
    bend.uv_map = UV_MAP
    bend.location = (-320, -120)
    tree.links.new(texture.outputs["Color"], bend.inputs["Color"])
    tree.links.new(bend.outputs["Normal"], shader.inputs["Normal"])


def _principled(tree: bpy.types.NodeTree) -> bpy.types.Node:
    found = next((node for node in tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled"), None)
    if found is None:
        found = tree.nodes.new("ShaderNodeBsdfPrincipled")
        output = next((node for node in tree.nodes if node.bl_idname == "ShaderNodeOutputMaterial"), None)
        tree.links.new(found.outputs[0], (output or tree.nodes.new("ShaderNodeOutputMaterial")).inputs["Surface"])
    return found
