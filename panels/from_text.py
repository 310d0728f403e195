"""From Text: the sentence, Generate, and below it what was understood, before anything is made."""

from __future__ import annotations

from typing import Any

import bpy

from ..session import models
from ..session.parts_of_text import part_of
from ..session.understanding import understood
from .parts import text


def draw_sentence(layout: Any, context: bpy.types.Context, group: Any) -> None:
    """Draw what the method needs of the user."""
    layout.prop(group, "text", text="", icon="TEXT", placeholder="a red apple on a wooden table")
    column = layout.column()
    column.use_property_split, column.use_property_decorate = True, False
    column.prop(group, "style")
    column.prop(context.scene.reify, "seed")
    found = understood(group.text, models.found("minilm") is not None)
    row = layout.row()
    row.scale_y = 1.6
    row.enabled = found.possible
    row.operator("reify.create", icon="SHADERFX")
    if not group.text.strip():
        text(layout, context, "Write what to make: things, their colors and materials, how many, and where they stand.", icon="INFO")
        return
    if part_of(context.object) is not None:
        layout.operator("reify.remake_part", icon="FILE_REFRESH")
    if found.problem:
        text(layout, context, found.problem, icon="ERROR")
    if found.lines:
        header, body = layout.panel("reify_understood")
        header.label(text="Understood")
        if body is not None:
            column = body.column(align=True)
            for line, is_relation in found.lines:
                column.label(text=line, icon="LINKED" if is_relation else "OBJECT_DATA", translate=False)
