"""What came of it: the ended jobs, also those of earlier sessions, and the result that the selected object belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..session import queue, results
from ..session.texts import name_of
from ..translations import told
from . import icons
from .parts import PICTURE_SHARE, SidebarPanel, headline, say, text

if TYPE_CHECKING:
    from ..backend.jobs.runner import Task

ICONS = {"done": "CHECKMARK", "failed": "ERROR", "canceled": "PANEL_CLOSE"}
ROLES = {"splats": "Splats", "mesh": "Mesh", "points": "Points"}
MOST_SHOWN = 6


class VIEW3D_PT_reify_results(SidebarPanel, bpy.types.Panel):
    """Ended jobs and their figures."""

    bl_label = "Results"
    bl_idname = "VIEW3D_PT_reify_results"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the selected result, then ended jobs, newest first."""
        from ..scene import provenance

        layout = self.layout
        ended = [task for task in reversed(queue.tasks()) if task.state.value in ICONS]
        stored = provenance.read(context.object)
        if stored is not None:
            _draw_selected(layout.box(), context, stored)
        elif provenance.is_unreadable(context.object):
            text(layout.box(), context, "Made by a version of Reify whose notes this one can't read.", icon="INFO")
        for task in ended[:MOST_SHOWN]:
            _draw_task(layout.box(), context, task)
        if len(ended) > MOST_SHOWN:
            header, body = layout.panel("reify_older_results", default_closed=True)
            header.label(text=say("{count} Older", count=len(ended) - MOST_SHOWN), translate=False)
            for task in ended[MOST_SHOWN:] if body is not None else ():
                _draw_task(body.box(), context, task)
        if not ended and stored is None and not provenance.is_unreadable(context.object):
            text(layout, context, "What you generate appears here. Select an object of a result to see how it was made.")


def _draw_task(layout: Any, context: bpy.types.Context, task: Task) -> None:
    row = layout.row(align=True)
    name = name_of(task)
    name = name if task.outcome is not None else f"{name}: {say(task.state.value)}"
    row.label(text=name, icon=ICONS[task.state.value], translate=False)
    row.operator("reify.rename", text="", icon="GREASEPENCIL", emboss=False).number = task.number
    row.operator("reify.show_details", text="", icon="TEXT", emboss=False).number = task.number
    row.operator("reify.forget", text="", icon="X", emboss=False).number = task.number
    if task.failure is not None:
        text(layout, context, task.failure.what)
        text(layout, context, task.failure.fix)
        row = layout.row(align=True)
        row.operator("reify.retry", icon="FILE_REFRESH").number = task.number
        row.operator("reify.show_details", text="Show Details").number = task.number
    elif task.outcome is not None:
        _draw_outcome(layout, context, task)
    else:
        layout.operator("reify.retry", icon="FILE_REFRESH").number = task.number
    for warning in task.warnings:
        text(layout, context, warning, icon="INFO")


def _draw_outcome(layout: Any, context: bpy.types.Context, task: Task) -> None:
    from ..backend.jobs.standing import clock

    assert task.outcome is not None
    body, share = layout, 1.0
    if (picture := queue.thumbnail(task)) is not None:
        body, share = layout.split(factor=PICTURE_SHARE), 1.0 - PICTURE_SHARE
        body.template_icon(icons.of_file(picture), scale=4.0)
    column = body.column(align=True)
    line = headline(task.outcome.metrics)
    for figure in filter(None, line.split(", ") if picture else [line]):
        text(column, context, figure, share=share)
    text(column, context, say("In {time}", time=clock(task.outcome.seconds)), share=share)
    row = layout.row(align=True)
    if results.is_here(task.id):
        row.operator("reify.find_result", icon="ZOOM_SELECTED").number = task.number
        row.operator("reify.regenerate_result", text="", icon="FILE_REFRESH").number = task.number
    elif task.context.possible:
        row.operator("reify.retry", text="Add to Scene", icon="IMPORT").number = task.number
    if results.collection_of(task.id) is not None:
        row.operator("reify.delete_result", text="", icon="TRASH").number = task.number
    if task.context.sources:
        row.operator("reify.open_folder", text="", icon="FILE_FOLDER").number = task.number


