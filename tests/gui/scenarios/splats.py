"""Splats as they arrive: from a file and as a job's result, in three shading modes, from three sides, alone and behind a cube."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Matrix, Quaternion, Vector

FILE = "/home/artist/subject.ply"
MODES = ("SOLID", "MATERIAL", "RENDERED")
DISTANCE = 3.3
BEHIND_CUBE = 90  # the angle of the view in which a cube hides a part of the subject
CUBE_SIZE, CUBE_AT = 0.8, (-0.55, 0.05, 1.9)  # in the view's axes, from its pivot: left, and towards the eye


def run(window):
    from bl_ext.user_default.reify.scene.viewport import drawing

    yield from window.install_engine()
    show_nothing_else(window)
    cube = bpy.data.objects["Cube"]
    cube.hide_set(True)
    bpy.data.objects["Camera"].hide_set(True)
    bpy.ops.reify.import_splats("EXEC_DEFAULT", filepath=FILE)
    splats = bpy.context.object
    window.note(look=look_of(splats), drawn_before=drawing.is_drawing())
    yield from settled(window)
    window.note(handler_ms=drawing.handler_ms())
    yield from picture_for_the_manual(window)
    splats.select_set(False)
    for mode in MODES:
        window.area.spaces.active.shading.type = mode
        yield from shaders_ready(window, cube)
        yield from compared(window, splats, cube, mode.lower(), (0, 90, 180))
    window.area.spaces.active.shading.type = "SOLID"
    yield from by_card(window, splats, cube)
    yield from committed(window, splats)
    yield from moving(window)
    yield from hidden_and_back(window)
    yield from clicked(window)
    yield from left_behind(window)


def committed(window, imported):
    """What a job puts into the scene looks like what a file holds."""
    from bl_ext.user_default.reify.backend.values import Report, Result
    from bl_ext.user_default.reify.scene.commit import commit
    from bl_ext.user_default.reify.scene.splats import read_splats

    result = Result("made", Report("photos", {}, 0, {}, {}, {}, {}), splats=read_splats(imported))
    bpy.data.objects.remove(imported)
    commit(result)
    turn(window, 0)
    yield from settled(window)
    yield from seen(window, "committed", 0)


def compared(window, splats, cube, mode, angles):
    for angle in angles:
        turn(window, angle)
        yield from settled(window)
        yield from seen(window, f"{mode}-{angle}", angle)
        if angle == BEHIND_CUBE:
            place(window, cube)
            yield from settled(window)
            yield from seen(window, f"{mode}-{angle}-cube", angle)
            splats.hide_set(True)
            yield from window.shot(f"{mode}-{angle}-cube-alone")
            cube.hide_set(True)
        splats.hide_set(True)
        yield from window.shot(f"{mode}-{angle}-nothing")
        splats.hide_set(False)


def by_card(window, splats, cube):
    """The shaders that draw where there is a graphics card, here by the driver that computes on the processor."""
    from bl_ext.user_default.reify.scene.viewport import clouds, drawing

    preferences = bpy.context.preferences.addons["bl_ext.user_default.reify"].preferences
    window.note(chosen_by_itself=drawing.chosen().kind)
    preferences.splats_by = "CARD"
    yield from compared(window, splats, cube, "card", (0, 90))
    window.note(chosen=drawing.chosen().kind, chosen_why=drawing.chosen().why)
    for name in ("surfels", "antialiased"):
        splats.data[name] = True
        clouds.forget()
        turn(window, 0)
        yield from settled(window)
        yield from seen(window, f"card-{name}", 0)
        splats.data[name] = False
    preferences.splats_by = "AUTO"
    clouds.forget()
    yield from settled(window)


def shaders_ready(window, cube):
    """Until the cube is seen: EEVEE compiles its shaders first, and shows no meshes before."""
    turn(window, 0)
    yield from at_rest(window)
    before = window._screen()
    place(window, cube)

    def changed():
        left, top, right, bottom = window.box(window._view)
        difference = np.abs(window._screen()[top:bottom, left:right].astype(int) - before[top:bottom, left:right]).max(2)
        return (difference > 4).mean() > 0.1  # a side of the cube may be nearly as dark as what is behind it

    yield from window.until(changed, "the cube", 600.0, 1.0)
    cube.hide_set(True)


def moving(window):
    """Fresh pictures while the view turns, and what the handler takes of the main thread."""
    import time

    from bl_ext.user_default.reify.scene.viewport import drawing

    look = window.area.spaces.active.region_3d
    pictures, spent = set(), []
    started = time.monotonic()
    while time.monotonic() - started < 5:
        look.view_rotation = Quaternion((0, 0, 1), 0.02) @ look.view_rotation
        yield 0.02
        screen = drawing.screen_of(window._view)
        pictures.add(screen.taken)
        spent.append(drawing.handler_ms())
    window.note(fresh_per_s=len(pictures) / 5, handler_moving_ms=float(np.median(spent)), step_moving=screen.pace.step)
    yield from settled(window)
    window.note(settled_step=drawing.screen_of(window._view).shown.step)


def hidden_and_back(window):
    """Hide, undo, deleting and local view are obeyed."""
    from bl_ext.user_default.reify.scene.viewport import drawing

    cube, splats = bpy.data.objects["Cube"], bpy.data.objects["made Splats"]

    def gone(when):
        yield from window.until(lambda: drawing.screen_of(window._view) is None, f"the splats to be gone when {when}", 60.0)

    def there(when):
        yield from settled(window)
        screen = drawing.screen_of(window._view)
        assert screen is not None and screen.drawn > 0, f"the splats aren't there when {when}"

    yield from there("committed")
    splats.hide_set(True)
    yield from gone("hidden")
    splats.hide_set(False)
    yield from there("shown again")
    cube.hide_viewport = False  # committing a result hides what a new file holds
    with window.in_viewport():
        bpy.ops.object.select_all(action="DESELECT")
        cube.hide_set(False)
        cube.select_set(True)
        bpy.context.view_layer.objects.active = cube
        bpy.ops.view3d.localview(frame_selected=False)
    yield from gone("the local view shows another object")
    with window.in_viewport():
        bpy.ops.view3d.localview(frame_selected=False)
        bpy.ops.ed.undo_push(message="before")
    cube.hide_set(True)
    yield from there("the local view is left")
    with window.in_viewport():
        bpy.data.objects.remove(splats)
        bpy.ops.ed.undo_push(message="removed")
    yield from gone("deleted")
    with window.in_viewport():
        bpy.ops.ed.undo()
    yield from there("undone")


def clicked(window):
    """The corners of the box can be clicked."""
    from bpy_extras.view3d_utils import location_3d_to_region_2d

    splats, region = bpy.data.objects["made Splats"], window._view
    turn(window, 0)
    look = window.area.spaces.active.region_3d
    look.view_distance = 2.5 * DISTANCE
    yield from settled(window)
    with window.in_viewport():
        bpy.ops.object.select_all(action="DESELECT")
    geometry = splats.evaluated_get(bpy.context.evaluated_depsgraph_get()).evaluated_geometry()  # keeps its mesh
    ends = [[geometry.mesh.vertices[i].co for i in edge.vertices] for edge in geometry.mesh.edges]
    middles = [location_3d_to_region_2d(region, look, splats.matrix_world @ ((a + b) / 2)) for a, b in ends]
    lowest = min(middles, key=lambda at: at.y)
    yield from window.click(region.x + round(lowest.x), region.y + round(lowest.y))
    yield from window.until(splats.select_get, "the splats to be selected by a click on the box", 60.0)


def left_behind(window):
    """Saved, the file says that nobody draws; disabled, nothing is left."""
    import threading

    import addon_utils
    from bl_ext.user_default.reify.scene import splat_nodes

    path = "/home/artist/saved.blend"
    bpy.ops.wm.save_as_mainfile(filepath=path, copy=True)
    with bpy.data.libraries.load(path) as (there, here):
        here.node_groups = [name for name in there.node_groups if name.startswith("Reify Splats")]
    window.note(
        drawn_in_file=[group.nodes[splat_nodes.DRAWN].boolean for group in here.node_groups],
        drawn_here=bpy.data.objects["made Splats"].modifiers[0].node_group.nodes[splat_nodes.DRAWN].boolean,
    )
    yield from settled(window)
    window.note(threads_before=[thread.name for thread in threading.enumerate() if thread.name == "reify-viewport"])
    addon_utils.disable("bl_ext.user_default.reify")
    yield 1.0
    window.note(
        threads_after=[thread.name for thread in threading.enumerate() if thread.name == "reify-viewport"],
        handlers_after=[name for name in dir(bpy.app.handlers) if watched(name)],
    )
    yield from window.shot("disabled")


def watched(name):
    handlers = getattr(bpy.app.handlers, name)
    return isinstance(handlers, list) and any("scene.viewport" in handler.__module__ for handler in handlers)


def picture_for_the_manual(window):
    turn(window, 30)
    yield from settled(window)
    yield from window.shot("arrived")


def show_nothing_else(window):
    space = window.area.spaces.active
    space.show_gizmo = space.show_region_toolbar = space.show_region_ui = False
    overlay = space.overlay
    for name in ("show_floor", "show_axis_x", "show_axis_y", "show_text", "show_cursor", "show_object_origins", "show_extras"):
        setattr(overlay, name, False)


def turn(window, angle):
    look = window.area.spaces.active.region_3d
    look.view_perspective = "PERSP"
    look.view_location, look.view_distance = (0, 0, 0), DISTANCE
    look.view_rotation = (Matrix.Rotation(np.radians(angle), 4, "Z") @ Matrix.Rotation(np.radians(75), 4, "X")).to_quaternion()


def place(window, cube):
    look = window.area.spaces.active.region_3d
    cube.hide_set(False)
    cube.matrix_world = Matrix.Translation(look.view_rotation @ Vector(CUBE_AT)) @ Matrix.Scale(CUBE_SIZE / 2, 4)


def look_of(splats):
    from bl_ext.user_default.reify.scene import splat_nodes

    return splat_nodes.look_of(splats)


def seen(window, name, angle):
    """A picture of the view, and what it looks through."""
    look, region = window.area.spaces.active.region_3d, window._view
    yield from window.shot(name)
    views = window.notes.setdefault("views", {})
    views[name] = {
        "window_matrix": [list(row) for row in look.window_matrix],
        "view_matrix": [list(row) for row in look.view_matrix],
        "box": window.box(region),
    }


def settled(window):
    from bl_ext.user_default.reify.scene.viewport import drawing

    yield 0.5
    yield from window.until(drawing.is_settled, "the full picture", timeout_s=600.0)  # the first time kernels are compiled
    yield 0.5


def at_rest(window):
    """Until nothing changes on the screen, shaders that are compiled among it, for two seconds."""
    same, before = 0, None
    while same < 3:
        yield 0.7
        now = window._screen()
        same = same + 1 if before is not None and np.array_equal(now, before) else 0
        before = now
