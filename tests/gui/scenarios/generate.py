"""The main job from the zip to the result and back to an empty Blender, by real clicks; each click until the result is counted."""

from __future__ import annotations

import math
import statistics
import time

import bpy

PHOTOS = "/tmp/reify-gui-photos"
MODULE = "bl_ext.user_default.reify"
SETTINGS = {"training__seconds": 20.0, "texture__size_px": 1024, "surface__max_voxels": 1, "mesh__faces": 20_000}


def run(window):
    clicks = []
    yield from install(window, clicks)
    yield from window.open_sidebar("Reify")
    clicks.append("the tab Reify")
    yield 1.0
    yield from window.shot("installed")
    yield from engine_from_wheels(window, clicks)
    yield from drop_photos(window, clicks)
    before = sorted(made.name for made in bpy.data.objects)
    yield from generate_and_cancel(window)
    task, ticks, gaps, stages = yield from generate(window, clicks)
    made = [thing for thing in bpy.data.objects if thing.name not in before]
    window.note(
        clicks=clicks,
        stages=stages,
        objects=sorted({thing.type for thing in made}),
        metrics=dict(task.result.report.metrics),
        seconds=dict(task.result.report.seconds),
        ui_stall_max_ms=1000 * max(ticks[:-1], default=0.0),
        ui_stall_median_ms=1000 * statistics.median(ticks),
        commit_ms=1000 * max(ticks),
        gap_max_ms=1000 * max(gaps),
    )
    yield from window.shot("result")
    yield from look_at_the_mesh(window, made)
    yield from undo_and_redo(window, before, len(made))
    yield from save_reopen_and_regenerate(window)
    yield from remove(window)


def install(window, clicks):
    """As a zip that is dragged into the window does: Blender asks, and OK installs and enables it."""
    bpy.ops.extensions.package_install_files(
        "EXEC_DEFAULT", filepath=str(window.folder / "reify.zip"), repo="user_default", enable_on_install=True
    )
    clicks.append("OK of Blender's own question about the zip")
    yield 1.0


def engine_from_wheels(window, clicks):
    from bl_ext.user_default.reify.operators import engine

    assert not engine.state().usable
    clicks.append("Install Engine")
    bpy.ops.reify.install_engine("INVOKE_DEFAULT", wheels="/wheels")  # the same button's operator; there is no network here
    while not engine.task().state.ended:
        yield 0.2
    assert engine.task().failure is None, engine.task().failure.details
    yield 1.0


def drop_photos(window, clicks):
    names = sorted(path.name for path in __import__("pathlib").Path(PHOTOS).iterdir())
    with window.in_sidebar():
        bpy.ops.wm.drop_import_file("INVOKE_DEFAULT", directory=PHOTOS, files=[{"name": name} for name in names])
    clicks.append("dropping the photos")
    yield 0.5
    yield from window.shot("drop-menu")
    yield from window.key("U")  # underlined in "Use in Reify"
    clicks.append("Use in Reify")
    yield 1.0
    assert len(bpy.context.scene.reify.photos.sources) == len(names)
    group = bpy.context.scene.reify.photos
    group.preset = "Preview"
    for name, value in SETTINGS.items():
        setattr(group, name, value)
    bpy.ops.ed.undo_push(message="Drop")
    yield from window.shot("photos-dropped")


def generate_and_cancel(window):
    from bl_ext.user_default.reify.operators import session

    yield from window.press("bpy.ops.reify.create")
    task = session.current()
    assert task is not None, "Generate started nothing"
    while task.progress is None or task.progress.stage == "Reading photos":
        yield 0.1
    yield from window.press("bpy.ops.reify.cancel")
    cancelled = time.monotonic()
    while not task.state.ended:
        yield 0.05
    window.note(cancel_s=time.monotonic() - cancelled, cancelled=task.state.value)
    yield 0.5
    yield from window.shot("cancelled")


