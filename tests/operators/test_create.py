from __future__ import annotations

import pytest

pytestmark = pytest.mark.blender


def test_a_script_gets_the_result_when_the_operator_returns(scene, quick_method, tmp_path):
    import bpy
    from reify.backend.methods import all_methods

    assert bpy.ops.reify.create(source=str(tmp_path), preset="Preview") == {"FINISHED"}
    assert "fox Mesh" in bpy.data.objects
    inputs, settings, _seed = quick_method[0]
    assert inputs.sources == (tmp_path,)
    assert settings.training.seconds == all_methods()["photos"].preset("Preview").training.seconds < 300


def test_the_panels_settings_and_seed_are_what_it_runs_with(scene, quick_method, tmp_path):
    import bpy

    bpy.ops.reify.add_folder(directory=str(tmp_path))
    scene.reify.photos.mesh__faces = 777
    scene.reify.seed = 5
    bpy.ops.reify.create()
    _inputs, settings, seed = quick_method[0]
    assert (settings.mesh.faces, seed) == (777, 5)


def test_nothing_to_start_from_is_said_with_the_way_out(scene, quick_method, tmp_path):
    import bpy

    with pytest.raises(RuntimeError, match="nothing to start from yet. Choose a folder or files first"):
        bpy.ops.reify.create()
    with pytest.raises(RuntimeError, match="isn't there any more"):
        bpy.ops.reify.create(source=str(tmp_path / "gone"))
    with pytest.raises(RuntimeError, match="no method called 'wish'.*photos"):
        bpy.ops.reify.create(method="wish", source=str(tmp_path))
    assert not quick_method


def test_a_failure_in_the_work_reaches_the_script_with_its_way_out(scene, monkeypatch, tmp_path):
    import dataclasses

    import bpy
    from reify.backend.errors import ReifyError
    from reify.backend.jobs.needs import Needs
    from reify.backend.methods import photos
    from reify.session import queue, texts

    def run(inputs, settings, job):
        raise ReifyError("The wall is white.", "Photograph something else.")

    monkeypatch.setattr(photos, "METHOD", dataclasses.replace(photos.METHOD, run=run, needs=Needs()))
    with pytest.raises(RuntimeError, match="The wall is white. Photograph something else."):
        bpy.ops.reify.create(source=str(tmp_path))
    details = texts.details(queue.tasks()[0])
    assert "Traceback" in details and bpy.app.version_string in details


def test_a_saved_result_is_made_again_in_its_place_with_its_settings_and_seed(scene, quick_method, tmp_path):
    import bpy
    from reify.scene.export import save_blend

    photos = tmp_path / "photos"
    photos.mkdir()
    scene.reify.seed = 9
    scene.reify.photos.texture__size_px = 512
    bpy.ops.reify.create(source=str(photos))
    bpy.data.objects["fox"].location = (1, 2, 3)
    save_blend(tmp_path / "scene.blend")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.context.view_layer.objects.active = bpy.data.objects["fox Splats"]
    bpy.ops.reify.regenerate()
    inputs, settings, seed = quick_method[1]
    assert (inputs.sources, settings.texture.size_px, seed) == ((photos,), 512, 9)
    assert [found.name for found in bpy.data.collections] == ["fox", "fox Cameras"]
    assert tuple(bpy.data.objects["fox"].location) == (1, 2, 3)


def test_an_object_of_somebody_elses_cannot_be_made_again(scene):
    import bpy

    bpy.ops.mesh.primitive_cube_add()
    assert not bpy.ops.reify.regenerate.poll()


def test_what_is_selected_can_be_shown_as_mesh_or_splats(scene, quick_method, tmp_path):
    import bpy

    bpy.ops.reify.create(source=str(tmp_path))
    bpy.context.view_layer.objects.active = bpy.data.objects["fox"]
    bpy.ops.reify.show(role="mesh")
    assert bpy.data.objects["fox Splats"].hide_render and not bpy.data.objects["fox Mesh"].hide_render


def test_a_second_version_stands_beside_the_first_or_takes_its_place_and_is_selected(scene, quick_method, tmp_path):
    import bpy

    bpy.ops.reify.create(source=str(tmp_path))
    first = bpy.data.objects["fox Splats"]
    bpy.ops.reify.create(source=str(tmp_path))
    second = bpy.context.object
    bpy.context.view_layer.update()
    assert second.name == "fox v2 Splats" and second.select_get() and not first.select_get()
    right = max((first.matrix_world @ corner.co).x for corner in first.data.points)
    assert min((second.matrix_world @ corner.co).x for corner in second.data.points) > right
    scene.reify.version = "replace"
    scene.reify.photos.mesh__faces = 777
    bpy.ops.reify.create(source=str(tmp_path))
    assert [found.name for found in scene.collection.children] == ["fox", "fox v2"]
    from reify.scene import provenance

    assert [provenance.read(bpy.data.objects[name])["settings"]["mesh.faces"] == 777 for name in ("fox", "fox v2")] == [False, True]


def test_the_settings_and_sources_of_a_result_come_back_into_the_panel(scene, quick_method, tmp_path):
    import bpy

    scene.reify.seed = 4
    scene.reify.photos.mesh__faces = 777
    bpy.ops.reify.create(source=str(tmp_path))
    scene.reify.photos.preset, scene.reify.seed, scene.reify.method = "High", 0, "image"
    bpy.ops.reify.use_settings()
    assert (scene.reify.method, scene.reify.photos.mesh__faces, scene.reify.seed) == ("photos", 777, 4)
    assert [source.path for source in scene.reify.photos.sources] == [str(tmp_path)]
