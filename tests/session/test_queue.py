"""Jobs that outlive Blender: killed, closed, taken up again."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.blender

# A capture whose training takes 300 steps of a hundredth of a second and writes a checkpoint every 10 steps.
BLENDER = """
import dataclasses, sys, time
from pathlib import Path
import bpy
import reify
reify.register()
from reify.backend.jobs import cache
from reify.backend.jobs.needs import Needs
from reify.backend.methods import photos
from reify.backend.values import Splats
from reify.session import queue, start
from reify.tests.scene import samples

folder, photo_folder, steps = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

def train(*, job) -> Splats:
    checkpoint = job.folder / "checkpoint"
    first = int(checkpoint.read_text()) if checkpoint.exists() else 0
    print("from", first, flush=True)
    for step in range(first, steps):
        if step % 10 == 0:
            checkpoint.write_text(str(step))
        job.progress(step / steps, f"step {step}", psnr=20.0)
        time.sleep(0.01)
    return samples.splats(count=10)

def run(inputs, settings, job):
    splats = job.stage("Training splats", train)
    return dataclasses.replace(samples.result(), splats=splats, report=job.report)

cache.identity = lambda function: "the same in both processes"
photos.METHOD = dataclasses.replace(photos.METHOD, run=run, needs=Needs(), stages=("Training splats",))
queue.remember(folder)
"""
START = "bpy.ops.reify.create(method='photos', source=photo_folder)"
RESUME = """
for task in queue.tasks():
    print("found", task.state.value, f"{task.reached[1]:.2f}", task.context.sources[0], flush=True)
    start.retry(task)
    while not task.state.ended:
        time.sleep(0.01)
    print("ended", task.state.value, task.outcome.name, queue.thumbnail(task) is not None, flush=True)
