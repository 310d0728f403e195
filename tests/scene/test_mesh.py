from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reify.tests.scene import samples

pytestmark = pytest.mark.blender


@pytest.fixture
def placed(scene):
    from reify.scene.mesh import mesh_object

    made = mesh_object("Statue", samples.mesh())
    scene.collection.objects.link(made)
    return made


def test_quads_stay_quads_and_every_corner_keeps_its_uv(placed):
    mesh, data = samples.mesh(), placed.data
    assert [len(polygon.vertices) for polygon in data.polygons] == [4, 3, 3]
    uv_of_vertex = {0: (0.1, 0.1), 1: (0.9, 0.1), 2: (0.9, 0.9), 3: (0.1, 0.9), 4: (0.4, 0.6)}
    for loop, corner in zip(data.loops, data.uv_layers[0].uv, strict=True):
        assert tuple(corner.vector) == pytest.approx(uv_of_vertex[loop.vertex_index])
    assert len(data.vertices) == len(mesh.vertices)


def test_the_texture_is_packed_the_right_way_up_and_is_the_base_color(placed):
    from reify.scene import images

    material = placed.active_material
    shader = next(node for node in material.node_tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
    image = shader.inputs["Base Color"].links[0].from_node.image
    assert image.packed_file is not None
    assert image.colorspace_settings.name == "sRGB"
    np.testing.assert_array_equal(images.pixels(image)[..., :3], samples.mesh().textures["base_color"])


def test_what_photos_saw_lies_in_the_material_as_a_packed_mask(scene):
    from reify.scene import images
    from reify.scene.mesh import mesh_object

    mesh = samples.mesh()
    mask = np.zeros_like(mesh.textures["base_color"])
    mask[: len(mask) // 2] = 255
    made = mesh_object("Statue", replace(mesh, textures={**mesh.textures, "coverage": mask}))
    nodes = made.active_material.node_tree.nodes
    aside = next(node for node in nodes if node.label == "Seen by photos")
    assert not aside.outputs["Color"].is_linked
    assert aside.image.packed_file is not None and aside.image.colorspace_settings.name == "Non-Color"
    np.testing.assert_array_equal(images.pixels(aside.image)[..., :3], mask)
    assert nodes.active.image.name.endswith("Base Color")


def test_solid_mode_gets_vertex_colors_from_the_texture(placed):
    colors = placed.data.color_attributes["Color"]
    # Vertex 3 lies at UV (0.1, 0.9): the red corner of the picture.
    assert tuple(colors.data[3].color)[:3] == pytest.approx((1, 0, 0))
    assert colors.data[0].color_srgb[0] == pytest.approx(128 / 255, abs=1e-4)


def test_a_mesh_comes_back_from_blender_as_it_was(placed):
    from reify.scene.mesh import read_mesh

    mesh, back = samples.mesh(), read_mesh(placed)
    np.testing.assert_allclose(back.vertices, mesh.vertices)

    def triangles(which):
        corners = np.concatenate((which.vertices[which.faces], which.uvs), axis=2).round(4)
        # The same triangles, whatever corner they start with and whatever their order.
        return sorted(min(tuple(map(tuple, np.roll(t, k, axis=0).tolist())) for k in range(3)) for t in corners)

    assert triangles(back) == triangles(mesh)
    np.testing.assert_array_equal(back.textures["base_color"][..., :3], mesh.textures["base_color"])


def test_an_empty_has_no_surface_and_is_refused(scene):
    import bpy
    from reify.backend.errors import ReifyError
    from reify.scene.mesh import read_mesh

    with pytest.raises(ReifyError, match="Nothing has no surface"):
        read_mesh(bpy.data.objects.new("Nothing", None))


def test_ambient_occlusion_is_at_hand_in_the_material_and_stands_in_the_glb(registered, tmp_path):
    import json
    import struct

    import numpy as np
    from reify.scene.export import write_mesh

    given = replace(samples.mesh(), textures={kind: np.full((8, 8, 3), 128, np.uint8) for kind in ("base_color", "occlusion")})
    assert given.uvs is not None
    write_mesh(given, tmp_path / "statue.glb")
    stored = (tmp_path / "statue.glb").read_bytes()
    header = json.loads(stored[20 : 20 + struct.unpack("<I", stored[12:16])[0]])
    (material,) = header["materials"]
    assert {"occlusionTexture"} <= set(material) and len(header["images"]) == 2
