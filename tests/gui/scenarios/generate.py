"""The main job from the zip to the result and back to an empty Blender, by real drops, clicks and keys."""

from __future__ import annotations

import math
import statistics
import sys
import time
from pathlib import Path
from typing import NamedTuple

import bpy

PHOTOS, WHEELS = Path("/home/artist/Pictures/figure"), Path("/wheels")
MODULE = "bl_ext.user_default.reify"
SETTINGS = {
    "training__seconds": 0.0,  # ended by its steps training gives the same on a loaded machine
    "training__steps": 800,
    "training__long_side_px": 320,
    "texture__size_px": 1024,
    "mesh__faces": 8_000,
}
JOB_S = 900.0


def run(window):
    yield from install(window)
    yield from drop_photos(window)
    yield from engine_from_wheels(window)
    before = sorted(made.name for made in bpy.data.objects)
    yield from generate_and_cancel(window)
    task = yield from generate(window)
    made = [thing for thing in bpy.data.objects if thing.name not in before]
    window.note(
        objects=sorted({thing.type for thing in made}),
        metrics=dict(task.result.report.metrics),
        seconds=dict(task.result.report.seconds),
    )
    yield from window.shot("result", moving=True)  # which way it faces is another matter in each search for cameras
    yield from look_at_the_mesh(window, made)
    yield from undo_and_redo(window, before, len(made))
    yield from save_reopen_and_regenerate(window)
    yield from disable_and_remove(window)


def install(window):
    """The zip dropped on the window: Blender asks, and OK installs and enables it."""
    box = yield from window.drop(window.folder / "reify.zip")
    yield from window.shot("zip-dropped")
    yield from window.press_default(box, "OK of Blender's question about the zip")
    yield from window.until(lambda: MODULE in bpy.context.preferences.addons, "the extension to be enabled")
    yield 1.0
    assert "torch" not in sys.modules, "torch was imported before it was needed"


def drop_photos(window):
    names = sorted(PHOTOS.iterdir())
    box = yield from window.drop(*names)
    yield from window.shot("photos-dropped")
    yield from window.press_last(box, "Use in Reify")
    yield from window.until(lambda: len(bpy.context.scene.reify.photos.sources) == len(names), "the photos to be taken")
    yield from window.open_sidebar("Reify")
    yield 1.0
    yield from window.shot("engine-missing")


def engine_from_wheels(window):
    from bl_ext.user_default.reify.session import engine
    from bl_ext.user_default.reify.session.side_jobs import INSTALLER

    assert not engine.state().usable
    yield from window.press("bpy.ops.reify.install_engine_from_folder", "Install from Folder")
    yield from window.until(lambda: browser() is not None, "the file browser")
    yield 1.0
    regions = {region.type: region for region in browser().regions}
    bpy.context.window_manager.clipboard = str(WHEELS)
    path = regions["UI"].x + regions["UI"].width // 3, regions["UI"].y + regions["UI"].height // 2
    yield from window.key("V", at=path, ctrl=True)
    yield from window.key("RET", at=path)
    yield 1.0
    yield from window.shot("wheels-chosen")
    yield from window.press_default(window.box(regions["EXECUTE"]), "Install from Folder in the file browser")
    yield from window.until(lambda: INSTALLER.task is not None, "the installation to begin")
    fractions = set()
    while not INSTALLER.task.state.ended:
        progress = INSTALLER.task.progress
        fractions.add(progress.overall if progress is not None else 0.0)
        if progress is not None and progress.overall > 0.2 and "engine-installing" not in window.notes["shots"]:
            yield from window.shot("engine-installing", busy=True)
        yield 0.2
    failure = INSTALLER.task.failure
    assert failure is None, f"{failure.what} {failure.details}"
    window.note(fractions=sorted(fractions), versions=engine.place().stamp()["versions"])
    group = bpy.context.scene.reify.photos
    group.preset = "Preview"
    for name, value in SETTINGS.items():
        setattr(group, name, value)
    bpy.ops.ed.undo_push(message="Settings")
    yield 1.0
    yield from window.shot("ready")


def generate_and_cancel(window):
    task = yield from window.start("bpy.ops.reify.create", "Generate")
    yield from window.until(lambda: task.progress is not None and task.progress.stage == "Finding cameras", "the second stage")
    clicks = list(window.notes["clicks"])
    yield from window.press("bpy.ops.reify.cancel")
    cancelled = time.monotonic()
    yield from window.until(lambda: task.state.ended, "the job to end", every_s=0.05)
    window.note(clicks=clicks, cancel_s=time.monotonic() - cancelled, cancelled=task.state.value)
    yield 1.0
    yield from window.shot("cancelled")


def shows_splats(window):
    """True once the view shows splats as trained; loading what draws them takes a while in a new Blender."""
    from bl_ext.user_default.reify.scene.viewport import drawing

    screen = drawing.screen_of(window._view)
    return screen is not None and screen.drawn > 0