queue.stop()
"""


def blender(folder: Path, photos: Path, what: str, cache: Path) -> subprocess.Popen[str]:
    cache.mkdir(exist_ok=True)
    if not (cache / "kernels").exists():  # which take a minute to compile
        (cache / "kernels").symlink_to(Path(os.environ["REIFY_CACHE"]) / "kernels", target_is_directory=True)
    environment = {**os.environ, "REIFY_CACHE": str(cache)}
    command = [sys.executable, "-c", BLENDER + what, str(folder), str(photos), "300"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_killed_blender_resumes_its_job_where_the_last_checkpoint_was(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    jobs, cache = tmp_path / "jobs", tmp_path / "cache"
    first = blender(jobs, photos, START, cache)
    deadline = time.monotonic() + 240
    while not any(cache.rglob("checkpoint")) or int(next(cache.rglob("checkpoint")).read_text() or 0) < 100:
        assert time.monotonic() < deadline and first.poll() is None, first.communicate()[0]
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    said, _ = blender(jobs, photos, RESUME, cache).communicate(timeout=240)
    lines = [line.split() for line in said.splitlines()]
    assert ["found", "interrupted"] in [line[:2] for line in lines], said
    assert any(line[0] == "from" and int(line[1]) >= 100 for line in lines if line), said
    assert ["ended", "done", "fox", "True"] in lines, said
    again, _ = blender(jobs, photos, "print([task.state.value for task in queue.tasks()])", cache).communicate(timeout=240)
    assert "['done']" in again


def test_what_was_queued_when_blender_was_closed_can_be_resumed_or_discarded(scene, quick_method, tmp_path):
    import bpy
    from reify.backend.jobs.runner import State
    from reify.backend.values import Photos
    from reify.session import queue, start
    from reify.session.properties import chosen_method

    queue.remember(tmp_path / "jobs")
    method = chosen_method(scene)
    (held,) = start.start_all(method, (tmp_path,), method.preset("Preview"), scene, seed=4)
    for _ in range(500):
        if held.state.ended:
            break
        time.sleep(0.01)
    held.state = State.RUNNING  # as if Blender were closed in the midst of it
    queue.note(held)
    queue.stop()
    queue.remember(tmp_path / "jobs")
    (found,) = queue.tasks()
    assert found.state is State.INTERRUPTED and found.context.sources == (tmp_path,)
    quick_method.clear()
    bpy.ops.reify.retry(number=found.number)
    for _ in range(500):
        if found.state.ended:
            break
        time.sleep(0.01)
    ((inputs, settings, seed),) = quick_method
    assert (inputs, settings, seed) == (Photos((tmp_path,)), method.preset("Preview"), 4)
    bpy.ops.reify.forget(number=found.number)
    queue.stop()
    queue.remember(tmp_path / "jobs")
    assert queue.tasks() == ()


def test_a_job_whose_sources_are_gone_says_so_instead_of_starting(scene, quick_method, tmp_path):
    import bpy
    from reify.session import queue

    photos = tmp_path / "photos"
    photos.mkdir()
    bpy.ops.reify.create(source=str(photos))
    photos.rmdir()
    with pytest.raises(RuntimeError, match="photos isn't there any more. Choose the sources again"):
        bpy.ops.reify.retry(number=queue.tasks()[0].number)


def test_a_result_is_found_marked_as_an_asset_and_deleted(scene, quick_method, tmp_path):
    import bpy
    from reify.session import queue

    bpy.ops.reify.create(source=str(tmp_path))
    (task,) = queue.tasks()
    bpy.ops.reify.find_result(number=task.number)
    assert bpy.context.view_layer.objects.active.name == "fox Splats"
    layer = bpy.context.view_layer.layer_collection.children["fox"]
    layer.exclude = True
    with pytest.raises(RuntimeError, match="hidden, or in another scene"):
        bpy.ops.reify.find_result(number=task.number)
    layer.exclude = False
    bpy.ops.reify.find_result(number=task.number)
    assert bpy.ops.reify.mark_asset() == {"FINISHED"}
    asset = bpy.data.collections["fox"].asset_data
    assert {tag.name for tag in asset.tags} == {"Reify", "From Photos"}
    assert tmp_path.name in asset.description and asset.license == "That of its sources"
    bpy.ops.reify.delete_result(number=task.number)
    assert not [made.name for made in bpy.data.objects if made.name.startswith("fox")] and not queue.tasks()
    with pytest.raises(RuntimeError, match="isn't in this file"):
        bpy.ops.reify.find_result(number=task.number)


def test_a_conversion_that_was_interrupted_is_made_of_what_the_object_was_and_takes_its_place(scene, tmp_path, monkeypatch):
    import bpy
    from reify.backend.jobs.runner import State
    from reify.backend.methods import mesh
    from reify.session import conversion, pump, queue, start

    def place(name: str):
        bpy.ops.mesh.primitive_monkey_add()
        bpy.context.object.name = name
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / f"{name}.blend"))

    def ended(task):
        until = time.monotonic() + 60
        while not task.state.ended:
            assert time.monotonic() < until
            time.sleep(0.01)
        pump.tick()

    def kept():
        return [path for path in (tmp_path / "jobs").iterdir() if path.is_dir() and (path / "value.json").exists()]

    place("Head")
    queue.remember(tmp_path / "jobs")
    hold = threading.Event()
    method = mesh.METHOD
    waits = dataclasses.replace(method, run=lambda given, settings, job: hold.wait() and method.run(given, settings, job))
    monkeypatch.setattr(mesh, "METHOD", waits)
    (order,) = conversion.orders(bpy.context, method, method.preset("Repair Only"))
    task = start.start(order)
    until = time.monotonic() + 60
    while not (kept() and any((tmp_path / "jobs").glob("*.json")) and task.state is State.RUNNING):
        assert time.monotonic() < until
        time.sleep(0.01)
    queue._ledger.close()  # as if Blender were killed here
    hold.set()
    ended(task)
    queue.stop()

    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "Head.blend"))
    bpy.context.object.data.vertices[0].co.x += 5.0  # changed after the conversion was asked for
    queue.remember(tmp_path / "jobs")
    (found,) = queue.tasks()
    assert found.state is State.INTERRUPTED
    start.retry(found)
    ended(found)
    assert found.state is State.DONE, found.failure
    assert {made.name for made in bpy.data.objects} == {"Head", "Head Original"}
    assert max(vertex.co.x for vertex in bpy.data.objects["Head"].data.vertices) < 2.0
    bpy.ops.reify.find_result(number=found.number)
    assert bpy.context.view_layer.objects.active.name == "Head"

    queue.stop()
    queue.remember(tmp_path / "jobs")
    assert not kept(), "what it was made of is kept for good"
    (again,) = queue.tasks()
    assert again.state is State.DONE and again.outcome.name == "Head"
    with pytest.raises(RuntimeError, match="no longer known. Select the object, and convert it again"):
        bpy.ops.reify.retry(number=again.number)
