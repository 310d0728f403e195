"""The draw handler: composites splats over each 3D viewport, asks for new pictures, and has viewports redrawn when these come.

It runs after the scene and the overlays (POST_VIEW; what is drawn before is painted over) and never waits for the drawing thread: it
shows the newest picture that there is, reads the scene's depth and hands the view to that thread. `ways` says who draws.
While a view moves pictures are coarser (`pace`); SETTLE_S after it came to rest the full one is asked for.

In *Rendered* the engine gets no splats whose look is "Splats" (the nodes see to that), so the handler draws them there, too.
"""

from __future__ import annotations

import importlib.util
import logging
import time
from dataclasses import dataclass, field, replace
from typing import Any

import bpy
import gpu
import numpy as np

from ...backend.splats.view import View, view_of
from ...backend.values import Array
from .. import preferences, splat_nodes
from . import clouds, ways
from .clouds import Shown
from .compositing import Compositor, camera_frame
from .pace import Pace
from .worker import Wish, Worker

log = logging.getLogger(__name__)

SETTLE_S = 0.15  # without a change before a view counts as standing still
TICK_S = 1 / 60


@dataclass(eq=False)
class Screen:
    """What a region shows, and what it has asked for."""

    key: Any = None  # of the view and the splats that were last seen
    moved_s: float = 0.0  # when that changed
    depth: Array | None = None  # of the scene, as last asked with
    asked: Any = None  # key, step and share of the newest wish
    ticket: int = 0  # number of that wish
    shown: Wish | None = None  # the newest that has been computed
    taken: int = 0  # its number
    drawn: int = 0  # splats in it
    noted: bool = True  # whether its pace has been noted
    pace: Pace = field(default_factory=Pace)


@dataclass(eq=False)
class _State:
    handle: Any
    way: ways.Way | None = None
    choice: ways.Choice | None = None  # who draws; None until somebody has to
    worker: Worker | None = None
    compositor: Compositor = field(default_factory=Compositor)
    screens: dict[int, Screen] = field(default_factory=dict)  # by the region's pointer
    announced: bool = False  # whether the nodes leave splats to this room
    handler_ms: float = 0.0  # what the last call took of the main thread's own time


_state: _State | None = None