def generate(window, clicks):
    from bl_ext.user_default.reify.operators import pump, session

    yield from window.press("bpy.ops.reify.create")
    clicks.append("Generate")
    yield 0.5
    task = session.current()
    assert task is not None, "Generate started nothing"
    ticks = measured(pump)
    stages, gaps, deadline = {}, [], time.monotonic() + 900
    while not task.state.ended:
        assert time.monotonic() < deadline, f"still at {task.progress}"
        orbit(window)
        started = time.monotonic()
        yield 0.25
        gaps.append(time.monotonic() - started)
        stage = task.progress.stage if task.progress else ""
        if stage and (stage not in stages or (task.preview_count and "preview" not in stages)):
            name = stage if stage not in stages else "preview"
            stages[name] = round(task.progress.overall, 3)
            yield 3.0
            yield from window.shot(name.lower().replace(" ", "-"))
    assert task.failure is None, f"{task.failure.what} {task.failure.details}"
    yield 3.0
    return task, ticks, gaps, stages


def look_at_the_mesh(window, made):
    collection = next(thing for thing in made if thing.type == "EMPTY").users_collection[0].name
    bpy.ops.reify.show("EXEC_DEFAULT", role="mesh", collection=collection)  # a script's call makes no undo step of its own
    # Material Preview would spend minutes on compiling shaders in software; Solid shows the texture as well.
    window.area.spaces.active.shading.color_type = "TEXTURE"
    yield 1.0
    yield from window.shot("mesh")


def undo_and_redo(window, before, count):
    yield from window.key("Z", ctrl=True)
    yield 2.0
    assert sorted(thing.name for thing in bpy.data.objects) == before, "undo leaves something, or takes too much"
    yield from window.shot("undone")
    yield from window.key("Z", ctrl=True, shift=True)
    yield 2.0
    assert len(bpy.data.objects) == len(before) + count


def save_reopen_and_regenerate(window):
    from bl_ext.user_default.reify.operators import session

    path = str(window.folder / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    yield 1.0
    bpy.ops.wm.open_mainfile(filepath=path)
    yield 2.0
    root = next(thing for thing in bpy.data.objects if thing.type == "EMPTY")
    root.location.z = 0.25
    bpy.context.view_layer.objects.active = root
    window.area.spaces.active.show_region_ui = True
    yield 1.0
    yield from window.shot("reopened")
    names = sorted(thing.name for thing in bpy.data.objects)
    yield from window.press("bpy.ops.reify.regenerate")
    task = session.current()
    assert task is not None, "Regenerate started nothing"
    while not task.state.ended:
        yield 0.25
    assert task.failure is None, f"{task.failure.what} {task.failure.details}"
    yield 2.0
    again = next(thing for thing in bpy.data.objects if thing.type == "EMPTY")
    window.note(
        regenerated=sorted(thing.name for thing in bpy.data.objects) == names,
        kept_place=math.isclose(again.location.z, 0.25, abs_tol=1e-6),
        from_cache=list(task.result.report.cached),
    )
    yield from window.shot("regenerated")


def remove(window):
    repositories = bpy.context.preferences.extensions.repos
    index = next(i for i, repository in enumerate(repositories) if repository.module == "user_default")
    bpy.ops.preferences.addon_disable(module=MODULE)
    yield 1.0
    left = [name for name in dir(bpy.types) if "reify" in name.lower()]
    assert not left, f"left behind: {left}"
    bpy.ops.extensions.package_uninstall(repo_index=index, pkg_id="reify")
    yield 1.0
    window.note(objects_stay=len(bpy.data.objects), removed=MODULE not in bpy.context.preferences.addons)
    yield from window.shot("removed")


def measured(pump):
    """Seconds of each of the pump's ticks from now on."""
    seconds = []
    original = pump.tick

    def tick():
        started = time.perf_counter()
        try:
            return original()
        finally:
            seconds.append(time.perf_counter() - started)

    pump.tick = tick
    return seconds


def orbit(window):
    region = window.area.spaces.active.region_3d
    region.view_rotation.rotate(__import__("mathutils").Euler((0.0, 0.0, 0.02)))
