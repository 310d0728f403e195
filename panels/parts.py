"""What several panels draw: text that is never cut off, translated sentences with values in them, and figures."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import bpy

from ..backend.settings import titled
from ..translations import number, told

TAB = "Reify"
MARGIN_PX = 56  # of a panel and its box, left and right, at a resolution scale of 1
ICON_PX = 22
PICTURE_SHARE = 0.32  # of a panel's width, where a picture stands beside lines of text
NARROWEST_PX = 120
CHARACTER_PX = 6.0  # average width, for where there is no window that could measure it
LABELS = {"registered": "Photos Placed"}
HEADLINE = ("registered", "splats", "faces")
EXPERT = ("psnr", "ssim", "lpips", "loss")  # figures that say something to experts alone


class SidebarPanel:
    """A panel of the tab."""

    bl_space_type: Any = "VIEW_3D"
    bl_region_type: Any = "UI"
    bl_category = TAB


def say(sentence: str, **values: Any) -> str:
    """A sentence in the user's language, with `{name}` replaced by values; numbers are written as the language does."""
    translated: str = bpy.app.translations.pgettext_iface(sentence)
    shown = {name: number(value) if isinstance(value, (int, float)) else value for name, value in values.items()}
    return translated.format(**shown) if values else translated


def text(layout: Any, context: bpy.types.Context, content: str, icon: str = "NONE", share: float = 1.0) -> None:
    """Draw `content`, translated as a whole, in as many lines as that `share` of the sidebar's width needs."""
    scale = context.preferences.system.ui_scale
    width = (context.region.width / scale if context.region else 300) - MARGIN_PX - (ICON_PX if icon != "NONE" else 0)
    column = layout.column(align=True)
    column.scale_y = 0.8
    for place, line in enumerate(_lines(told(content), max(NARROWEST_PX, int(width * share)), _points(context))):
        first = place == 0
        column.label(text=line, icon=icon if first else "BLANK1" if icon != "NONE" else "NONE", translate=False)


def headline(metrics: Mapping[str, float]) -> str:
    """The figures that an artist asks for; all others are in the details."""
    return figures({name: metrics[name] for name in HEADLINE if name in metrics})


def figures(values: Mapping[str, float]) -> str:
    """Figures in a line: "PSNR 27.3, Splats 81,204"."""
    return ", ".join(f"{figure_label(name)} {number(value)}" for name, value in values.items())


def figure_label(name: str) -> str:
    """What a figure is called in the panel."""
    return say(LABELS.get(name, titled(name)))


def _points(context: bpy.types.Context) -> float:
    styles = context.preferences.ui_styles
    return float(styles[0].widget.points) if len(styles) else 11.0


@functools.lru_cache(maxsize=512)
def _lines(content: str, width_px: int, points: float) -> tuple[str, ...]:
    """`content` in lines of at most `width_px`; a word that is longer, as paths are, is cut into pieces."""
    measure = _measure(points)
    lines, line = [], ""
    for word in content.split():
        while line and measure(f"{line} {word}") > width_px:
            lines.append(line)
            line = ""
        line = f"{line} {word}" if line else word
        while measure(line) > width_px and len(line) > 1:
            fits = next((n for n in range(len(line) - 1, 1, -1) if measure(line[:n]) <= width_px), 1)
            lines.append(line[:fits])
            line = line[fits:]
    return (*lines, line)


def _measure(points: float) -> Callable[[str], float]:
    """A function for the width of a text at a resolution scale of 1; by a fixed width of characters where there is no window."""
    if bpy.app.background:
        return lambda content: CHARACTER_PX * len(content)
    import blf

    blf.size(0, points)
    return lambda content: float(blf.dimensions(0, content)[0])
