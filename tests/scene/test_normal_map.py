"""A normal map on its way through a GLB file and back into Blender."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reify.backend.values import Array, Mesh
from reify.tests.mesh.solids import sheet

pytestmark = pytest.mark.blender
SLOPES = 0.3, -0.2  # of the relief along x and y


@pytest.fixture
def bumpy(scene) -> Mesh:
    """A flat square whose normal map has it slope; the UVs are turned a quarter, so that u and v aren't x and y."""
    from reify.backend.jobs.job import Job
    from reify.backend.texture.normal_map import with_normal_map

    flat, relief = sheet(2), sheet(60, lambda x, y: SLOPES[0] * (x - 0.5) + SLOPES[1] * (y - 0.5))
    corners = flat.vertices[flat.faces]
    uvs = np.stack([corners[..., 1], 1.0 - corners[..., 0]], axis=-1)
    gray = np.full((32, 32, 3), 128, np.uint8)
    return with_normal_map(replace(flat, uvs=uvs.astype(np.float32), textures={"base_color": gray}), relief, 32, job=Job())


def test_a_glb_holds_the_normal_map_as_gltf_reads_it(bumpy: Mesh, tmp_path: Path) -> None:
    """Without Blender: normals in glTF's axes from its positions, UVs (v down) and picture (green along falling v)."""
    from reify.scene.export import write_mesh

    write_mesh(bumpy, tmp_path / "bumpy.glb")
    described, blob = _opened(tmp_path / "bumpy.glb")
    (material,) = described["materials"]
    assert material["normalTexture"].get("texCoord", 0) == 0 and material["normalTexture"].get("scale", 1.0) == 1.0
    picture = _picture(described, blob, material["normalTexture"]["index"])
    assert (picture == bumpy.textures["normal"]).all()

    (primitive,) = described["meshes"][0]["primitives"]
    positions, uvs = (_values(described, blob, primitive["attributes"][name]) for name in ("POSITION", "TEXCOORD_0"))
    a, b, c = _values(described, blob, primitive["indices"]).reshape(-1, 3)[0].astype(int)
    (du1, dv1), (du2, dv2) = uvs[b] - uvs[a], uvs[c] - uvs[a]
    p, q = positions[b] - positions[a], positions[c] - positions[a]
    turn = du1 * dv2 - du2 * dv1
    tangent, bitangent = (dv2 * p - dv1 * q) / turn, (du2 * p - du1 * q) / turn  # along growing u and falling v
    x, y, z = picture[16, 16] / 127.5 - 1.0
    normal = x * _unit(tangent) + y * _unit(bitangent) + z * _unit(np.cross(p, q))
    np.testing.assert_allclose(_unit(normal), _unit(np.array([-SLOPES[0], 1.0, SLOPES[1]])), atol=0.01)  # Y up: (x, z, -y)


def test_blender_reads_the_normal_map_back_and_shades_by_it(bumpy: Mesh, tmp_path: Path) -> None:
    import bpy
    from reify.scene.export import write_mesh

    write_mesh(bumpy, tmp_path / "bumpy.glb")
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "bumpy.glb"))
    (made,) = bpy.context.selected_objects
    tree = made.data.materials[0].node_tree
    shader = next(node for node in tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
    bend = shader.inputs["Normal"].links[0].from_node
    assert bend.bl_idname == "ShaderNodeNormalMap" and bend.space == "TANGENT"
    assert bend.inputs["Color"].links[0].from_node.image.colorspace_settings.name == "Non-Color"

    target = tree.nodes.new("ShaderNodeTexImage")
    target.image = bpy.data.images.new("Baked", 8, 8, float_buffer=True, is_data=True)
    tree.nodes.active = target
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples, scene.cycles.device = "CYCLES", 1, "CPU"
    bpy.ops.object.bake(type="NORMAL", normal_space="OBJECT", normal_r="POS_X", normal_g="POS_Y", normal_b="POS_Z", margin=0)
    baked = np.array(target.image.pixels).reshape(8, 8, 4)[4, 4, :3] * 2.0 - 1.0
    np.testing.assert_allclose(baked, _unit(np.array([-SLOPES[0], -SLOPES[1], 1.0])), atol=0.01)


def _opened(path: Path) -> tuple[dict, bytes]:
    content = path.read_bytes()
    size = struct.unpack_from("<I", content, 12)[0]
    return json.loads(content[20 : 20 + size]), content[28 + size :]


def _view(described: dict, blob: bytes, index: int) -> bytes:
    view = described["bufferViews"][index]
    assert "byteStride" not in view
    start = view.get("byteOffset", 0)
    return blob[start : start + view["byteLength"]]


def _values(described: dict, blob: bytes, index: int) -> Array:
    accessor = described["accessors"][index]
    kind = {5123: np.uint16, 5125: np.uint32, 5126: np.float32}[accessor["componentType"]]
    width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3}[accessor["type"]]
    values = np.frombuffer(_view(described, blob, accessor["bufferView"]), kind, accessor["count"] * width, accessor.get("byteOffset", 0))
    return values.reshape(-1, width).astype(np.float64)


def _picture(described: dict, blob: bytes, texture: int) -> Array:
    from PIL import Image

    image = described["images"][described["textures"][texture]["source"]]
    return np.asarray(Image.open(io.BytesIO(_view(described, blob, image["bufferView"]))).convert("RGB"))


def _unit(vector: Array) -> Array:
    return vector / np.linalg.norm(vector)
