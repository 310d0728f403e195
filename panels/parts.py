"""What several panels draw: text that is never cut off, and figures."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import bpy

TAB = "Reify"
CHARACTER_PX = 7.2  # average width at a resolution scale of 1
MARGIN_PX = 60
LABELS = {"psnr": "PSNR", "ssim": "SSIM", "lpips": "LPIPS", "registered": "Photos placed"}
HEADLINE = ("registered", "psnr", "splats", "faces")


class SidebarPanel:
    """A panel of the tab."""

    bl_space_type: Any = "VIEW_3D"
    bl_region_type: Any = "UI"
    bl_category = TAB


def text(layout: Any, context: bpy.types.Context, content: str, icon: str = "NONE") -> None:
    """Draw `content` in as many lines as the sidebar needs."""
    scale = context.preferences.system.ui_scale
    width = max(16, int((context.region.width / scale - MARGIN_PX) / CHARACTER_PX)) if context.region else 40
    column = layout.column(align=True)
    for number, line in enumerate(textwrap.wrap(content, width) or [""]):
        first = number == 0
        column.label(text=line, icon=icon if first else "BLANK1" if icon != "NONE" else "NONE")


def headline(metrics: Mapping[str, float]) -> str:
    """The figures that an artist asks for; all others are in the details."""
    return figures({name: metrics[name] for name in HEADLINE if name in metrics})


def figures(values: Mapping[str, float]) -> str:
    """Figures in a line: "PSNR 27.3, Splats 81,204"."""
    return ", ".join(f"{LABELS.get(name, name.replace('_', ' ').capitalize())} {_figure(value)}" for name, value in values.items())


def _figure(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1000 else f"{value:.3g}"
