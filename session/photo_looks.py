"""The photos of a capture, looked at in a thread as soon as they are listed: how many, small pictures of them, and which stand out by what.

Panels ask at every drawing; nothing is decoded on the main thread, and what was found is kept until the sources change.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..backend.values import Array
from .redraw import redraw

if TYPE_CHECKING:
    from ..backend.jobs.newest import Newest

POLL_S = 0.2

Sources = tuple[Path, ...]


@dataclass(frozen=True, eq=False)
class Overview:
    """What a look has found."""

    paths: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()
    thumbnails: tuple[Array | None, ...] = ()  # [H,W,3] uint8
    faults: tuple[str, ...] = ()  # of each photo, "" where there is none
    sentences: tuple[str, ...] = ()

    @property
    def weak(self) -> tuple[int, ...]:
        """The indices of the photos with a fault."""
        return tuple(index for index, fault in enumerate(self.faults) if fault)


@dataclass
class _State:
    worker: Newest[Sources, Overview] | None = None
    asked: Sources = ()
    seen: Sources = ()
    found: Overview | None = None


_state = _State()


def of(sources: Sources) -> Overview | None:
    """What is known of the photos among `sources`; None while they are looked at, and in background mode."""
    if bpy.app.background or not sources:
        return None
    if sources != _state.asked:
        _state.asked = sources
        _worker().ask(sources)
    if not is_known(sources) and not bpy.app.timers.is_registered(_poll):
        bpy.app.timers.register(_poll, first_interval=POLL_S)
    return _state.found if is_known(sources) else None


def is_known(sources: Sources) -> bool:
    """Whether these are the photos that were looked at last."""
    return _state.found is not None and _state.seen == sources


def look(sources: Sources) -> Overview:
    """Look at the photos among `sources`, in whatever thread this is called."""
    from ..backend.capture import quality
    from ..backend.capture.read import CaptureSettings, listed_photos
    from ..backend.jobs.job import Job

    photos = listed_photos(sources, CaptureSettings(), job=Job())
    looks = quality.look_at(photos)
    found = quality.faults(looks)
    names = tuple(photo.name for photo in photos)
    return Overview(
        paths=tuple(photo.path for photo in photos),
        names=names,
        thumbnails=tuple(None if seen is None else seen.thumbnail for seen in looks),
        faults=tuple(found.get(index, "") for index in range(len(photos))),
        sentences=tuple(quality.sentences([(names[index], what) for index, what in found.items()], len(photos))),
    )


def show(sources: Sources, found: Overview) -> None:
    """Keep what was found of `sources`, for `of` to tell."""
    _state.asked = _state.seen = sources
    _state.found = found


def _worker() -> Newest[Sources, Overview]:
    from ..backend.jobs.newest import Newest

    if _state.worker is None:
        _state.worker = Newest(look, lambda error: Overview())  # that a source can't be read is told where the job starts
    return _state.worker


def _poll() -> float | None:
    answer = _worker().take()
    if answer is not None:
        _state.seen, _state.found = answer
        redraw()
    return None if is_known(_state.asked) else POLL_S


def register() -> None:
    """Nothing is looked at before a panel asks."""


def unregister() -> None:
    """End the thread and forget what was found."""
    global _state
    if bpy.app.timers.is_registered(_poll):
        bpy.app.timers.unregister(_poll)
    if _state.worker is not None:
        _state.worker.end()
    _state = _State()
