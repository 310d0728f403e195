"""Live preview: what From Picture would make, coarse, in the viewport and in the panel, while sliders move.

A timer looks a few times a second at what the panel says, which holds for sliders, presets, undo and scripts alike. What
has changed is worked out in a thread of its own, only the newest request of several, and shown on the main thread. Nothing
of it is kept in files or undo steps, and a job's result takes its place.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..backend.errors import ReifyError
from ..scene import preferences
from . import needs, properties, queue
from .redraw import redraw
from .sources import paths_of
from .viewports import show_colors

if TYPE_CHECKING:
    from ..backend.jobs.newest import Newest
    from ..backend.methods._picture_look import Look

log = logging.getLogger(__name__)

TICK_S, IDLE_S = 0.05, 0.2  # while something changes, and else

Request = tuple[tuple[Path, ...], Any]  # pictures and settings


@dataclass
class _State:
    """What is on, and what the window shows."""

    worker: Newest[Request, Look]
    sources: tuple[Any, ...] = ()  # the panel's sources that the paths were made from
    paths: tuple[Path, ...] = ()
    request: Request | None = None
    problem: str = ""
    look: Look | None = None
    seen: Request | None = None  # what was looked at
    resting: Request | None = None  # a job has made a result of this: nothing is shown in its place until something changes
    stale: bool = False  # the object in the scene isn't what it was, after undo or in another file


_state: _State | None = None


def is_on() -> bool:
    """True while the live preview is on."""
    return _state is not None


def look() -> Look | None:
    """The newest look; None where there is none yet."""
    return _state.look if _state is not None else None


def problem() -> str:
    """What keeps the panel's sources from being looked at at all, empty where nothing does."""
    return _state.problem if _state is not None else ""


def start() -> None:
    """Switch the live preview on."""
    global _state
    if _state is None:
        _state = _State(_worker())
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK_S, persistent=True)


def stop() -> None:
    """Switch it off, and take everything of it away."""
    from ..scene import preview, thumbnail

    global _state
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    if _state is not None:
        _state.worker.end()
        _state = None
        thumbnail.clear()
        if queue.current() is None:
            preview.clear()


def tick() -> bool:
    """Look at what the panel says, ask for what has changed, show what was found; returns False while all of it is shown."""
    if _state is None:
        return False
    scene, busy = bpy.context.scene, queue.current() is not None
    problem = ""
    try:
        request = _request(_state, scene)
    except ReifyError as error:
        request, problem = None, str(error)
    changed = (request, problem) != (_state.request, _state.problem)
    if changed:
        _state.request, _state.problem = request, problem
        if request is None:
            _state.seen = None
            _show(_state, None)
        else:
            _state.worker.ask(request)
    found = _state.worker.take()
    fresh = found is not None and request is not None and found[0][0] == request[0]  # of these pictures, be it with older settings
    if found is not None and fresh:
        _state.seen = found[0]
        _show(_state, found[1])
    if busy:
        _state.resting = request
    else:
        _place(_state, scene, fresh)
    return changed or _state.seen != request


def _worker() -> Newest[Request, Look]:
    from ..backend.jobs.newest import Newest
    from ..backend.methods._picture_look import Look, Looker

    looker = Looker(environment=preferences.environment())
    said = "Something unexpected went wrong"
    return Newest(lambda request: looker.look(*request), lambda error: Look(problem=f"{said}: {type(error).__name__}: {error}."))


def _tick() -> float | None:
    try:
        return TICK_S if tick() else IDLE_S
    except Exception:  # a timer that raises is dropped by Blender without a word
        log.exception("the live preview couldn't be shown")
        return IDLE_S


def _request(state: _State, scene: bpy.types.Scene) -> Request | None:
    if not properties.ready():
        return None
    from ..backend.values import Pictures

    method = properties.chosen_method(scene)
    if Pictures not in method.takes or not needs.installed(method):
        return None
    group = properties.group_of(scene, method)
    sources = tuple((source.path, source.image.name if source.image else "") for source in group.sources)
    if sources != state.sources:
        state.sources, state.paths = sources, ()
        state.paths = paths_of(group)
    return (state.paths, properties.read_settings(method, group)) if state.paths else None


def _show(state: _State, found: Look | None) -> None:
    from ..scene import thumbnail

    state.look = found
    if found is not None and found.overlay is not None:
        thumbnail.show(found.overlay)
    else:
        thumbnail.clear()
    redraw()


def _place(state: _State, scene: bpy.types.Scene, fresh: bool) -> None:
    """Show the newest mesh, also where undo, a loaded file or a saved one has taken it away."""
    from ..scene import preview, rows

    mesh = state.look.mesh if state.look is not None and state.request != state.resting else None
    there = preview.shown(scene)
    if mesh is None:
        if there is not None:
            preview.clear()
    elif there is None or fresh or state.stale:
        preview.show(mesh, scene)
        state.stale = False
        if there is None:
            placed = preview.shown(scene)
            others = [made for made in scene.objects if made.type == "MESH" and made != placed]
            placed.location.x = rows.shift(rows.box_of(mesh), others)
            addon = preferences.of_addon()
            if addon is None or addon.show_colors:
                show_colors(bpy.context.window_manager)


@bpy.app.handlers.persistent
def _after_change(*_arguments: Any) -> None:
    """Undo steps and files may hold a preview of long ago."""
    if _state is not None:
        _state.stale = True
    elif queue.current() is None:
        from ..scene import preview

        preview.clear()


@bpy.app.handlers.persistent
def _after_load(*arguments: Any) -> None:
    """Images of another file may have the same names."""
    if _state is not None:
        _state.sources = ()
    _after_change(*arguments)


HANDLERS = (("undo_post", _after_change), ("redo_post", _after_change), ("load_post", _after_load))


def register() -> None:
    """Watch for what may bring old previews back."""
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    """Switch it off, and watch no more."""
    stop()
    for name, handler in HANDLERS:
        if handler in getattr(bpy.app.handlers, name):
            getattr(bpy.app.handlers, name).remove(handler)
