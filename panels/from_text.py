"""From Text: the sentence, Generate, and below it what was understood, before anything is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..session import estimates, history, models
from ..session.parts_of_text import part_of
from ..session.understanding import Understood, understood
from .missing import draw_missing
from .models import VIEW3D_PT_reify_models
from .parts import say, text

if TYPE_CHECKING:
    from ..backend.jobs.needs import Needs
    from ..backend.methods import Method


class VIEW3D_MT_reify_sentences(bpy.types.Menu):
    """Sentences that were generated before."""

    bl_label = "Earlier Sentences"
    bl_idname = "VIEW3D_MT_reify_sentences"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw a line each, the newest first."""
        layout = self.layout
        kept = history.sentences()
        for sentence in kept:
            layout.operator("reify.use_sentence", text=sentence, translate=False).sentence = sentence
        if kept:
            layout.separator()
            layout.operator("reify.forget_sentences", icon="TRASH")
        else:
            layout.label(text="Nothing was generated yet.")


def draw_sentence(layout: Any, context: bpy.types.Context, method: Method, settings: Any, missing: Needs, group: Any) -> None:
    """Draw what the method needs of the user; of `missing`, which isn't there, the way to get it."""
    from ..scene import versions

    row = layout.row(align=True)
    row.prop(group, "text", text="", icon="TEXT", placeholder="a red apple on a wooden table")
    row.menu(VIEW3D_MT_reify_sentences.bl_idname, text="", icon="RECOVER_LAST")
    column = layout.column()
    column.use_property_split, column.use_property_decorate = True, False
    row = column.row(align=True)
    row.prop(group, "model")
    row.popover(VIEW3D_PT_reify_models.bl_idname, text="More Models…")
    column.prop(group, "style")
    column.prop(context.scene.reify, "seed")
    column.prop(context.scene.reify, "variants")
    if context.scene.reify.variants == 1 and versions.older(context.scene, method.id, (), group.text.strip()):
        layout.row().prop(context.scene.reify, "version", expand=True)
    if group.model != "assemble":
        _draw_model(layout, context, method, settings, missing)
        return
    found = understood(group.text, models.found("minilm") is not None, group.reading)
    row = layout.row()
    row.scale_y = 1.6
    row.enabled = found.possible
    row.operator("reify.create", icon="SHADERFX")
    if not group.text.strip():
        text(layout, context, "Write what to make: things, their colors and materials, how many, and where they stand.", icon="INFO")
        return
    _draw_remake(layout, context)
    if found.problem:
        text(layout, context, found.problem, icon="ERROR")
    if found.lines:
        _draw_understood(layout, found)


def _draw_understood(layout: Any, found: Understood) -> None:
    """Things, then relations; each line is a button that changes it."""
    header, body = layout.panel("reify_understood")
    header.label(text="Understood (Changed)" if found.edited else "Understood")
    if found.edited:
        header.operator("reify.read_anew", text="", icon="LOOP_BACK", emboss=False)
    if body is None:
        return
    column = body.column(align=True)
    for line, kind, number in found.lines:
        if not kind:
            column.label(text=line, icon="OBJECT_DATA", translate=False)
            continue
        row = column.row(align=True)
        row.alignment = "LEFT"
        icon = "LINKED" if kind == "relation" else "OBJECT_DATA"
        button = row.operator(f"reify.edit_{kind}", text=line, icon=icon, translate=False, emboss=False)
        button.index = number
    row = body.row(align=True)
    row.operator("reify.edit_thing", text="Thing", icon="ADD").index = -1
    row.operator("reify.edit_relation", text="Relation", icon="ADD").index = -1


def _draw_model(layout: Any, context: bpy.types.Context, method: Method, settings: Any, missing: Needs) -> None:
    """Generate for a model, which takes any sentence; what it needs and isn't there comes with the button that gets it."""
    from ..backend.jobs.standing import about

    row = layout.row()
    row.scale_y = 1.6
    row.enabled = bool(settings.text.strip()) and not missing
    row.operator("reify.create", icon="SHADERFX")
    if not settings.text.strip():
        text(layout, context, "Write what to make: one object, its colors and its material.", icon="INFO")
    _draw_remake(layout, context)
    draw_missing(layout, context, method, settings, missing)
    taken = None if missing else estimates.seconds(method, settings, ())
    if taken is not None:
        text(layout, context, say("About {time} on this machine", time=about(taken)), icon="TIME")


def _draw_remake(layout: Any, context: bpy.types.Context) -> None:
    if part_of(context.object) is not None:
        layout.operator("reify.remake_part", icon="FILE_REFRESH")


register, unregister = bpy.utils.register_classes_factory((VIEW3D_MT_reify_sentences,))