def generate(window):
    """Generate once more, and orbit meanwhile; notes how long our code held the main thread, and which stages were seen."""
    from bl_ext.user_default.reify.session import pump

    ticks = measured(pump)
    view = window.area.spaces.active.region_3d
    rotation = view.view_rotation.copy()
    task = yield from window.start("bpy.ops.reify.create")
    stages, gaps, deadline = {}, [], time.monotonic() + JOB_S
    overall = []
    while not task.state.ended:
        assert time.monotonic() < deadline, f"still at {task.progress}"
        yield from window.orbit()
        started = time.monotonic()
        yield 0.25
        gaps.append(time.monotonic() - started)
        if task.progress is None:
            continue
        overall.append(task.progress.overall)
        stage = task.progress.stage
        name = "Preview" if task.preview_count and stage.startswith("Training") and shows_splats(window) else stage
        if name not in stages:
            stages[name] = round(task.progress.overall, 3)
            if name == "Preview":  # other stages may be over before they are drawn
                yield from window.shot("preview", busy=True)
    assert task.failure is None, f"{task.failure.what} {task.failure.details}"
    yield from window.until(lambda: task.number in pump._shown.handed_over, "the result in the scene")
    view.view_rotation = rotation  # drags end where the machine had time for them
    yield 2.0
    held = [tick for tick in ticks if not tick.commits]
    window.note(
        stages=stages,
        steps_of_the_bar=len(set(overall)),
        ticks=len(held),
        own_median_ms=statistics.median(tick.own_ms for tick in held),
        own_max_ms=max(tick.own_ms for tick in held),
        wall_median_ms=statistics.median(tick.wall_ms for tick in held),
        wall_max_ms=max(tick.wall_ms for tick in held),
        commit_ms=max(tick.wall_ms for tick in ticks if tick.commits),
        gap_median_ms=1000 * statistics.median(gaps),
        gap_max_ms=1000 * max(gaps),
    )
    return task


def look_at_the_mesh(window, made):
    collection = next(thing for thing in made if thing.type == "EMPTY").users_collection[0].name
    bpy.ops.reify.show("EXEC_DEFAULT", role="mesh", collection=collection)  # a script's call makes no undo step of its own
    # Material Preview would spend minutes on compiling shaders in software; Solid shows the texture as well.
    shading = window.area.spaces.active.shading
    before, shading.color_type = shading.color_type, "TEXTURE"
    yield 1.0
    yield from window.shot("mesh", moving=True)
    shading.color_type = before


def undo_and_redo(window, before, count):
    yield from window.key("Z", ctrl=True)
    yield from window.until(lambda: sorted(thing.name for thing in bpy.data.objects) == before, "undo to take exactly the result")
    yield 1.0
    yield from window.shot("undone")
    yield from window.key("Z", ctrl=True, shift=True)
    yield from window.until(lambda: len(bpy.data.objects) == len(before) + count, "redo to bring the result back")


def save_reopen_and_regenerate(window):
    from bl_ext.user_default.reify.session import pump

    path = str(window.folder / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    yield 1.0
    bpy.ops.wm.open_mainfile(filepath=path)
    yield 2.0
    root = next(thing for thing in bpy.data.objects if thing.type == "EMPTY")
    root.location.z = 0.25
    bpy.context.view_layer.objects.active = root
    yield from window.open_sidebar("Reify")
    yield 1.0
    yield from window.shot("reopened", moving=True)
    names = sorted(thing.name for thing in bpy.data.objects)
    task = yield from window.start("bpy.ops.reify.regenerate")
    yield from window.until(lambda: task.state.ended, "the second result", timeout_s=JOB_S)
    assert task.failure is None, f"{task.failure.what} {task.failure.details}"
    yield from window.until(lambda: task.number in pump._shown.handed_over, "the second result in the scene")
    yield 1.0
    again = next(thing for thing in bpy.data.objects if thing.type == "EMPTY")
    window.note(
        regenerated=sorted(thing.name for thing in bpy.data.objects) == names,
        kept_place=math.isclose(again.location.z, 0.25, abs_tol=1e-6),
        from_cache=list(task.result.report.cached),
    )
    yield from window.shot("regenerated", moving=True)


def disable_and_remove(window):
    """By the check box and the menu that Blender's preferences have for every extension."""
    with window.in_viewport():
        bpy.ops.screen.userpref_show("INVOKE_DEFAULT", section="ADDONS")
    bpy.context.window_manager.addon_search = bpy.context.window_manager.extension_search = "reify"
    yield 2.0
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    region = next(region for region in area.regions if region.type == "WINDOW")
    yield from window.click(*(yield from window.find("bpy.ops.preferences.addon_disable", area, region, (35, 45, 55))))
    yield from window.until(lambda: MODULE not in bpy.context.preferences.addons, "the extension to be disabled")
    left = [name for name in dir(bpy.types) if "reify" in name.lower()]
    assert not left, f"left behind: {left}"
    yield from window.shot("disabled")
    bpy.context.preferences.active_section = "EXTENSIONS"
    menu = yield from window.open_lowest_menu(region)
    yield from window.shot("extension-menu")
    yield from window.press_last(menu)
    folder = Path(bpy.utils.user_resource("EXTENSIONS"), "user_default", "reify")
    yield from window.until(lambda: not folder.exists(), "the extension to be removed")
    window.note(removed=not folder.exists(), objects_stay=len(bpy.data.objects))
    yield 1.0
    yield from window.shot("removed")


def browser():
    """The file browser, which takes the whole window."""
    return next((area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == "FILE_BROWSER"), None)


class Tick(NamedTuple):
    """What one poll of the pump took."""

    own_ms: float  # of the main thread's processor time
    wall_ms: float  # with what other threads and programs took meanwhile
    commits: bool  # it put a result into the scene


def measured(pump):
    """The pump's ticks from now on."""
    ticks = []
    original = pump.tick

    def tick(sliced=False):
        done = len(pump._shown.handed_over)
        started, used = time.perf_counter(), time.thread_time()
        try:
            return original(sliced)
        finally:
            own, wall = time.thread_time() - used, time.perf_counter() - started
            ticks.append(Tick(1000 * own, 1000 * wall, len(pump._shown.handed_over) > done))

    pump.tick = tick
    return ticks
