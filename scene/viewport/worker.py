"""The thread that computes what viewports show: for each screen only the newest wish counts, screens take turns."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ...backend.splats.scene_rows import Instance
from ...backend.splats.view import View
from .clouds import Shown, rows_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Wish:
    """What a screen asks for."""

    shown: Sequence[Shown]
    view: View
    step: int  # 1 for the full resolution, n for every n-th pixel in both directions
    share: float  # of each cloud's splats

    def instances(self) -> list[Instance]:
        """What it shows, in rows; the first time, called by the drawing thread, those are made."""
        return [Instance(rows_of(entry.cloud), entry.world_from_object) for entry in self.shown]


class Drawer(Protocol):
    """What the thread computes with: `SceneRasterizer` or `texels.Sorter`."""

    def draw(self, instances: Sequence[Instance], view: View, step: int = 1, share: float = 1.0) -> Any:
        """A picture or an order, with `drawn` and `seconds`."""
        ...

    def close(self) -> None:
        """End threads, let go of memory."""
        ...


class Worker:
    """A thread, the wishes that wait for it, and the pictures that wait to be shown; `make` is called in it."""

    def __init__(self, make: Callable[[], Drawer]) -> None:
        self._make = make
        self.problem = ""  # why the last picture couldn't be drawn, empty where it could
        self.works = False  # whether one has been drawn
        self._changed = threading.Condition()
        self._tickets = 0
        self._wishes: dict[Hashable, tuple[int, Wish]] = {}
        self._pictures: dict[Hashable, tuple[int, Wish, Any]] = {}
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="reify-viewport", daemon=True)
        self._thread.start()

    def ask(self, screen: Hashable, wish: Wish) -> int:
        """Draw this for a screen, instead of what it asked for before and isn't begun yet; returns the wish's number."""
        with self._changed:
            self._tickets += 1
            self._wishes[screen] = self._tickets, wish
            self._changed.notify()
            return self._tickets

    def take(self, screen: Hashable) -> tuple[int, Wish, Any] | None:
        """The newest picture for a screen, once."""
        with self._changed:
            return self._pictures.pop(screen, None)

    def ready(self) -> list[Hashable]:
        """The screens that have a picture waiting."""
        with self._changed:
            return list(self._pictures)

    def forget(self, screen: Hashable) -> None:
        """Drop what is kept for a screen that is gone."""
        with self._changed:
            self._wishes.pop(screen, None)
            self._pictures.pop(screen, None)

    def end(self) -> None:
        """End the thread, and wait for it: a pass takes a fraction of a second."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            drawer = self._make()
        except Exception as error:  # said in the panel; the viewport shows ellipsoids then
            log.exception("splats can't be drawn")
            self.problem = f"{type(error).__name__}: {error}"
            return
        try:
            while (found := self._next()) is not None:
                self._draw(drawer, *found)
        finally:
            drawer.close()

    def _next(self) -> tuple[Hashable, int, Wish] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._wishes)
            if self._ended:
                return None
            screen = next(iter(self._wishes))
            return screen, *self._wishes.pop(screen)

    def _draw(self, drawer: Drawer, screen: Hashable, ticket: int, wish: Wish) -> None:
        try:
            picture = drawer.draw(wish.instances(), wish.view, wish.step, wish.share)
        except Exception as error:  # one picture less; what comes next may be drawn
            log.exception("splats couldn't be drawn")
            self.problem = f"{type(error).__name__}: {error}"
            return
        with self._changed:
            self.problem, self.works = "", True
            self._pictures[screen] = ticket, wish, picture
