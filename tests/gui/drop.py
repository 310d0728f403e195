"""`python3 drop.py X Y FILE...`: files dragged from a file browser and let go over the window at a place of the screen.

The source's part of XDND version 5 (https://www.freedesktop.org/wiki/Specifications/XDND), with real messages between two
X clients, as from any file browser. X and Y are pixels from the top left.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from Xlib import X, Xatom, display
from Xlib.protocol import event as events

VERSION, TYPE = 5, "text/uri-list"
ANSWER_S = 30.0  # Blender answers between two drawings


class Source:
    """The window that files are dragged from."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.display = display.Display()
        self.root = self.display.screen().root
        self.window = self.root.create_window(0, 0, 1, 1, 0, X.CopyFromParent)
        self.content = "".join(f"{Path(path).as_uri()}\r\n" for path in paths).encode()
        self.window.set_selection_owner(self.atom("XdndSelection"), X.CurrentTime)

    def atom(self, name: str) -> int:
        return int(self.display.intern_atom(name))

    def drop(self, x: int, y: int) -> None:
        """Drag to a place and let go there; raises TimeoutError or RuntimeError where the window takes nothing."""
        windows, aware = self.root.query_tree().children, self.atom("XdndAware")
        target = next(window for window in windows if window.get_full_property(aware, X.AnyPropertyType))
        self.root.warp_pointer(x, y)
        self._tell(target, "XdndEnter", VERSION << 24, self.atom(TYPE), 0, 0)
        self._tell(target, "XdndPosition", 0, x << 16 | y, X.CurrentTime, self.atom("XdndActionCopy"))
        if not self._await("XdndStatus").data[1][1] & 1:
            raise RuntimeError("the window refuses what is dragged")
        self._tell(target, "XdndDrop", 0, X.CurrentTime, 0, 0)
        self._await("XdndFinished")

    def _tell(self, target: Any, message: str, *data: int) -> None:
        target.send_event(events.ClientMessage(window=target, client_type=self.atom(message), data=(32, [self.window.id, *data])))
        self.display.flush()

    def _await(self, message: str) -> Any:
        """The answer to a message; meanwhile the target may ask for the files' names."""
        end = time.monotonic() + ANSWER_S
        while time.monotonic() < end:
            if not self.display.pending_events():
                time.sleep(0.02)
                continue
            event = self.display.next_event()
            if event.type == X.SelectionRequest:
                self._give(event)
            elif event.type == X.ClientMessage and event.client_type == self.atom(message):
                return event
        raise TimeoutError("the window doesn't answer")

    def _give(self, request: Any) -> None:
        given = request.target == self.atom(TYPE)
        if given:
            request.requestor.change_property(request.property, request.target, 8, self.content)
        else:
            request.requestor.change_property(request.property, Xatom.ATOM, 32, [self.atom(TYPE)])
        names = ("time", "requestor", "selection", "target", "property")
        request.requestor.send_event(events.SelectionNotify(**{name: getattr(request, name) for name in names}))
        self.display.flush()


if __name__ == "__main__":
    x, y, *files = sys.argv[1:]
    Source(files).drop(int(x), int(y))
