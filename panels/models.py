"""Pretrained weights: what there is and what for, how far it was proven, its license, and the buttons that get or remove it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..session import models
from ..session.side_jobs import MODELS
from .parts import SidebarPanel, say, text
from .side_jobs import draw_side_job

if TYPE_CHECKING:
    from ..backend.networks.library.entry import Entry


class VIEW3D_PT_reify_models(SidebarPanel, bpy.types.Panel):
    """Pretrained weights for learned methods."""

    bl_label = "Models"
    bl_idname = "VIEW3D_PT_reify_models"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the running download, or why the last one failed, and a box for each model."""
        _draw_task(self.layout, context)
        for entry in models.entries():
            _draw_entry(self.layout.box(), context, entry)


def draw_get(layout: Any, context: bpy.types.Context, name: str) -> None:
    """Draw, in the place of what can't run without a model, the button that brings it, or its download."""
    if not _draw_task(layout, context):
        _draw_buttons(layout, models.entry(name))


def _draw_task(layout: Any, context: bpy.types.Context) -> bool:
    """Draw what is being fetched; True while something is."""
    if MODELS.busy:
        draw_side_job(layout, context, MODELS)
        return True
    if MODELS.task is not None and MODELS.task.failure is not None:
        text(layout, context, f"{MODELS.task.failure.what} {MODELS.task.failure.fix}", icon="ERROR")
    return False


def _draw_entry(box: Any, context: bpy.types.Context, entry: Entry) -> None:
    found = models.found(entry.id)
    box.label(text=entry.title, icon="CHECKMARK" if found is not None else "IMPORT", translate=False)
    text(box, context, say(entry.use) + ".")
    text(box, context, say("License: {license}, {proof}", license=entry.license.name, proof=say(entry.proof.value)))
    if found is None:
        _draw_buttons(box, entry)
        return
    text(box, context, say("In {folder}", folder=found.folder))
    row = box.row(align=True)
    row.operator("reify.verify_model", icon="FILE_TICK").model = entry.id
    row.operator("reify.remove_model", text="", icon="TRASH").model = entry.id


def _draw_buttons(layout: Any, entry: Entry) -> None:
    row = layout.row(align=True)
    if bpy.app.online_access:
        title = say("Get {model} ({size} MB)…", model=entry.title, size=round(entry.bytes / 1e6))
        row.operator("reify.get_model", text=title, translate=False, icon="IMPORT").model = entry.id
    else:
        row.operator("extensions.userpref_allow_online", text="Allow Online Access", icon="INTERNET")
    row.operator("reify.import_model", text="", icon="FILE_FOLDER").model = entry.id


register, unregister = bpy.utils.register_classes_factory((VIEW3D_PT_reify_models,))
