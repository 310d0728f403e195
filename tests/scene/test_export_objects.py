"""What is exported for other programs is opened again, with the texture where the file says it is."""

from __future__ import annotations

import numpy as np
import pytest
from reify.tests.scene import samples

pytestmark = pytest.mark.blender

IMPORTERS = {
    ".glb": ("import_scene", "gltf"),
    ".fbx": ("import_scene", "fbx"),
    ".obj": ("wm", "obj_import"),
    ".usdz": ("wm", "usd_import"),
    ".stl": ("wm", "stl_import"),
    ".ply": ("wm", "ply_import"),
}
WITH_TEXTURES = (".glb", ".fbx", ".obj", ".usdz")


@pytest.fixture
def statue(scene):
    import bpy
    from reify.scene.commit import commit

    collection = commit(samples.result("statue"))
    bpy.data.objects["statue"].scale = (2, 2, 2)
    bpy.context.view_layer.update()
    return collection


def opened(path):
    """The corners [V,3] of what an importer makes of a file, in Blender's world, and the pixels of its texture."""
    import bpy
    from reify.scene import images

    bpy.ops.wm.read_factory_settings(use_empty=True)
    room, verb = IMPORTERS[path.suffix]
    getattr(getattr(bpy.ops, room), verb)(filepath=str(path))
    bpy.context.view_layer.update()
    made = [found for found in bpy.context.scene.objects if found.type == "MESH"]
    corners = np.concatenate([[found.matrix_world @ vertex.co for vertex in found.data.vertices] for found in made])
    shown = [node.image for found in made for slot in found.material_slots if slot.material for node in slot.material.node_tree.nodes
             if getattr(node, "image", None)]  # fmt: skip
    return corners, [images.pixels(image) for image in shown if image.size[0]]


@pytest.mark.parametrize("ending", IMPORTERS)
def test_a_mesh_comes_back_as_it_stood_with_its_texture(statue, tmp_path, ending):
    import bpy
    from reify.scene.export_objects import write_objects

    path = tmp_path / f"statue{ending}"
    names = [[found.name for found in kind] for kind in (bpy.data.objects, bpy.data.materials, bpy.data.images, bpy.data.scenes)]
    files = [image.filepath for image in bpy.data.images]
    write_objects([bpy.data.objects["statue Mesh"]], path)
    assert names == [[found.name for found in kind] for kind in (bpy.data.objects, bpy.data.materials, bpy.data.images, bpy.data.scenes)]
    assert files == [image.filepath for image in bpy.data.images]
    corners, pictures = opened(path)
    if ending in (".stl", ".ply"):  # written with Y up, which these importers aren't told by the file
        corners = np.column_stack((corners[:, 0], -corners[:, 2], corners[:, 1]))
    assert corners.min(axis=0) == pytest.approx([0, 0, 0], abs=1e-4) and corners.max(axis=0) == pytest.approx([2, 2, 2], abs=1e-4)
    if ending in WITH_TEXTURES:
        assert any(tuple(picture[0, 0, :3]) == (255, 0, 0) and picture.shape[:2] == (64, 48) for picture in pictures)


def test_unreal_gets_centimeters_and_z_up_and_names_without_numbers(statue, tmp_path):
    import bpy
    from reify.scene.export_objects import write_objects

    write_objects([bpy.data.objects["statue Mesh"]], tmp_path / "statue.obj", "unreal")
    lines = (tmp_path / "statue.obj").read_text().splitlines()
    corners = np.array([line.split()[1:4] for line in lines if line.startswith("v ")], dtype=float)
    assert corners[:, 2].max() == pytest.approx(200, abs=1e-3) and np.ptp(corners, axis=0) == pytest.approx([200, 200, 200], abs=1e-3)
    assert "usemtl statue_Mesh" in lines
    assert sorted(found.name for found in tmp_path.iterdir()) == ["statue.mtl", "statue.obj", "statue_mesh_base_color.png"]


def test_the_button_writes_the_mesh_of_whatever_is_selected_of_a_result(scene, tmp_path):
    import bpy
    import reify
    from reify.scene.commit import commit

    reify.register()
    try:
        assert not bpy.ops.reify.export_result.poll()
        commit(samples.result("statue"))
        bpy.context.view_layer.objects.active = bpy.data.objects["statue Splats"]
        bpy.ops.reify.export_result(filepath=str(tmp_path / "statue"), file_format=".fbx")
        assert (tmp_path / "statue.fbx").stat().st_size > 1000
        with pytest.raises(RuntimeError, match="statue.glb"):
            bpy.ops.reify.export_result(filepath=str(tmp_path / "statue.fbx" / "statue.glb"))
    finally:
        reify.unregister()
