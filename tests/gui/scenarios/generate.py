"""The main job by real clicks: photos, Generate, progress while the view turns, the result, undo and redo."""

from __future__ import annotations

import statistics
import time

import bpy

PHOTOS = "/tmp/reify-gui-photos"


def run(window):
    from bl_ext.user_default.reify.operators import engine, pump, session

    bpy.ops.reify.install_engine("INVOKE_DEFAULT", wheels="/wheels")
    while not engine.task().state.ended:
        yield 0.2
    assert engine.task().failure is None, engine.task().failure.details
    yield 0.5
    yield from window.open_sidebar("Reify")
    yield from window.shot("empty")
    bpy.ops.reify.add_folder("EXEC_DEFAULT", directory=PHOTOS)
    reify = bpy.context.scene.reify
    group = getattr(reify, reify.method)
    group.preset = "Preview"
    yield from window.shot("photos-chosen")
    before = {thing.name for thing in bpy.data.objects}
    yield from window.press("bpy.ops.reify.create")
    yield 1.0
    task = session.current()
    assert task is not None, "Generate started nothing"
    ticks = measured(pump)
    stages, gaps, deadline = {}, [], time.monotonic() + 500
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
    made = [thing for thing in bpy.data.objects if thing.name not in before]
    window.note(
        stages=stages,
        objects=sorted({thing.type for thing in made}),
        count=len(made),
        metrics=dict(task.result.report.metrics),
        seconds=dict(task.result.report.seconds),
        ui_stall_max_ms=1000 * max(ticks[:-1], default=0.0),
        ui_stall_median_ms=1000 * statistics.median(ticks),
        commit_ms=1000 * max(ticks),
        gap_max_ms=1000 * max(gaps),
    )
    yield from window.shot("result")
    collection = made[0].users_collection[0].name
    bpy.ops.reify.show("EXEC_DEFAULT", role="mesh", collection=collection)  # a script's call makes no undo step of its own
    # Material Preview would spend minutes on compiling shaders in software; Solid shows the texture as well.
    window.area.spaces.active.shading.color_type = "TEXTURE"
    with window.in_viewport():
        bpy.ops.view3d.view_all()
    yield 1.0
    yield from window.shot("mesh")
    yield from window.key("Z", ctrl=True)
    yield 2.0
    window.note(after_undo=sorted(thing.name for thing in bpy.data.objects))
    yield from window.shot("undone")
    yield from window.key("Z", ctrl=True, shift=True)
    yield 2.0
    window.note(after_redo=len(bpy.data.objects))


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
