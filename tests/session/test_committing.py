"""Results come into the scene whatever the user does meanwhile, whole or not at all."""

from __future__ import annotations

import dataclasses

import pytest
from reify.tests.scene import samples
from reify.tests.session.conftest import until

pytestmark = pytest.mark.blender

MODES = ("EDIT", "SCULPT", "VERTEX_PAINT", "POSE", "EDIT_CURVE", "OBJECT")


@pytest.fixture
def made_whole(monkeypatch):
    """From Photos gives splats, a mesh, points and cameras at once."""
    from reify.backend.jobs.needs import Needs
    from reify.backend.methods import photos

    def run(inputs, settings, job):
        return dataclasses.replace(samples.result(), report=job.report)

    monkeypatch.setattr(photos, "METHOD", dataclasses.replace(photos.METHOD, run=run, needs=Needs()))


def finished(scene, tmp_path):
    """A task whose result waits for the next tick."""
    from reify.session import start
    from reify.session.properties import chosen_method

    method = chosen_method(scene)
    (task,) = start.start_all(method, (tmp_path,), method.settings(), scene)
    until(lambda: task.state.ended)
    return task


def counts() -> dict[str, int]:
    import bpy

    return {
        kind: len(getattr(bpy.data, kind)) for kind in ("objects", "meshes", "pointclouds", "cameras", "collections", "scenes", "materials")
    }


def enter(mode: str) -> None:
    """Let the user work on an object in a mode."""
    import bpy

    if mode == "POSE":
        bpy.ops.object.armature_add()
    elif mode == "EDIT_CURVE":
        bpy.ops.curve.primitive_bezier_curve_add()
    else:
        bpy.ops.mesh.primitive_monkey_add()
    bpy.ops.object.mode_set(mode="EDIT" if mode == "EDIT_CURVE" else mode)


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_a_result_comes_in_every_mode_and_leaves_the_user_in_it(scene, made_whole, tmp_path, mode, fresh):
    import bpy
    from reify.backend.jobs.runner import State
    from reify.session import pump

    task = finished(scene, tmp_path)
    enter(mode)
    bpy.context.object.name = "Cube" if fresh else "My Work"
    mine, before = bpy.context.object, bpy.context.mode
    pump.tick()
    assert task.state is State.DONE, task.failure
    assert {"fox Splats", "fox Mesh", "fox Points", "a.png"} <= set(bpy.data.objects.keys())
    assert bpy.context.mode == before and len(bpy.data.scenes) == 1
    assert before == "OBJECT" or bpy.context.object == mine


def test_a_result_goes_to_the_scene_that_asked_whatever_it_is_called_now_and_whichever_is_shown(scene, made_whole, tmp_path):
    import bpy
    from reify.backend.jobs.runner import State
    from reify.session import pump

    task = finished(scene, tmp_path)
    other = bpy.data.scenes.new("Other")
    scene.name = "Renamed"
    other.name = "Scene"  # as the other one was called
    bpy.context.window_manager.windows[0].scene = other
    pump.tick()
    assert task.state is State.DONE, task.failure
    assert "fox Mesh" in scene.objects and not other.objects


def test_a_result_is_replaced_whatever_it_is_called_now(scene, made_whole, tmp_path):
    import bpy
    from reify.session import pump, start
    from reify.session.results import TASK

    finished(scene, tmp_path)
    pump.tick()
    old = bpy.data.collections["fox"]
    bpy.context.view_layer.objects.active = bpy.data.objects["fox Mesh"]
    task = start.again(bpy.context)
    until(lambda: task.state.ended)
    old.name = "Renamed"
    mine = bpy.data.collections.new("fox")  # of the user's own
    mine.objects.link(bpy.data.objects.new("Mine", None))
    pump.tick()
    assert "fox Mesh" in old.all_objects and [made.name for made in mine.all_objects] == ["Mine"]
    assert old.get(TASK) == task.id and len([made for made in bpy.data.objects if made.name.startswith("fox Mesh")]) == 1


@pytest.mark.parametrize("part", ["splats_in_slices", "mesh_in_slices", "points_object", "camera_object"])
def test_what_fails_halfway_leaves_nothing_and_the_older_result(scene, made_whole, tmp_path, monkeypatch, part):
    import bpy
    from reify.backend.jobs.runner import State
    from reify.scene import commit
    from reify.session import pump, start

    finished(scene, tmp_path)
    pump.tick()
    bpy.context.view_layer.objects.active = bpy.data.objects["fox Mesh"]
    before, names = counts(), sorted(bpy.data.objects.keys())
    task = start.again(bpy.context)
    until(lambda: task.state.ended)
    monkeypatch.setattr(commit, part, lambda *_, **__: 1 / 0)
    pump.tick()
    assert task.state is State.FAILED and "couldn't be put into the scene" in task.failure.what
    assert counts() == before and sorted(bpy.data.objects.keys()) == names


def test_a_result_comes_in_slices_of_which_nothing_is_seen_before_the_last_in_one_undo_step(scene, made_whole, tmp_path, monkeypatch):
    import bpy
    from reify.session import committing, pump

    monkeypatch.setattr(pump, "SLICE_S", 0.0)  # one slice a tick, however short
    steps = []
    monkeypatch.setattr(committing, "_push_undo", lambda: steps.append(len(scene.objects)))
    finished(scene, tmp_path)
    before, slices = len(scene.objects), 0
    while pump.tick(sliced=True) and pump.is_slicing():
        slices += 1
        assert len(scene.objects) == before and not steps
    assert slices >= 5 and steps == [len(scene.objects)] and "fox Splats" in bpy.data.objects


def test_what_undo_takes_of_a_result_on_its_way_is_made_anew(scene, made_whole, tmp_path, monkeypatch):
    import bpy
    from reify.session import pump

    monkeypatch.setattr(pump, "SLICE_S", 0.0)
    task = finished(scene, tmp_path)
    for _ in range(4):
        pump.tick(sliced=True)
    assert pump.is_slicing()
    pump._before_change()
    bpy.data.batch_remove([made for made in bpy.data.objects if made.name.startswith("fox")])
    assert not pump.is_slicing()
    while pump.tick(sliced=True) or pump.is_slicing():
        pass
    assert task.failure is None and {"fox Splats", "fox Mesh", "fox Points"} <= set(scene.objects.keys())


def test_what_fails_in_a_later_slice_leaves_nothing_but_what_others_made_meanwhile(scene, made_whole, tmp_path, monkeypatch):
    import bpy
    from reify.backend.jobs.runner import State
    from reify.scene import commit
    from reify.session import pump

    monkeypatch.setattr(pump, "SLICE_S", 0.0)
    task = finished(scene, tmp_path)
    before = counts()
    for _ in range(4):
        pump.tick(sliced=True)
    bpy.data.objects.new("Mine", None)
    monkeypatch.setattr(commit, "points_object", lambda *_, **__: 1 / 0)
    while pump.tick(sliced=True) or pump.is_slicing():
        pass
    bpy.data.objects.remove(bpy.data.objects["Mine"])
    assert task.state is State.FAILED and counts() == before
