"""What polls the runner while Blender has a window: shows previews, commits results, redraws where something changed.

One persistent timer, there only while there is work; background mode has none, there `reify.create` waits itself.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import Any

import bpy

from ..backend.errors import ReifyError
from ..backend.jobs.runner import State, Task
from ..scene import preview
from . import session
from .redraw import redraw

log = logging.getLogger(__name__)

TICK_S = 0.25
PREVIEW_EVERY_S = 1.0
PREVIEW_SHARE = 0.2  # of the time at most goes into showing previews
LONGEST_TICK_S = 0.1  # what takes longer is logged


@dataclass
class _Shown:
    """What the window has been told already."""

    state: Any = None
    preview: tuple[int, int] = (0, 0)  # number of the task and of its preview
    next_preview: float = 0.0
    prepared: bool = False
    handed_over: set[int] = field(default_factory=set)  # tasks whose results are in the scene, or can't be


_shown = _Shown()


def start() -> None:
    """Begin to poll; harmless where it is running already or there is no window."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK_S, persistent=True)


def stop() -> None:
    """Poll no more."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)


def register() -> None:
    """Watch for saving, so that no file keeps a preview, and for Blender's end."""
    bpy.app.handlers.save_pre.append(_before_saving)
    # The wheel calls exit_pre when Python is half taken down already; without a window there is no timer to stop.
    if not bpy.app.background and hasattr(bpy.app.handlers, "exit_pre"):
        bpy.app.handlers.exit_pre.append(_before_exit)


def unregister() -> None:
    """Stop, and watch no more."""
    stop()
    reset()
    for handlers, handler in ((bpy.app.handlers.save_pre, _before_saving), (getattr(bpy.app.handlers, "exit_pre", []), _before_exit)):
        if handler in handlers:
            handlers.remove(handler)


def reset() -> None:
    """Forget what was shown, and take the preview away."""
    global _shown
    preview.clear()
    _shown = _Shown()


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
    for task in session.tasks():
        if task.state is State.DONE and task.number not in _shown.handed_over:
            _shown.handed_over.add(task.number)
            hand_over(task)
    running = session.current()
    if running is None:
        preview.clear()
    elif not _shown.prepared:
        _shown.prepared = True
        preview.prepare()
    elif (running.number, running.preview_count) != _shown.preview and time.monotonic() > _shown.next_preview:
        _show_preview(running)
    state = [(task.number, task.state, task.progress, len(task.warnings)) for task in session.tasks()]
    if state != _shown.state:
        _shown.state = state
        redraw()
    return running is not None


def hand_over(task: Task) -> None:
    """Commit a finished task's result as one undo step; what goes wrong there is the task's failure."""
    preview.clear()
    window = bpy.context.window_manager.windows[0] if bpy.context.window_manager.windows else None
    with bpy.context.temp_override(window=window):
        try:
            bpy.ops.reify.commit("EXEC_DEFAULT", True, task=task.number)
        except RuntimeError as error:
            log.exception("the result couldn't be put into the scene")
            raise ReifyError(f"The result couldn't be put into the scene: {error}") from error


def _show_preview(task: Task) -> None:
    started = time.perf_counter()
    _shown.preview = (task.number, task.preview_count)
    scene = bpy.data.scenes.get(task.context.scene) or bpy.context.scene
    if task.preview is not None:
        preview.show(task.preview, scene)
    spent = time.perf_counter() - started
    _shown.next_preview = time.monotonic() + max(PREVIEW_EVERY_S, spent / PREVIEW_SHARE)


@bpy.app.handlers.persistent
def _before_saving(*_arguments: Any) -> None:
    preview.clear()


@bpy.app.handlers.persistent
def _before_exit(*_arguments: Any) -> None:
    stop()
    session.stop()
