"""Every state of the panels, with a job that computes nothing: queue, curve, pause, results, interruption, closing, and off and on."""

from __future__ import annotations

import dataclasses
import threading
import time

import bpy
import numpy as np

SOURCES = "/home/artist/Pictures/figure"
MODULE = "bl_ext.user_default.reify"


def run(window):
    from bl_ext.user_default.reify.backend.jobs.needs import Needs
    from bl_ext.user_default.reify.backend.methods import image, photos
    from bl_ext.user_default.reify.backend.values import Mesh, Result
    from bl_ext.user_default.reify.session import queue

    yield from window.install_engine()
    photos.METHOD = dataclasses.replace(photos.METHOD, run=slow(Mesh, Result), needs=Needs(), stages=("Training splats",))
    image.METHOD = dataclasses.replace(image.METHOD, needs=Needs())
    yield from window.open_sidebar("Reify")
    yield 1.5
    bpy.ops.reify.add_folder("EXEC_DEFAULT", directory=SOURCES)
    first = yield from window.start("bpy.ops.reify.create")
    for _ in range(2):
        with window.in_viewport():
            bpy.ops.reify.create("INVOKE_DEFAULT")
    yield 4.0
    yield from window.shot("running")
    window.note(dirty=bpy.data.is_dirty, remembering=queue.remembering())
    path = str(window.folder / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    yield from window.until(lambda: bpy.data.is_dirty, "the file to count as changed, without which Blender would close without asking")
    with window.in_viewport():
        bpy.ops.wm.quit_blender("INVOKE_DEFAULT")
    yield 1.0
    yield from window.shot("closing-asks")
    yield from window.key("ESC")
    yield 0.5
    bpy.ops.reify.pause(number=first.number)
    yield 1.0
    yield from window.shot("paused")
    bpy.ops.reify.pause(number=first.number)
    bpy.ops.reify.keep(number=first.number)
    yield from window.until(lambda: first.state.ended, "the first job to end")
    yield 1.0
    yield from window.until(lambda: all_kept(queue), "the other jobs to end")
    yield 1.5
    window.note(states=[task.state.value for task in queue.tasks()])
    yield from window.shot("results")
    from bl_ext.user_default.reify.backend.jobs.runner import State

    first.state, first.reached = State.INTERRUPTED, ("Training splats", 0.43)
    window.area.tag_redraw()
    yield from window.shot("interrupted")
    first.state = State.DONE
    view = bpy.context.preferences.view
    if "de_DE" in bpy.app.translations.locales:
        view.language, view.use_translate_interface = "de_DE", True
        yield 1.0
        yield from window.shot("german")
        window.note(german=bpy.app.translations.pgettext_iface("Generate", "Operator"))
        view.language = "en_US"
    with window.in_viewport():
        bpy.ops.preferences.addon_show(module=MODULE)
    yield 1.5
    yield from window.shot("preferences")
    for _ in range(3):
        bpy.ops.preferences.addon_disable(module=MODULE)
        yield 0.3
        left = [name for name in dir(bpy.types) if "reify" in name.lower()]
        assert not left, f"left behind: {left}"
        bpy.ops.preferences.addon_enable(module=MODULE)
        yield 0.3
    window.note(threads=[thread.name for thread in threading.enumerate()])


def all_kept(queue):
    """True once every job has ended, which the running one is asked to do."""
    if (task := queue.current()) is not None and task.job is not None:
        task.job.keep()
    return task is None


def slow(Mesh, Result):
    """A method that trains for as long as nobody asks to keep what it has."""

    def train(*, job):
        step = 0
        while not job.keep_requested:
            step += 1
            job.progress(
                min(0.95, step / 2000), f"step {step}", loss=0.3 / (1 + step / 100), psnr=30 - 15 / (1 + step / 60), splats=1000 + step
            )
            time.sleep(0.02)
        job.metric("psnr", 27.31)
        job.metric("faces", 12)
        return box(Mesh)

    train.__annotations__["return"] = Mesh  # a stage says what it returns

    def run(inputs, settings, job):
        mesh = job.stage("Training splats", train, keepable=True)
        return Result(name="Box", report=job.report, mesh=mesh)

    return run


def box(Mesh):
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32) * 0.6
    quads = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    faces = np.array([face for a, b, c, d in quads for face in ((a, b, c), (a, c, d))], np.int32)
    return Mesh(corners, faces, vertex_srgb=(corners / 1.2 + 0.5).astype(np.float32))
