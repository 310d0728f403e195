"""Splats edited in the viewport by the tool's own mouse and keys, then rendered by Render Splats while the window lives on."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Matrix

FILE = "/home/artist/subject.ply"
RENDERS = "/home/artist/renders"
DISTANCE = 3.3
REACH_PX = 40  # of the mouse between two of its events


def run(window):
    yield from window.install_engine()
    bpy.data.objects["Cube"].hide_set(True)
    bpy.ops.reify.import_splats("EXEC_DEFAULT", filepath=FILE)
    look_from_the_front(window)
    yield from drawn(window)
    with window.in_viewport():
        bpy.ops.wm.tool_set_by_id(name="reify.edit_splats")
    yield 0.5
    yield from selected_by_dragging(window)
    yield from edited_by_keys(window)
    yield from rendered(window)
    yield from escaped(window)


def selected_by_dragging(window):
    """A lasso around the left half; Shift adds, Ctrl takes away, and the next drag starts anew."""
    left, right = middles(window)
    yield from lasso(window, left)
    window.note(left=selected())
    yield from window.shot("selected", moving=True)
    yield from lasso(window, right, shift=True)
    window.note(both=selected())
    yield from lasso(window, left, ctrl=True)
    window.note(without_left=selected())
    yield from lasso(window, left)
    window.note(left_again=selected())
    yield from window.key("I", ctrl=True)
    window.note(inverted=selected())


def edited_by_keys(window):
    """H, Alt H, X and Ctrl Z do as in edit mode."""
    yield from window.key("H")
    window.note(hidden=hidden())
    yield from drawn(window)
    yield from window.key("H", alt=True)
    window.note(revealed=hidden())
    yield from lasso(window, middles(window)[0])
    before = count()
    yield from window.key("X")
    window.note(before=before, deleted=before - count())
    yield from window.key("Z", ctrl=True)
    yield from window.until(lambda: count() == before, "the deleted splats to be back")
    yield from drawn(window)


def rendered(window):
    """Render Splats writes every frame while the window can be used."""
    scene = bpy.context.scene
    scene.frame_end = 3
    scene.render.resolution_x, scene.render.resolution_y = 160, 100
    bpy.data.objects["Cube"].hide_render = True
    with window.in_viewport():
        bpy.ops.reify.render_splats("INVOKE_DEFAULT", animation=True, with_scene=False, filepath=f"{RENDERS}/frame-####.exr")
    yield from window.until(idle, "the frames", timeout_s=600.0)  # the first time kernels are compiled
    window.note(written=names())


def escaped(window):
    """Esc ends it: what is written is whole, and the scene's frame is the artist's again."""
    scene = bpy.context.scene
    scene.frame_end = 500
    scene.frame_set(7)
    with window.in_viewport():
        bpy.ops.reify.render_splats("INVOKE_DEFAULT", animation=True, with_scene=False, filepath=f"{RENDERS}/other-####.exr")
    yield from window.until(lambda: any(name.startswith("other") for name in names()), "the first frame", timeout_s=600.0)
    yield from window.key("ESC")
    yield from window.until(idle, "Esc to end it")
    window.note(others=[name for name in names() if name.startswith("other")], frame=scene.frame_current)


def look_from_the_front(window):
    space = window.area.spaces.active
    space.show_region_ui = False
    look = space.region_3d
    look.view_perspective = "PERSP"
    look.view_location, look.view_distance = (0, 0, 0), DISTANCE
    look.view_rotation = Matrix.Rotation(np.radians(90), 4, "X").to_quaternion()


def middles(window):
    """The left and the right half of the view as boxes: left, bottom, right, top in pixels of the window."""
    view = window._view
    low, high = view.y + view.height // 8, view.y + view.height * 3 // 4
    edges = [view.x + view.width // 8, view.x + view.width // 2, view.x + view.width * 7 // 8]
    return (edges[0], low, edges[1], high), (edges[1], low, edges[2], high)


def lasso(window, box, **held):
    """Drag around a box with the left button."""
    left, bottom, right, top = box
    corners = [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]
    yield from window.move(*corners[0])
    event = window._window.event_simulate
    event("LEFTMOUSE", "PRESS", x=left, y=bottom, **held)
    yield 0.1
    for (ax, ay), (bx, by) in zip(corners[:-1], corners[1:], strict=True):
        steps = max(abs(bx - ax), abs(by - ay)) // REACH_PX
        for step in range(1, steps + 1):
            event("MOUSEMOVE", "NOTHING", x=ax + (bx - ax) * step // steps, y=ay + (by - ay) * step // steps, **held)
            yield 0.02
    event("LEFTMOUSE", "RELEASE", x=left, y=bottom, **held)
    yield 0.5


def selected():
    from bl_ext.user_default.reify.scene import splat_edits

    return int(splat_edits.selection(bpy.context.object.data).sum())


def hidden():
    from bl_ext.user_default.reify.scene import splat_edits

    return int(splat_edits.hidden(bpy.context.object.data).sum())


def count():
    from bl_ext.user_default.reify.scene import splat_edits

    return len(splat_edits.positions(bpy.context.object.data))


def idle():
    return bpy.ops.reify.render_splats.poll()


def names():
    import os

    return sorted(os.listdir(RENDERS)) if os.path.isdir(RENDERS) else []


def drawn(window):
    from bl_ext.user_default.reify.scene.viewport import drawing

    yield 0.5
    yield from window.until(drawing.is_settled, "the full picture", timeout_s=600.0)  # the first time kernels are compiled
    yield 0.5
