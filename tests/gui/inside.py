"""Runs inside a real Blender with a window: `blender --enable-event-simulate --python inside.py -- SCENARIO FOLDER`.

SCENARIO is a Python file with `def run(window)`, a generator that acts by real mouse events and yields how many seconds
to wait. What it noted, and the traceback where it failed, end up in FOLDER/outcome.json, pictures of the screen beside it.
Places are pixels from the bottom left, as Blender counts them.
"""

from __future__ import annotations

import faulthandler
import json
import runpy
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np

Steps = Generator[float, None, Any]

FRAME_S = 0.08  # that software OpenGL needs to draw what an event changed
PATIENCE_S = 120.0  # with what takes a second while nothing else runs
WHEELS = "/wheels"  # where make_chroot.sh puts them
BLENDERS_OWN = ("OUTLINER", "PROPERTIES")  # editors that scroll as they like, and show nothing of ours
WHEEL_STEPS, PAGE_STEPS, PAGES = 20, 5, 5  # from one end of a long sidebar to the other; on to what wasn't in sight; looks at it
TAB_WIDTH_PX, SCAN_PX = 12, 9
POPUP_PX, BUTTON_PX = 30, 80  # no popup and no highlighted button of one is smaller; tools that are switched on are
SETTLING = 6  # looks at the window at most, until panels have slid to their places
BAR_PX, ENTRY_PX = 24, 16  # the status bar; from a menu's edge into its entry
MARGIN_PX, ARROW_GRAY = 20, 160  # where lists have their arrows, and how light these are
DEFAULT_BUTTON_RGB = (71, 114, 179)  # what Return would press, in Blender's own theme


