"""Whatever referred to a result still does after another one took its place, and what was done to it stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reify.tests.scene import samples

pytestmark = pytest.mark.blender


@pytest.fixture
def older(scene):
    from reify.scene.commit import commit

    return commit(samples.result())


def newer(**changes):
    """The same capture's result of other settings: other splats, another texture."""
    mesh = samples.mesh()
    blue = np.full_like(mesh.textures["base_color"], (0, 0, 255))
    return replace(
        samples.result(), **{"splats": samples.splats(count=300), "mesh": replace(mesh, textures={"base_color": blue}), **changes}
    )


def test_the_scenes_camera_selection_and_active_object_stay(scene, older):
    import bpy
    from reify.scene.commit import commit

    chosen = bpy.data.objects["b.png"]
    scene.camera = chosen
    bpy.data.objects["fox Splats"].select_set(True)
    bpy.context.view_layer.objects.active = bpy.data.objects["fox Splats"]
    assert commit(newer(), replaces=older) == older
    assert scene.camera == chosen == bpy.data.objects["b.png"]
    assert bpy.context.view_layer.objects.active.name == "fox Splats"
    assert [made.name for made in bpy.context.selected_objects] == ["fox Splats"]
    assert len(bpy.data.objects["fox Splats"].data.points) == 300


def test_children_constraints_modifiers_instances_and_further_collections_stay(scene, older):
    import bpy
    from reify.scene.commit import commit

    mesh = bpy.data.objects["fox Mesh"]
    hat, cutter, instance = (bpy.data.objects.new(name, None) for name in ("Hat", "Cutter", "Instance"))
    stage = bpy.data.collections.new("Stage")
    scene.collection.children.link(stage)
    for made in (hat, cutter, instance):
        scene.collection.objects.link(made)
    stage.objects.link(mesh)
    hat.parent = mesh
    cutter.constraints.new("COPY_LOCATION").target = mesh
    instance.instance_type, instance.instance_collection = "COLLECTION", older
    mesh.modifiers.new("Thick", "SOLIDIFY").thickness = 0.2
    mesh.constraints.new("COPY_ROTATION").target = hat
    commit(newer(), replaces=older)
    assert hat.parent == mesh == cutter.constraints[0].target == stage.objects[0]
    assert instance.instance_collection == older and mesh.name in older.objects
    assert mesh.modifiers["Thick"].thickness == pytest.approx(0.2) and mesh.constraints[0].target == hat


def test_place_visibility_and_animation_stay(scene, older):
    import bpy
    from reify.scene.commit import commit, show_only

    root, mesh = bpy.data.objects["fox"], bpy.data.objects["fox Mesh"]
    root.location = (1, 2, 3)
    root.keyframe_insert("location", frame=1)
    mesh.rotation_euler.z, mesh.display_type, mesh.hide_select = 0.5, "WIRE", True
    show_only(older, "mesh")
    commit(newer(), replaces=older)
    assert tuple(root.location) == (1, 2, 3) and root.animation_data.action is not None
    assert (mesh.rotation_euler.z, mesh.display_type, mesh.hide_select) == (0.5, "WIRE", True)
    assert mesh.visible_get() and not bpy.data.objects["fox Splats"].visible_get()


def test_a_material_that_was_changed_stays_with_the_new_texture_and_an_unchanged_one_follows_the_new(scene, older):
    import bpy
    from reify.scene import images
    from reify.scene.commit import commit

    material = bpy.data.objects["fox Mesh"].data.materials[0]
    commit(newer(), replaces=older)
    plain = bpy.data.objects["fox Mesh"].data.materials[0]
    assert plain.name == "fox Mesh" and [found.name for found in bpy.data.images if found.packed_file] == ["fox Mesh Base Color"]
    shader = plain.node_tree.nodes["Principled BSDF"]
    shader.inputs["Roughness"].default_value = 0.1
    commit(newer(mesh=samples.mesh()), replaces=older)
    material = bpy.data.objects["fox Mesh"].data.materials[0]
    assert material == plain and shader.inputs["Roughness"].default_value == pytest.approx(0.1)
    picture = next(node.image for node in material.node_tree.nodes if node.bl_idname == "ShaderNodeTexImage")
    assert tuple(images.pixels(picture)[0, 0, :3]) == (255, 0, 0)
    assert (len(bpy.data.materials), picture.name) == (len({m.name for m in bpy.data.materials}), "fox Mesh Base Color")
    assert not [found.name for found in bpy.data.materials if found.name.startswith("fox Mesh.")]


def test_another_material_that_was_chosen_stays(scene, older):
    import bpy
    from reify.scene.commit import commit

    gold = bpy.data.materials.new("Gold")
    bpy.data.objects["fox Mesh"].data.materials[0] = gold
    commit(newer(), replaces=older)
    assert list(bpy.data.objects["fox Mesh"].data.materials) == [gold]


def test_cameras_follow_the_new_search_and_keep_what_an_artist_set(scene, older):
    import bpy
    from reify.scene.commit import commit

    camera = bpy.data.objects["a.png"]
    camera.data.dof.use_dof, camera.data.clip_end = True, 50.0
    capture = samples.result().capture
    moved = capture.cameras.cam_from_world.copy()
    moved[0] = capture.cameras.cam_from_world[1]
    K = capture.cameras.K.copy()
    K[0, :2, :2] *= 2
    commit(newer(capture=replace(capture, cameras=replace(capture.cameras, cam_from_world=moved, K=K))), replaces=older)
    bpy.context.view_layer.update()
    assert (camera.matrix_world.translation - bpy.data.objects["b.png"].matrix_world.translation).length < 1e-5
    assert camera.data.lens == pytest.approx(2 * 500 * 36 / 640)
    assert camera.data.dof.use_dof and camera.data.clip_end == 50.0


def test_what_is_new_comes_in_and_what_is_no_longer_there_goes(scene, older):
    import bpy
    from reify.scene.commit import commit, members

    capture = samples.result().capture
    cameras = capture.cameras
    one = replace(
        capture,
        photos=capture.photos[1:],
        cameras=replace(
            cameras,
            cam_from_world=cameras.cam_from_world[1:],
            K=cameras.K[1:],
            size_px=cameras.size_px[1:],
            distortion=cameras.distortion[1:],
        ),
    )
    commit(newer(capture=one, mesh=None), replaces=older)
    assert {made.name for made in older.all_objects} == {"fox", "fox Splats", "fox Points", "b.png"}
    commit(newer(), replaces=older)
    assert {made.name for made in older.all_objects if made.type != "MESH"} == {"fox", "fox Splats", "fox Points", "a.png", "b.png"}
    assert len(members(older, "mesh")) == 1 and members(older, "mesh")[0].parent == bpy.data.objects["fox"]
    assert [found.name for found in bpy.data.collections] == ["fox", "fox Cameras"]
    assert {made.name for made in bpy.data.collections["fox Cameras"].objects} == {"a.png", "b.png"}


def test_a_mesh_that_is_being_edited_gets_the_new_one_too(scene, older):
    import bpy
    from reify.scene.commit import commit, show_only

    show_only(older, "mesh")
    mesh = bpy.data.objects["fox Mesh"]
    bpy.context.view_layer.objects.active = mesh
    bpy.ops.object.mode_set(mode="EDIT")
    before = mesh.data
    commit(newer(), replaces=older)
    assert mesh.mode == "OBJECT" and mesh.data != before
