from __future__ import annotations

import time

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
    from reify.operators import control, session

    def run(inputs, settings, job):
        raise ReifyError("The wall is white.", "Photograph something else.")

    monkeypatch.setattr(photos, "METHOD", dataclasses.replace(photos.METHOD, run=run, needs=Needs()))
    with pytest.raises(RuntimeError, match="The wall is white. Photograph something else."):
        bpy.ops.reify.create(source=str(tmp_path))
    details = control.details(session.tasks()[0])
    assert "Traceback" in details and bpy.app.version_string in details


def test_an_import_is_undone_in_one_step_and_comes_back_in_one(scene, quick_method, tmp_path):
    import bpy
    from reify.operators import pump, session
    from reify.operators.create import jobs_for
    from reify.operators.properties import chosen_method

    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window):
        bpy.ops.ed.undo_push(message="before")
    method = chosen_method(scene)
    task = session.start(method, jobs_for(method, (tmp_path,), method.settings())[0], method.settings(), scene)
    _until(lambda: task.state.ended)
    pump.tick()
    made = len(bpy.data.objects)
    assert made
    with bpy.context.temp_override(window=window):
        bpy.ops.ed.undo()
        assert not bpy.data.objects and not bpy.data.node_groups and not bpy.data.materials
        bpy.ops.ed.redo()
        assert len(bpy.data.objects) == made


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


def _until(condition, timeout_s: float = 10) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def slow_method(monkeypatch):
    """From Photos, which trains until it is told to keep what it has, and shows a preview meanwhile."""
    import dataclasses

    from reify.backend.jobs.needs import Needs
    from reify.backend.methods import photos
    from reify.tests.scene import samples

    def run(inputs, settings, job):
        job.preview(samples.splats(count=300))
        while not job.keep_requested:
            job.progress(0.5, "step 1 of 2", psnr=20.0)
            time.sleep(0.01)
        return dataclasses.replace(samples.result(), report=job.report)

    monkeypatch.setattr(photos, "METHOD", dataclasses.replace(photos.METHOD, run=run, needs=Needs()))


def _start(scene, tmp_path):
    import bpy
    from reify.operators import session
    from reify.operators.create import jobs_for
    from reify.operators.properties import chosen_method

    method = chosen_method(scene)
    task = session.start(method, jobs_for(method, (tmp_path,), method.settings())[0], method.settings(), bpy.context.scene)
    _until(lambda: task.preview_count)
    return task


def test_a_running_job_is_previewed_and_its_result_comes_into_the_scene_by_itself(scene, slow_method, tmp_path):
    import bpy
    from reify.operators import pump
    from reify.scene import preview

    task = _start(scene, tmp_path)
    assert pump.tick() and pump.tick()
    assert bpy.data.objects[preview.NAME].type == "POINTCLOUD"
    bpy.ops.reify.keep()
    _until(lambda: task.state.ended)
    assert not pump.tick()
    assert preview.NAME not in bpy.data.objects
    assert "fox Splats" in bpy.data.objects
    count = len(bpy.data.objects)
    pump.tick()
    assert len(bpy.data.objects) == count


def test_a_result_that_cannot_be_put_into_the_scene_is_a_failure_that_the_panel_shows(scene, slow_method, tmp_path, monkeypatch):
    import bpy
    from reify.backend.jobs.runner import State
    from reify.operators import pump
    from reify.scene import commit

    task = _start(scene, tmp_path)
    bpy.ops.reify.keep()
    _until(lambda: task.state.ended)
    monkeypatch.setattr(commit, "commit", lambda *_, **__: 1 / 0)
    pump.tick()
    assert task.state is State.FAILED and "couldn't be put into the scene" in task.failure.what
    pump.tick()


def test_a_canceled_job_ends_at_once_and_leaves_no_preview(scene, slow_method, tmp_path):
    import bpy
    from reify.backend.jobs.runner import State
    from reify.operators import pump
    from reify.scene import preview

    task = _start(scene, tmp_path)
    pump.tick()
    pump.tick()
    assert preview.NAME in scene.objects
    bpy.ops.reify.pause()
    assert task.job.paused
    started = time.monotonic()
    bpy.ops.reify.cancel()
    _until(lambda: task.state.ended)
    assert time.monotonic() - started < 0.5
    assert task.state is State.CANCELLED
    assert not pump.tick()
    assert not scene.objects
    bpy.ops.reify.forget(number=task.number)


def test_a_job_survives_a_new_file_and_saving_keeps_no_preview(scene, slow_method, tmp_path):
    import bpy
    from reify.operators import pump
    from reify.scene import preview

    task = _start(scene, tmp_path)
    pump.tick()
    pump.tick()
    assert preview.NAME in scene.objects
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert not scene.objects
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.name = "Other"
    bpy.ops.reify.keep()
    _until(lambda: task.state.ended)
    pump.tick()
    assert "fox Mesh" in bpy.context.scene.objects


def test_background_mode_never_has_a_timer(scene, slow_method, tmp_path):
    import bpy
    from reify.operators import pump

    _start(scene, tmp_path)
    assert not bpy.app.timers.is_registered(pump._tick)