class Window:
    """The only window, its hands and its eyes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: dict[str, Any] = {"clicks": [], "shots": {}}

    def note(self, **facts: Any) -> None:
        self.notes |= facts

    def shot(self, name: str, moving: bool = False, busy: bool = False) -> Steps:
        """A picture of the whole screen.

        `moving` where what the 3D view shows differs from run to run; `busy` while something runs that must not be missed: the
        window doesn't rest then, and the view shows above and below the sidebar's panels, too.
        """
        before = None
        for _ in range(1 if busy else SETTLING):
            yield 0.6
            now = self._screen()
            if np.array_equal(before, now):
                break
            before = now
        path = self.folder / f"{len(self.notes['shots']) + 1:02}-{name}.png"
        subprocess.run(["import", "-window", "root", str(path)], check=True)  # Blender's own screenshots come out black under Xvfb
        boxes = [self.box(area) for area in self._window.screen.areas if area.type in BLENDERS_OWN]
        if moving or busy:
            left, top, right, bottom = self.box(self._view)
            boxes.append((left, top, self.sidebar.x, bottom))  # the sidebar lies over the view
            if busy:
                boxes += [(self.sidebar.x, top, right, self.box(self.sidebar)[1]), (self.sidebar.x, (top + bottom) // 2, right, bottom)]
        self.notes["shots"][name] = {"file": path.name, "moving": boxes}

    def box(self, region: Any) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of a region or an area in pixels from the top left, as pictures have them."""
        top = self._window.height - region.y - region.height
        return region.x, top, region.x + region.width, top + region.height

    def until(self, condition: Callable[[], bool], what: str, timeout_s: float = PATIENCE_S, every_s: float = 0.1) -> Steps:
        """Wait for something; AssertionError when it doesn't come."""
        end = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < end, f"waited {timeout_s:.0f} s for {what}"
            yield every_s

    def click(self, x: int, y: int, what: str = "") -> Steps:
        """Press and release the left button; a click on `what` is counted."""
        if what:
            self.notes["clicks"].append(what)
        yield from self.move(x, y)
        for value in ("PRESS", "RELEASE"):
            self._window.event_simulate("LEFTMOUSE", value, x=x, y=y)
            yield FRAME_S

    def install_engine(self) -> Steps:
        """As a script does, where the clicks that lead there aren't what is tested."""
        from bl_ext.user_default.reify.session.side_jobs import INSTALLER

        bpy.ops.reify.install_engine("INVOKE_DEFAULT", wheels=WHEELS)
        yield from self.until(lambda: INSTALLER.task.state.ended, "the engine", timeout_s=3 * PATIENCE_S)
        assert INSTALLER.task.failure is None, INSTALLER.task.failure.details

    def orbit(self) -> Steps:
        """Drag the view around by the middle button, there and back."""
        x, y = self._in_view()
        yield from self.move(x, y)
        self._window.event_simulate("MIDDLEMOUSE", "PRESS", x=x, y=y)
        for along in (20, 40, 60, 40, 20, 0):
            self._window.event_simulate("MOUSEMOVE", "NOTHING", x=x + along, y=y)
            yield FRAME_S
        self._window.event_simulate("MIDDLEMOUSE", "RELEASE", x=x, y=y)
        yield FRAME_S

    def drop(self, *paths: Path) -> Steps:
        """Drag files from another program into the 3D viewport and let go; returns the box of the popup that opens."""
        x, y = self._in_view()
        yield from self.move(x, y)
        before = yield from self._settled()
        command = ["python3", str(self.folder / "drop.py"), str(x), str(self._window.height - y), *map(str, paths)]
        source = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        yield from self.until(lambda: source.poll() is not None, "the files to be taken")
        assert source.returncode == 0, source.stdout.read()
        return (yield from self._popup_since(before))

    def _popup_since(self, before: Any) -> Steps:
        """Wait for a popup; returns its left, top, right and bottom in pixels from the top left."""
        box: list[int] = []

        def opened() -> bool:
            changed = (self._screen() != before).any(2)
            rows, columns = (np.flatnonzero(changed.sum(axis) > POPUP_PX) for axis in (1, 0))
            box[:] = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if len(rows) and len(columns) else []
            return bool(box)

        yield from self.until(opened, "a popup", every_s=0.5)
        return tuple(int(side) for side in box)

    def press_last(self, box: tuple[int, int, int, int], what: str = "") -> Steps:
        """Click the last entry of a menu."""
        left, _top, right, bottom = box
        yield from self.click((left + right) // 2, self._window.height - bottom + ENTRY_PX, what)

    def press_default(self, box: tuple[int, int, int, int], what: str) -> Steps:
        """Click the button of a popup that Blender highlights."""
        left, top, right, bottom = box
        wanted = (np.abs(self._screen()[top:bottom, left:right].astype(int) - DEFAULT_BUTTON_RGB) < 12).all(2)
        lines = np.flatnonzero(wanted.sum(1) > BUTTON_PX)
        assert len(lines), "nothing is highlighted in the popup"
        columns = np.flatnonzero(wanted[lines[len(lines) // 2]])
        yield from self.click(left + int(columns.mean()), self._window.height - top - int(lines.mean()), what)

    def _settled(self) -> Steps:
        """Wait until the window is drawn and nothing moves any more; returns what the screen shows."""
        screens: list[Any] = [None]

        def rests() -> bool:
            screens.append(self._screen())
            return screens[-1].any() and np.array_equal(*screens[-2:])

        yield from self.until(rests, "the window to come to rest", every_s=0.5)
        return screens[-1]

    def _screen(self) -> Any:
        """What the screen shows, rows from the top, [H, W, 3]; without the status bar, which follows the mouse."""
        window = self._window
        shown = subprocess.run(["import", "-window", "root", "-depth", "8", "rgb:-"], check=True, stdout=subprocess.PIPE).stdout
        return np.frombuffer(shown, np.uint8).reshape(window.height, window.width, 3)[:-BAR_PX]

    def move(self, x: int, y: int) -> Steps:
        self._window.event_simulate("MOUSEMOVE", "NOTHING", x=x - 1, y=y)
        self._window.event_simulate("MOUSEMOVE", "NOTHING", x=x, y=y)
        yield FRAME_S

    def key(self, letter: str, at: tuple[int, int] | None = None, **held: bool) -> Steps:
        """Press a key with the mouse over a place, if none is given one of the 3D viewport; `held` are ctrl, shift, alt."""
        x, y = at or self._in_view()
        yield from self.move(x, y)
        for value in ("PRESS", "RELEASE"):
            self._window.event_simulate(letter, value, x=x, y=y, **held)
            yield FRAME_S

    def type(self, words: str) -> Steps:
        """Type lower-case letters and spaces into what has the keyboard."""
        x, y = self._in_view()
        for letter in words:
            key = "SPACE" if letter == " " else letter.upper()
            self._window.event_simulate(key, "PRESS", unicode=letter, x=x, y=y)
            self._window.event_simulate(key, "RELEASE", x=x, y=y)
            yield FRAME_S

    def open_sidebar(self, tab: str) -> Steps:
        """Show the 3D viewport's sidebar, and click its tab unless it is in front."""
        self.area.spaces.active.show_region_ui = True
        yield 0.5
        sidebar = self.sidebar
        if sidebar.active_panel_category == tab:
            return
        self.notes["clicks"].append(f"the tab {tab}")  # which one it is Blender doesn't tell: a user sees it, here all are tried
        x = sidebar.x + sidebar.width - TAB_WIDTH_PX
        for y in range(sidebar.y + sidebar.height - 20, sidebar.y, -30):
            yield from self.click(x, y)
            if sidebar.active_panel_category == tab:
                return
        raise AssertionError(f"there is no tab {tab}, only {sidebar.active_panel_category}")

    def press(self, call: str, what: str = "") -> Steps:
        """Find the button of the sidebar that runs an operator ("bpy.ops.reify.create") by hovering, and click it."""
        columns = [int(share * self.sidebar.width) for share in (0.35, 0.75)]
        yield from self.click(*(yield from self.find(call, self.area, self.sidebar, columns)), what)

    def start(self, call: str, what: str = "") -> Steps:
        """Press a button that starts a job; returns the job's task."""
        from bl_ext.user_default.reify.session import queue

        known = {task.number for task in queue.tasks()}
        yield from self.press(call, what)
        yield from self.until(lambda: any(task.number not in known for task in queue.tasks()), f"{call} to start a job")
        return next(task for task in queue.tasks() if task.number not in known)

    def find(self, call: str, area: Any, region: Any, columns: Sequence[int]) -> Steps:
        """Where a region has a button, looked for along columns; what isn't in sight is scrolled to, as a user would."""
        for page in range(PAGES):
            if page == 1:
                yield from self.scroll(region, "WHEELUPMOUSE")
            elif page > 1:
                yield from self.scroll(region, "WHEELDOWNMOUSE", PAGE_STEPS)
            for x in columns:
                for y in range(region.y + region.height - 20, region.y + 10, -SCAN_PX):
                    yield from self.move(region.x + x, y)
                    if self._hovered(area, region).startswith(call):
                        return region.x + x, y - 3
        raise AssertionError(f"no button of the {region.type} runs {call}")

    def scroll(self, region: Any, wheel: str, steps: int = WHEEL_STEPS) -> Steps:
        """Turn the mouse wheel over a region, by default as far as it goes."""
        x, y = region.x + region.width // 2, region.y + region.height // 2
        yield from self.move(x, y)
        for _ in range(steps):
            self._window.event_simulate(wheel, "PRESS", x=x, y=y)
            yield FRAME_S
        yield 0.5

    def open_lowest_menu(self, region: Any) -> Steps:
        """Click the lowest arrow at a region's right edge, that of a list's last entry; returns the box of the menu that opens."""
        left, top, right, bottom = self.box(region)
        before = yield from self._settled()
        column = before[top:bottom, right - 2 * MARGIN_PX : right - MARGIN_PX].max((1, 2))
        lowest = top + int(np.flatnonzero(column > ARROW_GRAY)[-1])
        yield from self.click(right - MARGIN_PX - MARGIN_PX // 2, self._window.height - lowest)
        return (yield from self._popup_since(before))

    def _hovered(self, area: Any, region: Any) -> str:
        """The Python call of the button under the mouse, by Blender's own "Copy Python Command"."""
        manager = bpy.context.window_manager
        manager.clipboard = ""
        with bpy.context.temp_override(window=self._window, area=area, region=region):
            if bpy.ops.ui.copy_python_command_button.poll():
                bpy.ops.ui.copy_python_command_button()
        return str(manager.clipboard)

    def in_viewport(self) -> Any:
        """A context in which operators of the 3D viewport work."""
        return bpy.context.temp_override(window=self._window, area=self.area, region=self._view)

    def _in_view(self) -> tuple[int, int]:
        """A place in the 3D viewport that neither its gizmos nor its sidebar cover."""
        return self._view.x + self._view.width // 3, self._view.y + self._view.height // 2

    @property
    def _view(self) -> Any:
        return next(region for region in self.area.regions if region.type == "WINDOW")

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
    view = bpy.context.preferences.view
    view.show_splash = False  # as for everybody who has started Blender before
    view.show_tooltips = False  # when they come depends on how busy the machine is
    view.filebrowser_display_type = view.preferences_display_type = "SCREEN"  # there is no window manager that would place windows
    window = Window(folder)
    steps = runpy.run_path(scenario)["run"](window)

    def step() -> float | None:
        try:
            return next(steps)
        except StopIteration:
            finish("")
        except Exception:  # it ends up in the test's report
            for _ in window.shot("failed"):
                pass
            finish(traceback.format_exc())
        return None

    def finish(error: str) -> None:
        (folder / "outcome.json").write_text(json.dumps({"notes": window.notes, "error": error}, indent=1))
        bpy.ops.wm.quit_blender()

    bpy.app.timers.register(step, first_interval=3.0, persistent=True)


if __name__ == "__main__":
    scenario_file, output = sys.argv[sys.argv.index("--") + 1 :]
    main(scenario_file, Path(output))
