"""From Picture by real clicks: choose, Live Preview, a dragged slider, a box in the Image Editor, Generate, undo."""

from __future__ import annotations

import time

import bpy

PICTURES = "/home/artist/Pictures"
DRAG_PX, DRAG_STEPS = 60, 30


def run(window):
    from bl_ext.user_default.reify.session import live, queue

    yield from window.install_engine()
    reify = bpy.context.scene.reify
    reify.method = "image"
    yield 0.5
    yield from window.open_sidebar("Reify")
    bpy.ops.reify.add_files("EXEC_DEFAULT", directory=PICTURES, files=[{"name": "robot.png"}])
    yield from window.shot("picture-chosen")
    yield from window.press("bpy.ops.reify.live_preview")
    yield from window.until(lambda: live.look() is not None and live.look().mesh is not None, "the preview")
    yield 1.0
    preview = bpy.context.scene.objects["Reify Preview"]
    window.note(reason=live.look().reason, preview=preview.type)
    yield from window.shot("live")

    group = reify.image
    group.method = "inflate"
    place = yield from property_under(window, "cutout__grow_px")
    before = group.cutout__grow_px
    seconds = yield from drag(window, place, lambda: bpy.context.scene.objects["Reify Preview"].data.as_pointer())
    window.note(dragged_px=group.cutout__grow_px - before, meshes=seconds["meshes"], longest_ms=1000 * seconds["longest"])
    yield from window.shot("dragged")
    group.cutout__grow_px = 0.0

    yield from window.press("bpy.ops.reify.create")
    yield from window.until(lambda: queue.tasks() and all(task.state.ended for task in queue.tasks()), "the job to end")
    yield 1.5
    failures = [task.failure for task in queue.tasks() if task.failure]
    assert not failures, failures
    window.note(made=sorted(made.name for made in bpy.context.scene.objects))
    yield from window.shot("made")
    yield from window.press("bpy.ops.reify.live_preview")
    yield 0.5
    window.note(left=sorted(made.name for made in bpy.data.objects if "Preview" in made.name))
    yield from window.key("Z", ctrl=True)
    yield 1.5
    window.note(after_undo=sorted(made.name for made in bpy.context.scene.objects))

    sidebar = window.sidebar
    left = int(0.12 * sidebar.width)  # the first one of three buttons
    yield from window.click(*(yield from window.find("bpy.ops.reify.draw_box", window.area, sidebar, [left])))
    yield 2.0
    second = bpy.context.window_manager.windows[-1]
    window.note(windows=len(bpy.context.window_manager.windows))
    area = next(area for area in second.screen.areas if area.type == "IMAGE_EDITOR")
    region = next(region for region in area.regions if region.type == "WINDOW")
    corners = [region.view2d.view_to_region(*place, clip=False) for place in ((0.1, 0.9), (0.9, 0.1))]
    corners = [(region.x + x, region.y + y) for x, y in corners]
    second.event_simulate("MOUSEMOVE", "NOTHING", x=corners[0][0], y=corners[0][1])
    yield 0.2
    second.event_simulate("LEFTMOUSE", "PRESS", x=corners[0][0], y=corners[0][1])
    yield 0.2
    second.event_simulate("MOUSEMOVE", "NOTHING", x=corners[1][0], y=corners[1][1])
    yield from window.shot("box")
    second.event_simulate("LEFTMOUSE", "RELEASE", x=corners[1][0], y=corners[1][1])
    yield 0.5
    group = bpy.context.scene.reify.image  # undo has made the old one invalid
    window.note(box=group.cutout__box, by=group.cutout__by)
    bpy.ops.reify.clear_marks("EXEC_DEFAULT")
    with bpy.context.temp_override(window=second, area=area):
        bpy.ops.reify.paint_strokes("EXEC_DEFAULT")
        area.spaces.active.show_region_ui = True
    yield from window.shot("strokes")
    with bpy.context.temp_override(window=second, area=area):
        bpy.ops.reify.show_cutout("EXEC_DEFAULT")
    yield from window.shot("cut-out")


def property_under(window, name: str):
    """Where in the sidebar the slider of a property is."""
    sidebar, manager = window.sidebar, bpy.context.window_manager
    x = sidebar.x + int(0.72 * sidebar.width)

    def is_it() -> bool:
        manager.clipboard = ""
        with bpy.context.temp_override(window=manager.windows[0], area=window.area, region=sidebar):
            if bpy.ops.ui.copy_data_path_button.poll():
                bpy.ops.ui.copy_data_path_button()
        return manager.clipboard.endswith(name)

    return x, (yield from found(window, x, is_it))


def found(window, x: int, is_it):
    """How high in the sidebar the button at `x` is for which `is_it` holds while the mouse is over it."""
    sidebar = window.sidebar
    for y in range(sidebar.y + sidebar.height - 20, sidebar.y + 10, -9):
        yield from window.move(x, y)
        if is_it():
            return y - 3
    raise AssertionError("the sidebar shows no such button")


def drag(window, place, mesh):
    """Drag a slider to the right; how many meshes were seen on the way, and the longest wait for the window."""
    first = bpy.context.window_manager.windows[0]
    x, y = place
    yield from window.move(x, y)
    first.event_simulate("LEFTMOUSE", "PRESS", x=x, y=y)
    yield 0.05
    seen, longest = {mesh()}, 0.0
    for step in range(1, DRAG_STEPS + 1):
        first.event_simulate("MOUSEMOVE", "NOTHING", x=x + DRAG_PX * step // DRAG_STEPS, y=y)
        started = time.monotonic()
        yield 0.05
        longest = max(longest, time.monotonic() - started - 0.05)
        seen.add(mesh())
    first.event_simulate("LEFTMOUSE", "RELEASE", x=x + DRAG_PX, y=y)
    yield 1.0
    return {"meshes": len(seen), "longest": longest}
