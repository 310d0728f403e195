"""The comparison of the window's pictures, on made-up ones: these tests need no window."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from .compare import LIMIT, difference, stored

WIDTH, HEIGHT = 1280, 800
SIDEBAR = 760  # left edge
BACK, PANEL, FIELD, TEXT, BAR = (61, 61, 61), (48, 48, 48), (29, 29, 29), (230, 230, 230), (71, 114, 179)


@dataclass(frozen=True)
class Drawn:
    """A window like Blender's: a viewport with something in it, a sidebar with panels."""

    panels: tuple[str, ...] = ("job", "queue", "results")
    progress: float = 0.31
    left: str = "12:41 left"
    sidebar: int = SIDEBAR
    turned_px: int = 0
    dialog: bool = False

    def picture(self):
        picture = Image.new("RGB", (WIDTH, HEIGHT), BACK)
        draw = ImageDraw.Draw(picture)
        for bar in ((0, 0, WIDTH, 26), (0, HEIGHT - 80, WIDTH, HEIGHT)):
            draw.rectangle(bar, PANEL)
        for place in range(0, self.sidebar, 64):
            draw.line((place, 30, place + 200, HEIGHT - 80), (75, 75, 75))
        draw.ellipse((250 + self.turned_px, 250, 450 + self.turned_px, 500), (170, 120, 80))
        top = 40
        for panel in self.panels:
            draw.rectangle((self.sidebar, top, self.sidebar + 260, top + 180), PANEL)
            _write(draw, self.sidebar + 12, top + 8, panel)
            if panel == "job":
                draw.rectangle((self.sidebar + 12, top + 36, self.sidebar + 248, top + 56), FIELD)
                draw.rectangle((self.sidebar + 12, top + 36, self.sidebar + 12 + 236 * self.progress, top + 56), BAR)
                _write(draw, self.sidebar + 12, top + 64, self.left)
            else:
                for line in range(4):
                    draw.rectangle((self.sidebar + 12, top + 40 + 32 * line, self.sidebar + 248, top + 62 + 32 * line), (84, 84, 84))
                    _write(draw, self.sidebar + 20, top + 42 + 32 * line, f"{panel} number {line}")
            top += 190
        if self.dialog:
            draw.rectangle((440, 340, 840, 470), (24, 24, 24))
            draw.rectangle((650, 430, 830, 455), BAR)
        return picture


def _write(draw, x: int, y: int, text: str) -> None:
    """Strokes as thin and as dense as letters, others for another text."""
    strokes = random.Random(text)
    for column in range(x, x + 8 * len(text), 3):
        draw.line((column, y + strokes.randrange(4), column, y + 8 + strokes.randrange(6)), TEXT)


def differs(now: Drawn, *, before: Drawn = Drawn(), moving=()) -> bool:
    return difference(now.picture(), stored(before.picture()), moving)[0] > LIMIT


def test_the_same_window_differs_in_nothing() -> None:
    assert difference(Drawn().picture(), stored(Drawn().picture()))[0] == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize("now", [Drawn(left="3 s left"), Drawn(progress=0.36), Drawn(progress=0.24, left="1:02:59 left")])
def test_another_time_left_and_a_bar_that_has_moved_pass(now: Drawn) -> None:
    assert not differs(now)


def test_what_jpeg_does_to_a_stored_picture_passes(tmp_path) -> None:
    stored(Drawn().picture()).save(tmp_path / "window.jpg", quality=80)
    with Image.open(tmp_path / "window.jpg") as known:
        assert difference(Drawn().picture(), known)[0] < LIMIT / 2


@pytest.mark.parametrize("gray", [0, 61, 255])
def test_a_blank_window_fails(gray: int) -> None:
    blank = Image.new("RGB", (WIDTH, HEIGHT), (gray,) * 3)
    assert difference(blank, stored(Drawn().picture()))[0] > LIMIT


@pytest.mark.parametrize(
    "now",
    [
        Drawn(panels=("job", "queue")),
        Drawn(panels=("job", "results")),
        Drawn(panels=("queue", "results")),
        Drawn(panels=("results", "queue", "job")),
        Drawn(panels=()),
    ],
)
def test_a_missing_panel_and_panels_in_another_order_fail(now: Drawn) -> None:
    assert differs(now)


@pytest.mark.parametrize("now", [Drawn(sidebar=SIDEBAR + 60), Drawn(sidebar=WIDTH), Drawn(dialog=True)])
def test_another_layout_and_a_dialog_that_covers_the_window_fail(now: Drawn) -> None:
    assert differs(now)


def test_a_subject_that_has_moved_fails_unless_the_view_is_said_to_move() -> None:
    turned = replace(Drawn(), turned_px=150)
    view = [(0, 26, SIDEBAR, HEIGHT - 80)]
    assert differs(turned)
    assert not differs(turned, moving=view)
    assert differs(replace(turned, panels=("job", "queue")), moving=view), "the panels beside the view count all the same"


def test_the_place_that_differs_most_is_told_in_the_pictures_pixels() -> None:
    _worst, (left, top, right, bottom) = difference(Drawn(dialog=True).picture(), stored(Drawn().picture()))
    assert left < 840 and right > 440 and top < 470 and bottom > 340
    assert np.ptp([left, right]) == np.ptp([top, bottom]) == 120
