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
from ..scene.slices import Slices, whole
from ..scene.visibility import is_hidden, set_hidden
from . import queue, results
from .redraw import redraw

if TYPE_CHECKING:
    from ..backend.jobs.runner import Task

log = logging.getLogger(__name__)

TICK_S = 0.25
NEXT_SLICE_S = 0.01  # from one slice of work to the next: Blender draws and answers in between
SLICE_S = 0.03  # short slices are done together until so long
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
    preparing: Slices[None] | None = None  # what the first preview needs
    handing: tuple[int, Slices[None]] | None = None  # number of the task whose result is on its way into the scene
    longest_s: float = 0.0  # that a tick has held up the window since its result began to come


_shown = _Shown()


def start() -> None:
    """Begin to poll; harmless where it is running already or there is no window.

    What the first preview needs is made in the first ticks, in slices, and not while the view is being turned.
    """
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        from ..scene import preview

        _shown.preparing = preview.prepare_in_slices()
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
        (bpy.app.handlers.undo_pre, _before_change),
        (bpy.app.handlers.redo_pre, _before_change),
        (bpy.app.handlers.load_pre, _before_change),
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
    started, done = time.perf_counter(), len(_shown.handed_over)
    try:
        busy = tick(sliced=True)
    except Exception:  # a timer that raises is dropped by Blender without a word, and the job would seem to hang
        log.exception("polling failed")
        busy = True
    seconds = time.perf_counter() - started
    _shown.longest_s = max(_shown.longest_s, seconds)
    if len(_shown.handed_over) > done:
        log.info("putting the result into the scene held up the window for at most %.0f ms", _shown.longest_s * 1000)
    elif seconds > LONGEST_TICK_S:
        log.debug("a tick took %.0f ms", seconds * 1000)
    return NEXT_SLICE_S if _shown.preparing or _shown.handing else TICK_S if busy else None


def tick(sliced: bool = False) -> bool:
    """Bring the window up to date; returns False when there is nothing left to watch.

    `sliced` does no more than a slice of what takes long: more is left while `is_slicing`.
    """
    for task in queue.tasks():
        if task.result is not None and task.state.ended and task.number not in _shown.handed_over:
            _hand_over_or_fail(task, sliced)
            if _shown.handing is not None:
                return True
    running = queue.current()
    if _shown.preparing is not None:
        if running is None or _advanced(_shown.preparing):
            _shown.preparing = None
    elif running is None:
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


def is_slicing() -> bool:
    """True while something is on its way into the scene, or being prepared for it, slice by slice."""
    return _shown.preparing is not None or _shown.handing is not None


def hand_over(task: Task, sliced: bool = False) -> None:
    """Commit a finished task's result as one undo step, or do a slice of that; raises ReifyError where it fails."""
    from dataclasses import replace

    from . import committing

    if _shown.handing is None or _shown.handing[0] != task.number:
        _shown.handing = task.number, committing.put_in_slices(bpy.context, task, _clear_preview)
        _shown.longest_s = 0.0
    try:
        with bpy.context.temp_override(window=_window()):
            if sliced and not _advanced(_shown.handing[1]):
                return
            whole(_shown.handing[1])
    except BaseException as error:
        _handed_over(task)
        if not isinstance(error, Exception):
            raise
        log.exception("the result couldn't be put into the scene")  # whatever it is, the queue goes on
        raise ReifyError(f"The result couldn't be put into the scene: {error}") from error
    _handed_over(task)
    if task.outcome is not None:
        collection = results.collection_of(task.id)
        name = collection.name if collection is not None else task.outcome.name
        task.outcome = replace(task.outcome, name=name, file=bpy.data.filepath)
    queue.note(task)


def _handed_over(task: Task) -> None:
    _shown.handing = None
    _shown.handed_over.add(task.number)
    queue.runner().taken(task)


def _advanced(slices: Slices[Any]) -> bool:
    """Do slices for about SLICE_S; returns True once nothing is left."""
    until = time.perf_counter() + SLICE_S
    return all(time.perf_counter() <= until for _ in slices)


def _drop_slices() -> None:
    """Undo and other files take away what was made of a result, or was prepared: it is begun anew."""
    from ..scene import preview

    _shown.handing = None
    if _shown.preparing is not None:
        _shown.preparing = preview.prepare_in_slices()


def _hand_over_or_fail(task: Task, sliced: bool) -> None:
    from ..backend.jobs.runner import Failure, State

    try:
        hand_over(task, sliced)
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
def _before_change(*_arguments: Any) -> None:
    _drop_slices()


@bpy.app.handlers.persistent
def _after_undo(*_arguments: Any) -> None:
    if _shown.preview[0] and queue.current() is None:
        _clear_preview()


@bpy.app.handlers.persistent
def _before_exit(*_arguments: Any) -> None:
    stop()
    queue.stop()
