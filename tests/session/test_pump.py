"""A window's timer doesn't run in the wheel: the tests are the timer."""

from __future__ import annotations

import time

import pytest
from reify.tests.session.conftest import until

pytestmark = pytest.mark.blender


def test_an_import_is_undone_in_one_step_and_comes_back_in_one(scene, quick_method, tmp_path):
    import bpy
    from reify.session import pump, start
    from reify.session.properties import chosen_method

    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window):
        bpy.ops.ed.undo_push(message="before")
    method = chosen_method(scene)
    (task,) = start.start_all(method, (tmp_path,), method.settings(), scene)
    until(lambda: task.state.ended)
    pump.tick()
    made = len(bpy.data.objects)
    assert made
    with bpy.context.temp_override(window=window):
        bpy.ops.ed.undo()
        assert not bpy.data.objects and not bpy.data.node_groups and not bpy.data.materials
        bpy.ops.ed.redo()
        assert len(bpy.data.objects) == made


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
    from reify.session import start
    from reify.session.properties import chosen_method

    method = chosen_method(scene)
    (task,) = start.start_all(method, (tmp_path,), method.settings(), bpy.context.scene)
    until(lambda: task.preview_count)
    return task


def test_a_running_job_is_previewed_and_its_result_comes_into_the_scene_by_itself(scene, slow_method, tmp_path):
    import bpy
    from reify.scene import preview
    from reify.session import pump

    task = _start(scene, tmp_path)
    assert pump.tick() and pump.tick()
    assert bpy.data.objects[preview.NAME].type == "POINTCLOUD"
    bpy.ops.reify.keep()
    until(lambda: task.state.ended)
    assert not pump.tick()
    assert preview.NAME not in bpy.data.objects
    assert "fox Splats" in bpy.data.objects
    count = len(bpy.data.objects)
    pump.tick()
    assert len(bpy.data.objects) == count


def test_a_result_that_cannot_be_put_into_the_scene_is_a_failure_that_the_panel_shows(scene, slow_method, tmp_path, monkeypatch):
    import bpy
    from reify.backend.jobs.runner import State
    from reify.scene import commit
    from reify.session import pump

    task = _start(scene, tmp_path)
    bpy.ops.reify.keep()
    until(lambda: task.state.ended)
    monkeypatch.setattr(commit, "commit", lambda *_, **__: 1 / 0)
    pump.tick()
    assert task.state is State.FAILED and "couldn't be put into the scene" in task.failure.what
    pump.tick()


def test_a_canceled_job_ends_at_once_and_leaves_no_preview(scene, slow_method, tmp_path):
    import bpy
    from reify.backend.jobs.runner import State
    from reify.scene import preview
    from reify.session import pump

    task = _start(scene, tmp_path)
    pump.tick()
    pump.tick()
    assert preview.NAME in scene.objects
    bpy.ops.reify.pause()
    assert task.job.paused
    started = time.monotonic()
    bpy.ops.reify.cancel()
    until(lambda: task.state.ended)
    assert time.monotonic() - started < 0.5
    assert task.state is State.CANCELLED
    assert not pump.tick()
    assert not scene.objects
    bpy.ops.reify.forget(number=task.number)


def test_a_job_survives_a_new_file_and_saving_keeps_no_preview(scene, slow_method, tmp_path):
    import bpy
    from reify.scene import preview
    from reify.session import pump

    task = _start(scene, tmp_path)
    pump.tick()
    pump.tick()
    assert preview.NAME in scene.objects
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert not scene.objects
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.name = "Other"
    bpy.ops.reify.keep()
    until(lambda: task.state.ended)
    pump.tick()
    assert "fox Mesh" in bpy.context.scene.objects


def test_background_mode_never_has_a_timer(scene, slow_method, tmp_path):
    import bpy
    from reify.session import pump

    _start(scene, tmp_path)
    assert not bpy.app.timers.is_registered(pump._tick)
