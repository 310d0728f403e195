from __future__ import annotations

import numpy as np
import pytest
from reify.tests.scene import samples

pytestmark = pytest.mark.blender


@pytest.fixture
def photos(scene, tmp_path):
    """Two pictures on disk."""
    from reify.scene.images import packed_image

    for name, (width, height) in {"a.png": (640, 480), "b.png": (480, 640)}.items():
        image = packed_image(name, np.zeros((height, width, 3), dtype=np.uint8))
        image.save(filepath=str(tmp_path / name))
    return tmp_path


def test_a_result_becomes_a_collection_of_everything_under_one_empty(scene):
    from reify.scene.commit import commit, members

    collection = commit(samples.result())
    assert collection.name == "fox"
    assert {made.name for made in collection.all_objects} == {"fox", "fox Splats", "fox Mesh", "fox Points", "a.png", "b.png"}
    root = members(collection, "root")[0]
    assert root.type == "EMPTY"
    assert {made.parent for made in collection.all_objects if made is not root} == {root}


def test_each_camera_shows_its_photo_as_background(scene, photos):
    from reify.scene.commit import commit, members

    collection = commit(samples.result(photos=photos))
    for camera in members(collection, "camera"):
        assert camera.data.show_background_images
        assert camera.data.background_images[0].image.filepath == str(photos / camera.name)


def test_the_empty_scales_and_turns_all_of_it(scene):
    import bpy
    from mathutils import Vector
    from reify.scene.commit import commit, members

    collection = commit(samples.result())
    root, camera = members(collection, "root")[0], members(collection, "camera")[0]
    before = camera.matrix_world.translation.copy()
    root.scale = (2, 2, 2)
    root.location = (0, 0, 1)
    bpy.context.view_layer.update()
    assert (camera.matrix_world.translation - (before * 2 + Vector((0, 0, 1)))).length < 1e-5


def test_every_object_says_how_it_was_made(scene):
    from reify.scene import provenance
    from reify.scene.commit import commit

    for made in commit(samples.result()).all_objects:
        stored = provenance.read(made)
        assert (stored["method"], stored["seed"], stored["settings"]) == ("photos", 3, {"training.seconds": 7.0})
        assert stored["inputs"] == {"/captures/fox": "ab12"}


def test_one_of_splats_mesh_and_points_is_shown_at_a_time(scene):
    from reify.scene.commit import commit, members, show_only

    collection = commit(samples.result())
    assert not members(collection, "splats")[0].hide_render
    assert members(collection, "mesh")[0].hide_render
    show_only(collection, "mesh")
    assert members(collection, "splats")[0].hide_render
    assert not members(collection, "mesh")[0].hide_get()


def test_a_scene_of_nobodys_takes_resolution_and_colors_from_the_capture(scene):
    from reify.scene.commit import commit

    commit(samples.result())
    assert (scene.camera.name, scene.render.resolution_x, scene.render.resolution_y) == ("a.png", 640, 480)
    assert scene.view_settings.view_transform == "Standard"


def test_a_scene_with_work_in_it_keeps_its_camera_and_resolution(scene):
    import bpy
    from reify.scene.commit import commit

    scene.collection.objects.link(bpy.data.objects.new("My Work", None))
    before = scene.render.resolution_x, scene.view_settings.view_transform
    commit(samples.result())
    assert (scene.render.resolution_x, scene.view_settings.view_transform) == before
    assert scene.camera is None


def test_a_result_that_replaces_an_older_one_stands_in_its_place_and_leaves_nothing_of_it(scene):
    import bpy
    from reify.scene.commit import commit, members

    old = commit(samples.result())
    members(old, "root")[0].location = (1, 2, 3)
    bpy.context.view_layer.update()
    kinds = ("objects", "meshes", "pointclouds", "cameras", "collections")
    counts = [len(getattr(bpy.data, kind)) for kind in kinds]
    new = commit(samples.result(), replaces=old)
    assert tuple(members(new, "root")[0].matrix_world.translation) == (1, 2, 3)
    assert [len(getattr(bpy.data, kind)) for kind in kinds] == counts


