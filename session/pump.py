"""What polls the runner while Blender has a window: shows previews, commits results, redraws where something changed.

One persistent timer, there only while there is work; background mode has none, there `reify.create` waits itself.

Python can't keep Blender from closing. So while a job runs the file counts as changed, and Blender's own "Save changes
before closing?" comes up; whoever closes all the same finds the job as interrupted, to be resumed, at the next start.
Opening another file ends no job: its result comes into the file that is open then.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bpy

from ..backend.errors import ReifyError
from ..scene import preferences
from ..scene.visibility import is_hidden, set_hidden
from . import queue, results
from .redraw import redraw

if TYPE_CHECKING:
    from ..backend.jobs.runner import Task

log = logging.getLogger(__name__)

TICK_S = 0.25
PREVIEW_EVERY_S = 1.0
PREVIEW_SHARE = 0.2  # of the time at most goes into showing previews
LONGEST_TICK_S = 0.1  # what takes longer is logged
NEAR = 5.0  # distance of a view that shows a subject with a radius of 1
REMEMBER_AFTER_S = 1.0  # jobs of earlier sessions are looked for once Blender stands


@dataclass
class _Shown:
    """What the window has been told already."""

    state: Any = None
    preview: tuple[int, int] = (0, 0)  # number of the task and of its preview
    next_preview: float = 0.0
    handed_over: set[int] = field(default_factory=set)  # tasks whose results are in the scene, or can't be
    cube: str = ""  # name of the default cube, hidden to make room for the preview


_shown = _Shown()


def start() -> None:
    """Begin to poll; harmless where it is running already or there is no window.

    What the first preview needs is made here, where a click waits for it, and not while the view is being turned.
    """
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        from ..scene import preview

        preview.prepare()
        bpy.app.timers.register(_tick, first_interval=TICK_S, persistent=True)


def stop() -> None:
    """Poll no more."""
    for timer in (_tick, _remember):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)


def register() -> None:
    """Watch for saving and undoing, so that no file and no undo step keeps a preview, and for Blender's end."""
    for handlers, handler in _watched():
        handlers.append(handler)
    if not bpy.app.background:
        bpy.app.timers.register(_remember, first_interval=REMEMBER_AFTER_S, persistent=True)


def unregister() -> None:
    """Stop, and watch no more."""
    stop()
    reset()
    for handlers, handler in _watched():
        if handler in handlers:
            handlers.remove(handler)


def reset() -> None:
    """Forget what was shown, and take the preview away."""
    global _shown
    _clear_preview()
    _shown = _Shown()


def _watched() -> list[tuple[list[Any], Any]]:
    found: list[tuple[list[Any], Any]] = [
        (bpy.app.handlers.save_pre, _before_saving),
        (bpy.app.handlers.undo_post, _after_undo),
        (bpy.app.handlers.redo_post, _after_undo),
    ]
    # The wheel calls exit_pre when Python is half taken down already; without a window there is no timer to stop.
    if not bpy.app.background and hasattr(bpy.app.handlers, "exit_pre"):
        found.append((bpy.app.handlers.exit_pre, _before_exit))
    return found


def _remember() -> None:
    folder = preferences.user_folder(queue.JOBS)
    if folder.is_dir() and any(folder.glob("*.json")):
        queue.open_ledger()
        redraw()


def _tick() -> float | None:
    started = time.perf_counter()
    try:
        busy = tick()
    except Exception:  # a timer that raises is dropped by Blender without a word, and the job would seem to hang
        log.exception("polling failed")
        busy = True
    if (seconds := time.perf_counter() - started) > LONGEST_TICK_S:
        log.debug("a tick took %.0f ms", seconds * 1000)
    return TICK_S if busy else None


def tick() -> bool:
    """Bring the window up to date; returns False when there is nothing left to watch."""
    for task in queue.tasks():
        if task.result is not None and task.state.ended and task.number not in _shown.handed_over:
            _hand_over_or_fail(task)
    running = queue.current()
    if running is None:
        _clear_preview()
    elif (running.number, running.preview_count) != _shown.preview and time.monotonic() > _shown.next_preview:
        _show_preview(running)
    else:
        _count_as_changed()
    state = [(task.number, task.state, task.progress, len(task.warnings)) for task in queue.tasks()]
    if state != _shown.state:
        _announce_ends(state)
        _shown.state = state
        redraw()
    return running is not None