def _draw_selected(layout: Any, context: bpy.types.Context, stored: dict[str, Any]) -> None:
    from ..scene import coverage, photo_cameras, provenance

    collection = provenance.collection_of(context.object)
    layout.label(text=collection.name if collection is not None else context.object.name, icon="OUTLINER_COLLECTION", translate=False)
    if line := headline(stored["metrics"]):
        text(layout, context, line)
    if collection is not None:
        _draw_notes(layout, context, collection)
    chosen = stored.get("choices", {})
    if "cameras" in chosen:
        text(layout, context, say("Cameras: {what}", what=told(chosen["cameras"])))
    if "cameras checked" in chosen:
        text(layout, context, say("Cameras are {what}", what=told(chosen["cameras checked"])))
    if "left out" in chosen:
        text(layout, context, say("Not used: {what}", what=", ".join(map(told, chosen["left out"].split(", ")))))
    row = layout.row(align=True)
    row.operator("reify.regenerate", icon="FILE_REFRESH")
    row.operator("reify.use_settings", icon="SETTINGS")
    present = {provenance.role(member) for member in collection.objects} if collection is not None else {"mesh"}
    if collection is not None:
        row = layout.row(align=True)
        for role, label in ROLES.items():
            if role in present:
                row.operator("reify.show", text=label).role = role
        if count := len(photo_cameras.cameras_of(collection)):
            row = layout.row(align=True)
            shown = photo_cameras.are_shown(collection, context.view_layer)
            text_shown = say("{count} Cameras", count=count)
            row.operator("reify.show_cameras", text=text_shown, translate=False, icon="OUTLINER_OB_CAMERA", depress=shown)
            row.prop(collection, "reify_photo")
            dome = coverage.dome_of(collection)
            layout.operator("reify.show_coverage", icon="MESH_UVSPHERE", depress=dome is not None)
            for sentence in coverage.said(dome) if dome is not None else ():
                text(layout, context, sentence)
    row = layout.row(align=True)
    if "mesh" in present:
        row.operator("reify.export_result", icon="EXPORT")
    if "splats" in present:
        row.operator("reify.export_splats", icon="EXPORT")
    row.operator("reify.mark_asset", text="", icon="ASSET_MANAGER")
    _draw_placement(layout)


def _draw_notes(layout: Any, context: bpy.types.Context, collection: bpy.types.Collection) -> None:
    """Stars and note, and the versions of the same sources side by side with theirs."""
    from ..scene import notes, provenance

    row = layout.row(align=True)
    stars = notes.rating_of(collection)
    for number in range(1, notes.MOST_STARS + 1):
        row.operator("reify.rate", text="", icon="SOLO_ON" if number <= stars else "SOLO_OFF", emboss=False).stars = number
    row.operator("reify.note", text="Note", icon="GREASEPENCIL")
    if note := notes.notes_of(collection):
        text(layout, context, f"“{note}”")
    others = notes.versions_of(context.scene, collection)
    if len(others) < 2:
        return
    header, body = layout.panel("reify_versions", default_closed=False)
    header.label(text="Versions")
    for other in others if body is not None else ():
        row = body.row(align=True)
        button = row.operator("reify.select_version", text=other.name, translate=False, depress=other == collection)
        button.collection = other.name
        row.label(text=f"{notes.rating_of(other)} / {notes.MOST_STARS}", icon="SOLO_ON", translate=False)
        line = headline((provenance.read(other) or {"metrics": {}})["metrics"])
        text(body, context, ", ".join(filter(None, (line, notes.notes_of(other)))))


def _draw_placement(layout: Any) -> None:
    header, body = layout.panel("reify_placement", default_closed=True)
    header.label(text="Placement")
    if body is None:
        return
    column = body.column(align=True)
    for names in (("rest_on_floor", "set_ground"), ("stand_up", "turn_to_front"), ("set_size", "set_length")):
        row = column.row(align=True)
        for name in names:
            row.operator(f"reify.{name}")


register, unregister = bpy.utils.register_classes_factory((VIEW3D_PT_reify_results,))