def test_splats_alone_are_a_result(scene):
    from reify.backend.values import Result
    from reify.scene.commit import commit

    collection = commit(Result("only", samples.REPORT, splats=samples.splats()))
    assert {made.name for made in collection.all_objects} == {"only", "only Splats"}


def test_what_is_hidden_is_hidden_by_the_eye_that_alt_h_opens(scene):
    import bpy
    from reify.scene.commit import commit, show_only

    bpy.ops.mesh.primitive_cube_add()
    collection = commit(samples.result())
    assert sorted(made.name for made in collection.all_objects if made.hide_get()) == ["fox Mesh", "fox Points"]
    assert bpy.data.objects["Cube"].hide_get()
    assert not [made.name for made in bpy.data.objects if made.hide_viewport]
    for made in tuple(collection.all_objects):
        made.hide_viewport = True  # as in a file of an older version
    show_only(collection, "mesh")
    assert bpy.data.objects["fox Mesh"].visible_get()


def test_a_saved_scene_opens_whole(scene, tmp_path):
    import bpy
    from reify.scene import provenance
    from reify.scene.export import write_blend
    from reify.scene.splats import read_splats

    path = tmp_path / "größer 📷.blend"
    write_blend((samples.result(),), path)
    bpy.ops.wm.open_mainfile(filepath=str(path))
    assert len(read_splats(bpy.data.objects["fox Splats"])) == 200
    assert provenance.read(bpy.data.objects["fox Mesh"])["method"] == "photos"
    assert bpy.data.images["fox Mesh Base Color"].packed_file is not None
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_a_preview_refreshes_in_place_and_goes(scene):
    import bpy
    from reify.scene import preview

    preview.show(samples.splats(count=200), scene)
    made = bpy.data.objects[preview.NAME]
    preview.show(samples.splats(count=300, seed=1), scene)
    assert bpy.data.objects[preview.NAME] == made
    assert made.data.attributes["position"].data[299].vector[0] == pytest.approx(float(samples.splats(count=300, seed=1).means[299, 0]))
    preview.show(samples.splats(count=5000), scene)
    assert len([found for found in bpy.data.objects if found.name.startswith(preview.NAME)]) == 1
    mine = bpy.data.objects.new(f"{preview.NAME} of Mine", None)
    preview.clear()
    assert not scene.objects and not bpy.data.pointclouds
    assert mine.name in bpy.data.objects, "only ours goes"


def copied(made, linked: bool = False):
    """What Shift+D makes of an object, or Alt+D."""
    copy = made.copy()
    if not linked and made.data is not None:
        copy.data = made.data.copy()
    for collection in made.users_collection:
        collection.objects.link(copy)
    return copy


def test_a_copy_of_a_result_in_its_collection_stays_where_it_is_when_the_result_is_replaced(scene):
    import bpy
    from reify.scene.commit import commit, members

    old = commit(samples.result())
    members(old, "root")[0].location = (1, 2, 3)
    mesh = members(old, "mesh")[0]
    copies = [copied(mesh), copied(mesh, linked=True)]
    bpy.context.view_layer.update()
    before = [(copy.name, copy.matrix_world.copy(), len(copy.data.vertices)) for copy in copies]
    commit(samples.result(), replaces=old)
    bpy.context.view_layer.update()
    assert [(copy.name, copy.matrix_world, len(copy.data.vertices)) for copy in copies] == before
    assert len(members(old, "mesh")) == 3 and mesh.data not in [copy.data for copy in copies], "the original alone holds the new mesh"


def test_a_renamed_object_of_a_result_is_replaced_and_a_copy_that_took_its_place_is_not(scene):
    import bpy
    from reify.scene.commit import commit, members

    old = commit(samples.result())
    mesh, splats = members(old, "mesh")[0], members(old, "splats")[0]
    splats.name, before = "My Splats", splats.data
    kept = copied(mesh)
    bpy.data.objects.remove(mesh)
    mine = kept.data
    commit(samples.result(), replaces=old)
    assert splats.name == "My Splats" and splats.data != before
    assert kept.data == mine and len(members(old, "mesh")) == 2