def start() -> None:
    """Draw splats from now on."""
    global _state
    if _state is None and not bpy.app.background:
        _state = _State(bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_VIEW"))


def stop() -> None:
    """Draw none any more, and leave nothing behind: handler, timer, thread, textures, shader."""
    global _state
    if _state is None:
        return
    state, _state = _state, None
    bpy.types.SpaceView3D.draw_handler_remove(state.handle, "WINDOW")
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    _let_go(state)
    splat_nodes.set_drawn(False)


def restart() -> None:
    """Choose anew who draws, after the preferences have changed."""
    if _state is not None:
        _let_go(_state)
        _state.choice = None
        announce()


def _let_go(state: _State) -> None:
    if state.worker is not None:
        state.worker.end()
    state.worker, state.way = None, None
    state.screens.clear()


def can_draw() -> bool:
    """Whether somebody can draw splats, as far as is known: the graphics card is asked when there is something to draw."""
    return (_state is not None and _state.way is not None) or importlib.util.find_spec("numba") is not None


def chosen() -> ways.Choice | None:
    """Who draws splats, and why; None until there was something to draw."""
    return _state.choice if _state is not None else None


def is_drawing() -> bool:
    """Whether splats are drawn here: pictures have come, and none has failed since."""
    return _state is not None and _state.worker is not None and not _state.worker.problem and _state.worker.works


def problem() -> str:
    """Why splats can't be drawn, empty where they can or nobody has tried."""
    return _state.worker.problem if _state is not None and _state.worker is not None else ""


def screen_of(region: bpy.types.Region) -> Screen | None:
    """What a region shows; None where it shows no splats."""
    return _state.screens.get(region.as_pointer()) if _state is not None else None


def counts_of(area: bpy.types.Area | None) -> tuple[int, int] | None:
    """Splats drawn while the view of an area's first region moves, and all that are in its scene; None where there are none."""
    regions = [] if area is None else [region for region in area.regions if region.type == "WINDOW"]
    screen = screen_of(regions[0]) if regions else None
    if screen is None or screen.shown is None:
        return None
    counts = [entry.cloud.count for entry in screen.shown.shown]
    return sum(round(count * screen.pace.share) for count in counts), sum(counts)


def handler_ms() -> float:
    """Processor time that the last call of the handler took of the main thread."""
    return _state.handler_ms if _state is not None else 0.0


def is_settled() -> bool:
    """Whether every viewport shows the full picture of what it looks at."""
    return _state is not None and all(_is_full(pointer, screen) for pointer, screen in _state.screens.items())


def _is_full(pointer: int, screen: Screen) -> bool:
    if _state is None or _state.way is None or not _state.announced:
        return False
    return screen.asked == (screen.key, 1, 1.0) and screen.taken == screen.ticket and _state.way.is_whole(pointer)


def _draw() -> None:
    if _state is None or not bpy.data.pointclouds:
        return
    started = time.thread_time()  # not what the graphics driver takes to end the scene, whose depth is read
    context = bpy.context
    region: Any = context.region
    space: Any = context.space_data
    pointer = region.as_pointer()
    seen = [entry for entry in clouds.shown(context) if clouds.visible(entry, context.view_layer, space)]
    if not seen or not _has_way(_state):
        _forget(_state, pointer)
        return
    assert _state.way is not None and _state.worker is not None
    screen = _state.screens.setdefault(pointer, Screen(pace=_state.way.pace()))
    view = _view(context, region, space, _state.announced)
    try:
        _take(_state.way, _state.worker, pointer, screen)
        _ask(_state.worker, pointer, screen, seen, view if _state.way.needs_depth else replace(view, depth=None))
        if _state.announced and screen.shown is not None:
            _show(_state, pointer, screen, seen, view)
    except Exception as error:  # of the card: what a driver can't do shows at times only with an artist's scene
        if _state.choice is None or _state.choice.kind != ways.CARD:
            raise
        log.exception("the graphics card failed to draw splats")
        _let_go(_state)
        _state.way, _state.choice = ways.without_card("The processor draws splats, because the graphics card failed.", str(error))
    _state.handler_ms = 1000 * (time.thread_time() - started)


def _has_way(state: _State) -> bool:
    if state.way is None and (state.choice is None or can_draw()):
        state.way, state.choice = ways.choose(getattr(preferences.of_addon(), "splats_by", ways.AUTO))
    if state.way is not None and state.worker is None:
        state.worker = Worker(state.way.drawer)
    return state.way is not None


def _forget(state: _State, pointer: int) -> None:
    if state.screens.pop(pointer, None) is not None and state.worker is not None and state.way is not None:
        state.worker.forget(pointer)
        state.way.forget(pointer)


def _view(context: bpy.types.Context, region: bpy.types.Region, space: Any, announced: bool) -> View:
    # Before it is announced the nodes give ellipsoids, which would hide their own splats.
    look: Any = context.region_data
    planes = tuple(np.array(plane, np.float64) for plane in look.clip_planes) if look.use_clip_planes else ()
    lens = space.camera.data if look.view_perspective == "CAMERA" and space.camera and space.camera.type == "CAMERA" else space
    clip = (float(lens.clip_start), float(lens.clip_end))
    depth = _scene_depth(region) if announced and not _sees_through(space.shading) else None
    return view_of(np.array(look.window_matrix), np.array(look.view_matrix), region.width, region.height, clip, planes, depth)


def _sees_through(shading: Any) -> bool:
    """X-ray shows what lies behind surfaces."""
    return bool(shading.show_xray_wireframe if shading.type == "WIREFRAME" else shading.show_xray and shading.type == "SOLID")


def _scene_depth(region: bpy.types.Region) -> Array | None:
    """The depth buffer of a region, first row at the bottom; None where Blender fills none: overlays off in Material Preview, Rendered."""
    buffer: Any = gpu.state.active_framebuffer_get().read_depth(0, 0, region.width, region.height)
    depth = np.frombuffer(buffer, np.float32).reshape(region.height, region.width)
    return depth if depth.any() else None


def _ask(worker: Worker, pointer: int, screen: Screen, seen: list[Shown], view: View) -> None:
    """Ask for a picture of this view where none is on its way."""
    now = time.monotonic()
    key = (
        view.cam_from_world.tobytes(),
        view.focal_px,
        view.principal_px,
        (view.width, view.height, view.near, view.far),
        b"".join(plane.tobytes() for plane in view.clip_planes),
        tuple((entry.cloud.number, entry.world_from_object.tobytes()) for entry in seen),
    )
    if key != screen.key:
        screen.key, screen.moved_s = key, now
    step, share = (1, 1.0) if now - screen.moved_s >= SETTLE_S else (screen.pace.step, screen.pace.share)
    finer = screen.asked is not None and screen.asked[0] == key and screen.asked[1] == 1  # asked for in full since it stands
    if finer:
        step, share = 1, 1.0
    if screen.asked != (key, step, share) or not _alike(screen.depth, view.depth):
        screen.asked, screen.depth = (key, step, share), view.depth
        screen.ticket = worker.ask(pointer, Wish(tuple(seen), view, step, share))
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK_S)


