"""Runs inside a real Blender with a window: `blender --enable-event-simulate --python inside.py -- SCENARIO FOLDER`.

SCENARIO is a Python file with `def run(window)`, a generator that acts by real mouse events and yields how many seconds
to wait. What it noted, and the traceback where it failed, end up in FOLDER/outcome.json, pictures of the screen beside it.
"""

from __future__ import annotations

import faulthandler
import json
import runpy
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

Steps = Iterator[float]

FRAME_S = 0.08  # that software OpenGL needs to draw what an event changed
TAB_WIDTH_PX, SCAN_PX = 12, 9


class Window:
    """The only window, its hands and its eyes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: dict[str, Any] = {}
        self.shots = 0

    def note(self, **facts: Any) -> None:
        self.notes |= facts

    def shot(self, name: str) -> Steps:
        """A picture of the whole screen; Blender's own screenshots come out black under Xvfb."""
        yield 0.6
        self.shots += 1
        subprocess.run(["import", "-window", "root", str(self.folder / f"{self.shots:02}-{name}.png")], check=True)

    def click(self, x: int, y: int) -> Steps:
        yield from self.move(x, y)
        for value in ("PRESS", "RELEASE"):
            self._window.event_simulate("LEFTMOUSE", value, x=x, y=y)
            yield FRAME_S

    def move(self, x: int, y: int) -> Steps:
        self._window.event_simulate("MOUSEMOVE", "NOTHING", x=x - 1, y=y)
        self._window.event_simulate("MOUSEMOVE", "NOTHING", x=x, y=y)
        yield FRAME_S

    def key(self, letter: str, **held: bool) -> Steps:
        """Press a key with the mouse over the middle of the 3D viewport; `held` are ctrl, shift, alt."""
        region = next(region for region in self.area.regions if region.type == "WINDOW")
        x, y = region.x + region.width // 3, region.y + region.height // 2
        yield from self.move(x, y)
        for value in ("PRESS", "RELEASE"):
            self._window.event_simulate(letter, value, x=x, y=y, **held)
            yield FRAME_S

    def open_sidebar(self, tab: str) -> Steps:
        """Show the 3D viewport's sidebar and click its tab."""
        self.area.spaces.active.show_region_ui = True
        yield 0.5
        sidebar = self.sidebar
        x = sidebar.x + sidebar.width - TAB_WIDTH_PX
        for y in range(sidebar.y + sidebar.height - 20, sidebar.y, -30):
            if sidebar.active_panel_category == tab:
                return
            yield from self.click(x, y)
        assert sidebar.active_panel_category == tab, f"there is no tab {tab}, only {sidebar.active_panel_category}"

    def press(self, call: str) -> Steps:
        """Find the button that runs an operator ("bpy.ops.reify.create") by hovering, and click it."""
        found: list[tuple[int, int]] = []
        yield from self._find(call, found)
        assert found, f"no button in the sidebar runs {call}"
        yield from self.click(*found[0])

    def _find(self, call: str, found: list[tuple[int, int]]) -> Steps:
        sidebar = self.sidebar
        for share in (0.35, 0.75):
            x = sidebar.x + int(share * sidebar.width)
            for y in range(sidebar.y + sidebar.height - 20, sidebar.y + 10, -SCAN_PX):
                yield from self.move(x, y)
                if self._hovered().startswith(call):
                    found.append((x, y - 3))
                    return

    def _hovered(self) -> str:
        """The Python call of the button under the mouse, by Blender's own "Copy Python Command"."""
        manager = bpy.context.window_manager
        manager.clipboard = ""
        with bpy.context.temp_override(window=self._window, area=self.area, region=self.sidebar):
            if bpy.ops.ui.copy_python_command_button.poll():
                bpy.ops.ui.copy_python_command_button()
        return str(manager.clipboard)

    def in_sidebar(self) -> Any:
        """A context as it is when something is dropped on the sidebar."""
        return bpy.context.temp_override(window=self._window, area=self.area, region=self.sidebar)

    def in_viewport(self) -> Any:
        """A context in which operators of the 3D viewport work."""
        region = next(region for region in self.area.regions if region.type == "WINDOW")
        return bpy.context.temp_override(window=self._window, area=self.area, region=region)

    @property
    def _window(self) -> Any:
        return bpy.context.window_manager.windows[0]

    @property
    def area(self) -> Any:
        return next(area for area in self._window.screen.areas if area.type == "VIEW_3D")

    @property
    def sidebar(self) -> Any:
        return next(region for region in self.area.regions if region.type == "UI")


def main(scenario: str, folder: Path) -> None:
    """Start the scenario once the window stands; leave Blender when it is over."""
    faulthandler.enable()  # after a crash the test's report shows where every thread was
    window = Window(folder)
    steps = runpy.run_path(scenario)["run"](window)

    def step() -> float | None:
        try:
            return next(steps)
        except StopIteration:
            finish("")
        except Exception:  # it ends up in the test's report
            finish(traceback.format_exc())
        return None

    def finish(error: str) -> None:
        (folder / "outcome.json").write_text(json.dumps({"notes": window.notes, "error": error}, indent=1))
        bpy.ops.wm.quit_blender()

    bpy.app.timers.register(step, first_interval=2.0, persistent=True)


if __name__ == "__main__":
    scenario_file, output = sys.argv[sys.argv.index("--") + 1 :]
    main(scenario_file, Path(output))
