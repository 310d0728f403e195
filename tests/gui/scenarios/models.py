"""Models by real clicks: the license card, a download that is canceled and goes on, an import from a folder.

A server of the test's own has the weights.
"""

from __future__ import annotations

import dataclasses
import json

import bpy
import numpy as np

CHECKBOX_PX, LEFT_PX = 31, 200  # up and left from the middle of the card's Download, to its checkbox
LOWEST_PX = 150  # of the sidebar, in which Cancel stands
DOWNLOAD_RGB = (71, 114, 179)


def run(window):
    from bl_ext.user_default.reify.backend.networks.library import catalog
    from bl_ext.user_default.reify.panels.models import VIEW3D_PT_reify_models
    from bl_ext.user_default.reify.session import models

    given = json.loads((window.folder / "entry.json").read_text())
    catalog.ENTRIES = (entry_of(given),)
    opened(VIEW3D_PT_reify_models)
    yield from window.open_sidebar("Reify")
    yield from window.scroll(window.sidebar, "WHEELDOWNMOUSE")
    yield from window.shot("offline")
    bpy.context.preferences.system.use_online_access = True
    yield from downloaded(window, models, given)
    bpy.ops.reify.remove_model("EXEC_DEFAULT", model="tiny")
    window.note(removed=models.found("tiny") is None)
    yield from imported(window, models, given)


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
    yield from canceled(window)
    yield from window.until(lambda: not MODELS.busy, "the end of the download")
    window.note(loaded_bytes=keeping.loaded_bytes(models.entry("tiny"), preferences.environment()), canceled=MODELS.task.state.value)
    yield from window.scroll(window.sidebar, "WHEELDOWNMOUSE")
    yield from window.shot("canceled")
    before = MODELS.task
    yield from accepted(window, "resumed", tick=True)
    yield from window.until(lambda: MODELS.task is not before and MODELS.task.state.ended, "the rest of it")  # it may have come already
    assert MODELS.task.failure is None, MODELS.task.failure
    yield from window.until(lambda: models.found("tiny") is not None, "the panel to know of it")
    window.note(here=True)
    yield from window.shot("here")


def canceled(window):
    """Press Cancel, looked for where it stands: a connection without a byte is given up after 20 s."""
    sidebar = window.sidebar
    x = sidebar.x + sidebar.width // 3
    for y in range(sidebar.y + LOWEST_PX, sidebar.y, -9):
        yield from window.move(x, y)
        if window._hovered(window.area, sidebar).startswith("bpy.ops.reify.cancel_model"):
            yield from window.click(x, y - 3)
            return
    raise AssertionError("there is no Cancel")


def fraction(side) -> float:
    """Of what runs."""
    return 0.0 if side.task.progress is None else side.task.progress.overall


def accepted(window, name, tick):
    """Press Get, look at the card, accept the license where that is said, and confirm."""
    yield from window.scroll(window.sidebar, "WHEELDOWNMOUSE")
    before = yield from window._settled()
    yield from window.press("bpy.ops.reify.get_model")
    box = yield from window._popup_since(before)
    if tick:
        left, top, right, bottom = box
        download = (np.abs(window._screen()[top:bottom, left:right].astype(int) - DOWNLOAD_RGB) < 12).all(2)
        y, x = (int(np.median(place)) for place in np.nonzero(download))
        height = bpy.context.window_manager.windows[0].height
        yield from window.click(left + x - LEFT_PX, height - (top + y) + CHECKBOX_PX)
    yield from window.shot(name)
    yield from window.press_default(box, "Download")


def imported(window, models, given):
    """From a folder, by the file browser."""
    from bl_ext.user_default.reify.session.side_jobs import MODELS

    yield from window.scroll(window.sidebar, "WHEELDOWNMOUSE")
    sidebar = window.sidebar
    place = yield from window.find("bpy.ops.reify.import_model", window.area, sidebar, [int(0.81 * sidebar.width)])
    yield from window.click(*place)
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
    yield from window.until(lambda: models.found("tiny") is not None, "the panel to know of it")
    window.note(imported=True)
    yield from window.shot("imported")
