"""Jobs of earlier versions that ran, waited or had ended are taken over."""

from __future__ import annotations

import shutil
import time

import pytest

pytestmark = pytest.mark.blender


@pytest.fixture
def tasks(scene, files, tmp_path):
    """The tasks that are made of the queue's folder, by method and state."""
    from reify.session import queue

    shutil.copytree(files / "queue", tmp_path / "user" / "jobs")
    queue.open_ledger()
    return {(task.context.method, task.state.value): task for task in queue.tasks()}


def test_every_job_is_taken_over_as_far_as_it_had_come(tasks, wanted) -> None:
    from reify.backend import settings as settings_of

    expected = {("image", "done"), ("image", "failed"), ("photos", "canceled"), ("photos", "interrupted"), ("mesh", "interrupted")}
    assert set(tasks) == expected
    done = tasks["image", "done"]
    assert (done.title, done.outcome.name, done.outcome.metrics["quads"]) == ("From Picture", "mug", 268.0)
    assert tasks["image", "failed"].failure.what == "/captures/gone.png doesn't exist."
    running = tasks["photos", "interrupted"]
    assert running.reached[0] == "Training splats" and 0.3 < running.reached[1] < 0.9
    assert [source.name for source in running.context.sources] == ["fox"]
    assert (running.context.settings["training.steps"], running.context.settings["training.max_splats"], running.context.seed) == (
        7000,
        150,
        3,
    )
    later = {"capture.outside_paths", "capture.weak_photos"}  # settings that versions since have, with their defaults
    assert set(running.context.settings) == set(settings_of.values(wanted["photos"])) - later


def test_what_was_made_of_a_picture_still_has_its_thumbnail_and_can_be_shown(tasks) -> None:
    from reify.session import queue

    assert queue.thumbnail(tasks["image", "done"]).is_file()
    assert tasks["image", "done"].context.possible


def test_a_job_whose_sources_are_gone_says_so(tasks) -> None:
    import bpy

    with pytest.raises(RuntimeError, match="isn't there any more. Choose the sources again"):
        bpy.ops.reify.retry(number=tasks["image", "failed"].number)


def test_a_waiting_conversion_is_made_of_what_the_object_was(tasks) -> None:
    import bpy
    from reify.backend.jobs.runner import State
    from reify.session import pump

    task = tasks["mesh", "interrupted"]
    bpy.ops.reify.retry(number=task.number)
    end = time.monotonic() + 300  # kernels may have to be compiled
    while not task.state.ended:
        assert time.monotonic() < end
        time.sleep(0.01)
    pump.tick()
    assert task.state is State.DONE, task.failure
    (made,) = (made for made in bpy.data.objects if made.name == "Box Mesh")
    assert len(made.data.polygons) == 12
