"""Models by real clicks: the license card, a download that is canceled and goes on, an import from a folder; then four variants.

A server of the test's own has the weights. Variants come from a function in the networks' place: there is no torch here.
"""

from __future__ import annotations

import dataclasses
import json

import bpy
import numpy as np

CHECKBOX_PX = 62  # from the card's lower edge up to its checkbox
PICTURE = "/home/artist/Pictures/figure.png"


def run(window):
    from bl_ext.user_default.reify.backend.networks.library import catalog
    from bl_ext.user_default.reify.panels.models import VIEW3D_PT_reify_models
    from bl_ext.user_default.reify.session import models

    given = json.loads((window.folder / "entry.json").read_text())
    catalog.ENTRIES = (entry_of(given),)
    opened(VIEW3D_PT_reify_models)
    yield from window.open_sidebar("Reify")
    yield from scrolled(window, "WHEELDOWNMOUSE")
    yield from window.shot("offline")
    bpy.context.preferences.system.use_online_access = True
    yield from downloaded(window, models, given)
    bpy.ops.reify.remove_model("EXEC_DEFAULT", model="tiny")
    window.note(removed=models.found("tiny") is None)
    yield from imported(window, models, given)
    yield from variants(window)


def entry_of(given):
    """What the test's server has."""
    from bl_ext.user_default.reify.backend.networks.library.catalog import TRIPOSR
    from bl_ext.user_default.reify.backend.networks.library.entry import File, Web

    file = File(given["name"], given["bytes"], given["sha256"], (Web((given["address"],)),))
    return dataclasses.replace(TRIPOSR, id="tiny", title="Tiny", files=(file,), converts="", packages=(), stages=())


def opened(panel):
    """The panel, which is closed at first, open."""
    bpy.utils.unregister_class(panel)
    panel.bl_options = set()
    bpy.utils.register_class(panel)


def scrolled(window, wheel):
    """Turn the mouse wheel over the sidebar, as far as it goes."""
    sidebar, first = window.sidebar, bpy.context.window_manager.windows[0]
    x, y = sidebar.x + sidebar.width // 2, sidebar.y + sidebar.height // 2
    yield from window.move(x, y)
    for _ in range(20):
        first.event_simulate(wheel, "PRESS", x=x, y=y)
        yield 0.05
    yield 0.5


def downloaded(window, models, given):
    """Refused without the tick, then begun, canceled halfway, and gone on with."""
    from bl_ext.user_default.reify.backend.networks.library import keeping
    from bl_ext.user_default.reify.scene import preferences
    from bl_ext.user_default.reify.session.side_jobs import MODELS

    yield from accepted(window, "card", tick=False)
    yield from window.until(lambda: MODELS.task is not None and MODELS.task.state.ended, "the refusal")
    window.note(refused=MODELS.task.failure.what)
    yield from accepted(window, "accepted", tick=True)
    yield from window.until(lambda: MODELS.busy and fraction(MODELS) > 0.2, "half of it")
    yield from window.shot("downloading", busy=True)
    yield from window.press("bpy.ops.reify.cancel_model")
    yield from window.until(lambda: not MODELS.busy, "the end of the download")
    window.note(loaded_bytes=keeping.loaded_bytes(models.entry("tiny"), preferences.environment()), canceled=MODELS.task.state.value)
    yield from window.shot("canceled")
    yield from accepted(window, "resumed", tick=True)
    yield from window.until(lambda: MODELS.busy, "the download to go on")
    yield from window.until(lambda: not MODELS.busy, "the rest of it")
    assert MODELS.task.failure is None, MODELS.task.failure
    window.note(here=models.found("tiny") is not None)
    yield from window.shot("here")


def fraction(side) -> float:
    """Of what runs."""
    return 0.0 if side.task.progress is None else side.task.progress.overall


def accepted(window, name, tick):
    """Press Get, look at the card, accept the license where that is said, and confirm."""
    before = yield from window._settled()
    yield from window.press("bpy.ops.reify.get_model")
    box = yield from window._popup_since(before)
    if tick:
        left, _top, _right, bottom = box
        height = bpy.context.window_manager.windows[0].height
        yield from window.click(left + 40, height - bottom + CHECKBOX_PX)
    yield from window.shot(name)
    yield from window.press_default(box, "Download")


def imported(window, models, given):
    """From a folder, by the file browser."""
    from bl_ext.user_default.reify.session.side_jobs import MODELS

    yield from window.press("bpy.ops.reify.import_model")
    yield 1.0
    area = next(area for each in bpy.context.window_manager.windows for area in each.screen.areas if area.type == "FILE_BROWSER")
    area.spaces.active.params.directory = given["folder"].encode()
    area.spaces.active.params.filename = ""
    yield from window.shot("browser")
    before = MODELS.task
    own = next(each for each in bpy.context.window_manager.windows if area in each.screen.areas[:])
    with bpy.context.temp_override(window=own, area=area):
        bpy.ops.file.execute()
    yield from window.until(lambda: MODELS.task is not before and MODELS.task.state.ended, "the import")
    assert MODELS.task.failure is None, MODELS.task.failure
    window.note(imported=models.found("tiny") is not None)
    yield from window.shot("imported")


def variants(window):
    """Four of one picture, side by side."""
    from bl_ext.user_default.reify.backend.jobs.needs import Needs
    from bl_ext.user_default.reify.backend.methods import image
    from bl_ext.user_default.reify.session import queue

    yield from window.install_engine()
    image.METHOD = dataclasses.replace(image.METHOD, run=made_of_seed, needs=Needs())
    reify = bpy.context.scene.reify
    reify.method, reify.image.method, reify.variants, reify.seed = "image", "trellis", 4, 3
    bpy.ops.reify.add_files("EXEC_DEFAULT", directory=PICTURE.rpartition("/")[0], files=[{"name": PICTURE.rpartition("/")[2]}])
    yield from scrolled(window, "WHEELUPMOUSE")
    yield from window.press("bpy.ops.reify.create")
    yield from window.until(lambda: len(queue.tasks()) == 4 and all(task.state.ended for task in queue.tasks()), "four variants")
    yield 2.0
    with window.in_viewport():
        bpy.ops.view3d.view_all()
    failures = [task.failure for task in queue.tasks() if task.failure]
    assert not failures, failures
    meshes = [made for made in bpy.context.scene.objects if made.name.endswith(" Mesh") and made.type == "MESH"]
    spans = sorted((min((made.matrix_world @ vertex.co).x for vertex in made.data.vertices), made.name) for made in meshes)
    window.note(meshes=[name for _, name in spans], seeds=sorted(task.context.seed for task in queue.tasks()))
    window.note(places=[place for place, _ in spans], widths=[made.dimensions.x for made in meshes])
    yield from window.shot("variants", moving=True)


def made_of_seed(pictures, settings, job):
    """A cone with as many sides as the seed says."""
    from bl_ext.user_default.reify.backend.values import Mesh, Result

    count = job.seed
    turns = 2 * np.pi * np.arange(count) / count
    rim = np.stack([0.5 * np.cos(turns), 0.5 * np.sin(turns), 0 * turns], axis=1)
    vertices = np.concatenate([rim, [[0, 0, 0], [0, 0, 1]]]).astype(np.float32)
    here, there = np.arange(count), (np.arange(count) + 1) % count
    faces = np.concatenate([np.stack([here, there, 0 * here + count + 1], 1), np.stack([there, here, 0 * here + count], 1)])
    return Result(name=pictures.sources[0].stem, report=job.report, mesh=Mesh(vertices, faces.astype(np.int32)))
