"""Every state of the panels, with a job that computes nothing: queue, curve, pause, notes, results, interruption, closing."""

from __future__ import annotations

import dataclasses
import sys
import time

import bpy
import numpy as np

SOURCES = "/tmp/reify-gui-photos"


def run(window):
    from bl_ext.user_default.reify.backend.methods import image, photos
    from bl_ext.user_default.reify.backend.values import Mesh, Result
    from bl_ext.user_default.reify.operators import engine, session

    bpy.ops.reify.install_engine("INVOKE_DEFAULT", wheels="/wheels")
    while not engine.task().state.ended:
        yield 0.2
    photos.METHOD = dataclasses.replace(photos.METHOD, run=slow(Mesh, Result), packages=(), stages={"Training splats": 1.0})
    image.METHOD = dataclasses.replace(image.METHOD, packages=())
    yield from window.open_sidebar("Reify")
    yield 1.5
    bpy.ops.reify.add_folder("EXEC_DEFAULT", directory=SOURCES)
    yield from window.press("bpy.ops.reify.create")
    yield 0.5
    first = session.current()
    for _ in range(2):
        with window.in_viewport():
            bpy.ops.reify.create("INVOKE_DEFAULT")
    yield 4.0
    yield from window.shot("running")
    window.note(dirty=bpy.data.is_dirty, remembering=session.remembering())
    path = str(window.folder / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    deadline = time.monotonic() + 20
    while not bpy.data.is_dirty and time.monotonic() < deadline:  # until the next poll, which a slow redraw can hold up
        yield 0.2
    window.note(dirty_after_saving=bpy.data.is_dirty)
    assert bpy.data.is_dirty, "Blender would close without asking"
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
    deadline = time.monotonic() + 30
    while not first.state.ended:
        assert time.monotonic() < deadline
        yield 0.2
    yield 1.0
    yield from window.shot("first-ready")
    for task in session.tasks():
        if task.job is not None:
            task.job.keep()
    while session.current() is not None:
        assert time.monotonic() < deadline + 60
        for task in session.tasks():
            if task.job is not None:
                task.job.keep()
        yield 0.2
    yield 1.5
    window.note(states=[task.state.value for task in session.tasks()])
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
    bpy.ops.preferences.addon_show(module="bl_ext.user_default.reify")
    yield 1.5
    yield from window.shot("preferences")
    window.note(threads=[thread.name for thread in sys.modules["threading"].enumerate()])


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

    def run(inputs, settings, job):
        mesh = job.stage("Training splats", train)
        return Result(name="Box", report=job.report, mesh=mesh)

    return run


def box(Mesh):
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32) * 0.6
    quads = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    faces = np.array([face for a, b, c, d in quads for face in ((a, b, c), (a, c, d))], np.int32)
    return Mesh(corners, faces, vertex_srgb=(corners / 1.2 + 0.5).astype(np.float32))