def hand_over(task: Task) -> None:
    """Commit a finished task's result as one undo step; raises ReifyError where that fails."""
    from dataclasses import replace

    from . import committing

    _clear_preview()
    _shown.handed_over.add(task.number)
    try:
        with bpy.context.temp_override(window=_window()):
            committing.put(bpy.context, task)
    except Exception as error:  # whatever it is, the queue goes on
        log.exception("the result couldn't be put into the scene")
        raise ReifyError(f"The result couldn't be put into the scene: {error}") from error
    finally:
        queue.runner().taken(task)
    if task.outcome is not None:
        collection = results.collection_of(task.id)
        name = collection.name if collection is not None else task.outcome.name
        task.outcome = replace(task.outcome, name=name, file=bpy.data.filepath)
    queue.note(task)


def _hand_over_or_fail(task: Task) -> None:
    from ..backend.jobs.runner import Failure, State

    try:
        hand_over(task)
    except ReifyError as error:
        task.failure, task.outcome, task.state = Failure(error.what, error.fix, error.what, expected=False), None, State.FAILED
        queue.note(task)


def try_again(task: Task) -> None:
    """Forget that a task's result was handed over: it gets another one."""
    _shown.handed_over.discard(task.number)


def _announce_ends(state: list[Any]) -> None:
    """Say in the status bar which jobs have ended since the last tick."""
    if bpy.app.background:
        return
    before = {number: known for number, known, *_ in _shown.state or ()}
    for number, now, *_ in state:
        if now.ended and number in before and not before[number].ended and (window := _window()) is not None:
            with bpy.context.temp_override(window=window):
                bpy.ops.reify.notify("INVOKE_DEFAULT", number=number)


def _count_as_changed() -> None:
    """Let the open file count as changed, so that Blender asks before it is closed."""
    window = _window()
    if bpy.app.background or window is None or bpy.data.is_dirty:
        return
    _clear_preview()
    with bpy.context.temp_override(window=window):
        bpy.ops.ed.undo_push(message="Generate")


def _show_preview(task: Task) -> None:
    from ..scene import commit, preview
    from .committing import scene_of
    from .viewports import show_colors

    started = time.perf_counter()
    _shown.preview = (task.number, task.preview_count)
    scene = scene_of(bpy.context, task.context.target)
    fresh = commit.is_fresh(scene)
    if task.preview is not None and preview.show(task.preview, scene) and fresh:
        cube: Any = scene.objects.get("Cube")
        if cube is not None and not is_hidden(cube):
            set_hidden(cube)
            _shown.cube = cube.name
        _come_near()
        show_colors(bpy.context.window_manager)
    spent = time.perf_counter() - started
    _shown.next_preview = time.monotonic() + max(PREVIEW_EVERY_S, spent / PREVIEW_SHARE)


def _come_near() -> None:
    """Let the viewports of a scene that nobody has worked in yet show the subject, which has a radius of 1, large enough."""
    from .viewports import viewports

    for area in viewports(bpy.context.window_manager):
        view = area.spaces.active.region_3d
        view.view_location = (0.0, 0.0, 0.0)
        view.view_distance = min(view.view_distance, NEAR)


def _clear_preview() -> None:
    from ..scene import preview

    preview.clear()
    cube: Any = bpy.data.objects.get(_shown.cube)
    if cube is not None:
        set_hidden(cube, False)
    _shown.cube = ""


def _window() -> bpy.types.Window | None:
    windows = bpy.context.window_manager.windows
    return windows[0] if windows else None


@bpy.app.handlers.persistent
def _before_saving(*_arguments: Any) -> None:
    _clear_preview()


@bpy.app.handlers.persistent
def _after_undo(*_arguments: Any) -> None:
    if _shown.preview[0] and queue.current() is None:
        _clear_preview()


@bpy.app.handlers.persistent
def _before_exit(*_arguments: Any) -> None:
    stop()
    queue.stop()