def _alike(before: Array | None, after: Array | None) -> bool:
    if before is None or after is None:
        return before is after
    return before.shape == after.shape and np.array_equal(before, after)


def _take(way: ways.Way, worker: Worker, pointer: int, screen: Screen) -> None:
    """Bring what has been computed to the graphics card."""
    found = worker.take(pointer)
    if found is None:
        return
    screen.taken, wish, computed = found
    way.take(pointer, wish, computed)
    screen.shown, screen.drawn, screen.noted = replace(wish, view=replace(wish.view, depth=None)), computed.drawn, False


def _show(state: _State, pointer: int, screen: Screen, seen: list[Shown], view: View) -> None:
    assert state.way is not None and screen.shown is not None
    wish, context = screen.shown, bpy.context
    same = [entry.cloud for entry in seen] == [entry.cloud for entry in wish.shown]
    places = [entry.world_from_object for entry in (seen if same else wish.shown)]
    found = state.way.layer(pointer, view, places, timed=not screen.noted)
    if found is None:
        return
    layer, seconds = found
    if not screen.noted:
        screen.pace.note(wish.step, wish.share, screen.drawn, seconds)
        screen.noted = True
    distance = float(context.region_data.view_distance)
    state.compositor.draw(layer, view, distance, camera_frame(context, context.region, context.space_data))


def _tick() -> float | None:
    """Redraw regions that have a new picture, or that have come to rest; forget those that are gone. None ends the timer."""
    if _state is None or _state.worker is None or _state.way is None:
        return None
    announce()
    clouds.carry()
    regions = {
        region.as_pointer(): region
        for window in bpy.context.window_manager.windows
        for area in window.screen.areas
        if area.type == "VIEW_3D"
        for region in area.regions
        if region.type == "WINDOW"
    }
    for pointer in [pointer for pointer in _state.screens if pointer not in regions]:
        _forget(_state, pointer)
    ready = _state.worker.ready()
    now, waiting = time.monotonic(), False
    for pointer, screen in _state.screens.items():
        rests = now - screen.moved_s >= SETTLE_S and screen.asked is not None and screen.asked[1:] != (1, 1.0)
        if pointer in ready or rests or not _state.way.is_whole(pointer):
            regions[pointer].tag_redraw()
        waiting = waiting or not _is_full(pointer, screen)
    return TICK_S if waiting and not _state.worker.problem else None


def announce() -> None:
    """Let the nodes leave splats to this room once it has shown that it can draw them."""
    drawn = is_drawing()
    if _state is not None:
        _state.announced = drawn
    splat_nodes.set_drawn(drawn)
