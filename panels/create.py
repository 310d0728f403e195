"""The first panel: what to make it from, Generate, and in the same place the running job."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..backend.values import Photos
from ..session import estimates, needs, photo_looks, properties, queue
from ..session.properties import changed, chosen_method, group_of, settings_or_default
from ..session.sources import listed
from ..session.texts import name_of
from ..translations import number, told
from . import from_text, icons
from .engine import draw_packages
from .missing import draw_missing
from .parts import EXPERT, PICTURE_SHARE, SidebarPanel, figures, say, text
from .queue import draw_interrupted

if TYPE_CHECKING:
    from ..backend.jobs.runner import Task
    from ..backend.jobs.standing import Standing
    from ..backend.methods import Method

MOST_SOURCES = 8  # lines of the list
MOST_WEAK, MOST_PHOTOS = 12, 60  # small pictures of photos: of those that stand out, and of all
PICTURE_COLUMNS = 4


class VIEW3D_PT_reify(SidebarPanel, bpy.types.Panel):
    """Make Blender objects from photos."""

    bl_label = "Reify"
    bl_idname = "VIEW3D_PT_reify"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw sources and Generate, or the running job."""
        layout = self.layout
        if not properties.ready():
            properties.prepare()
            layout.label(text="Loading…")
            return
        task = queue.current()
        draw_interrupted(layout, context)
        if task is None:
            _draw_create(layout, context)
            return
        _draw_running(layout, context, task)
        header, body = layout.panel("reify_next", default_closed=True)
        header.label(text="Queue Another")
        if body is not None:
            _draw_create(body, context)


def _draw_create(layout: Any, context: bpy.types.Context) -> None:
    from ..backend.methods import all_methods

    scene = context.scene
    method = chosen_method(scene)
    if len(all_methods()) > 1:
        layout.prop(scene.reify, "method", text="")
    settings = settings_or_default(scene, method)
    missing = needs.missing(method, settings)
    if missing.packages and not needs.installed(method):
        draw_packages(layout, context, missing.packages)
        return
    group = group_of(scene, method)
    if not method.takes_files:
        from_text.draw_sentence(layout, context, method, settings, missing, group)
        return
    _draw_buttons(layout, method, group, bool(missing))
    # What grows comes below what is pressed: buttons don't move away under the mouse.
    if not group.sources:
        text(layout, context, say(method.summary) + ".")
        text(layout, context, "Generate needs a folder or files first.", icon="INFO")
    draw_missing(layout, context, method, settings, missing)
    if group.sources and not missing:
        _draw_estimates(layout, context, method, settings, group)
    made_before = _draw_older(layout, context, method, group)
    if different := changed(method, group):
        text(layout, context, say("Changed: {settings}", settings=", ".join(say(option.label) for option in different)))
    overview = photo_looks.of(listed(group)) if Photos in method.takes else None
    if overview is not None:
        _draw_photos(layout, context, group, overview, made_before)
    if group.sources:
        _draw_list(layout, method, group, len(overview.paths) if overview is not None else 0)


def _draw_photos(layout: Any, context: bpy.types.Context, group: Any, overview: photo_looks.Overview, made_before: bool) -> None:
    """Which photos stand out and by what, what to do about it, and small pictures.

    Once something was made of them the choice alone stays: the result's own panel follows, and must be in sight.
    """
    if not overview.paths:
        return
    if weak := overview.weak:
        for sentence in () if made_before else overview.sentences:
            text(layout, context, sentence, icon="ERROR")
        row = layout.row(align=True)
        row.prop_enum(group, "capture__weak_photos", "keep", text=say("Use All {count}", count=number(len(overview.paths))))
        row.prop_enum(group, "capture__weak_photos", "leave_out", text=say("Leave Out {count}", count=number(len(weak))))
        if not made_before:
            _draw_pictures(layout, overview, weak[:MOST_WEAK])
    header, body = layout.panel("reify_photos", default_closed=True)
    header.label(text="All Photos")
    if body is not None:
        step = -(-len(overview.paths) // MOST_PHOTOS)
        _draw_pictures(body, overview, range(0, len(overview.paths), step))


def _draw_pictures(layout: Any, overview: photo_looks.Overview, chosen: Iterable[int]) -> None:
    """Small pictures of photos, with their names and, where there is one, what is the matter with them."""
    grid = layout.grid_flow(row_major=True, columns=PICTURE_COLUMNS, even_columns=True, align=True)
    for index in chosen:
        picture, fault = overview.thumbnails[index], overview.faults[index]
        cell = grid.column(align=True)
        if picture is not None:
            cell.template_icon(icons.of_pixels(str(overview.paths[index]), picture), scale=3.0)
        cell.label(text=Path(overview.names[index]).stem, translate=False, icon="ERROR" if fault else "NONE")
        if fault:
            cell.label(text=told(fault), translate=False)


def _draw_buttons(layout: Any, method: Method, group: Any, lacks: bool) -> None:
    row = layout.row(align=True)
    row.operator("reify.add_folder", text="Folder", icon="FILE_FOLDER")
    row.operator("reify.add_files", text="Files", icon="FILE_IMAGE")
    row.operator("reify.add_image", text="", icon="IMAGE_DATA")
    _draw_presets(layout, method, group)
    row = layout.row()
    row.scale_y = 1.6
    row.enabled = bool(group.sources) and not lacks
    row.operator("reify.create", icon="SHADERFX")


def _draw_presets(layout: Any, method: Method, group: Any) -> None:
    """The presets, the shortest first, with what each takes on this machine where that is known.

    There are as many rows without sources as with them: Generate, below, stays where it is.
    """
    from ..backend.jobs.standing import about

    timed = dict(estimates.of_presets(method, listed(group)) if group.sources else [])
    column = layout.column(align=True)
    for name in (*timed, *(name for name in method.presets if name not in timed)):
        label = say("{preset}: about {time}", preset=say(name), time=about(timed[name])) if name in timed else say(name)
        column.prop_enum(group, "preset", name, text=label)


def _draw_estimates(layout: Any, context: bpy.types.Context, method: Method, settings: Any, group: Any) -> None:
    """What these settings would take on this machine."""
    from ..backend.jobs.standing import about

    taken = estimates.seconds(method, settings, listed(group))
    if taken is not None:
        text(layout, context, say("About {time} on this machine", time=about(taken)), icon="TIME")
    if plan := estimates.memory(method, settings):
        text(layout, context, plan, icon="MEMORY")


def _draw_older(layout: Any, context: bpy.types.Context, method: Method, group: Any) -> bool:
    """Where the result goes, where the same sources have been made something of before; returns whether they have."""
    from ..scene import versions

    older = versions.older(context.scene, method.id, map(str, listed(group)))
    if older:
        text(layout, context, say("{name} was made of these, too.", name=older[-1].name))
        layout.row().prop(context.scene.reify, "version", expand=True)
    return bool(older)


def _draw_list(layout: Any, method: Method, group: Any, photos: int) -> None:
    """How many sources there are and where, with what can be done with all of them; each by itself in a panel that is closed at first."""
    header, body = layout.panel("reify_sources", default_closed=True)
    header.label(text=_counted(group.sources, photos), translate=False)
    for other in _others(method):
        button = header.operator("reify.use_sources_for", text=say(other.title), translate=False, icon="FILE_REFRESH", emboss=False)
        button.method = other.id
    header.operator("reify.remove_source", text="", icon="TRASH", emboss=False).index = -1
    if body is None:
        return
    column = body.column(align=True)
    for index, source in enumerate(group.sources[:MOST_SOURCES]):
        row = column.row(align=True)
        row.label(
            text=source.label,
            translate=False,
            icon="IMAGE_DATA" if source.image else "FILE_IMAGE" if "." in source.label else "FILE_FOLDER",
        )
        row.operator("reify.remove_source", text="", icon="X", emboss=False).index = index
    if len(group.sources) > MOST_SOURCES:
        column.label(text=say("… and {count} more", count=len(group.sources) - MOST_SOURCES), translate=False)


def _others(method: Method) -> list[Method]:
    """The other methods that take pictures, as this one does."""
    from ..backend.methods import all_methods
    from ..backend.values import Photos, Pictures

    pictures = {Photos, Pictures}
    if not pictures & set(method.takes):
        return []
    return [other for other in all_methods().values() if other != method and pictures & set(other.takes)]


def _counted(sources: Any, photos: int) -> str:
    """How many there are and in which folder: "49 photos · snowmiku"; of a single one its name."""
    if len(sources) == 1:
        return f"{say('{count} photos', count=number(photos))} · {sources[0].label}" if photos else str(sources[0].label)
    folders = {Path(bpy.path.abspath(source.path)).parent.name for source in sources if source.path}
    count = say("{count} photos", count=number(photos)) if photos else say("{count} sources", count=number(len(sources)))
    return f"{count} · {folders.pop()}" if len(folders) == 1 else count


def _draw_running(layout: Any, context: bpy.types.Context, task: Task) -> None:
    from ..backend.jobs.standing import standing

    progress, job = task.progress, task.job
    paused = job is not None and job.paused
    stands = standing(progress, paused)
    row = layout.row(align=True)
    row.label(text=name_of(task), translate=False)
    row.operator("reify.rename", text="", icon="GREASEPENCIL", emboss=False).number = task.number
    if progress is None:
        layout.progress(factor=0.0, text="Waiting" if job is None else "Starting")
    else:
        layout.progress(factor=stands.fraction, text=stands.percent)
    row = layout.row(align=True)
    row.operator("reify.pause", text="Resume" if paused else "Pause", icon="PLAY" if paused else "PAUSE").number = task.number
    row.operator("reify.cancel", icon="X").number = task.number
    if progress is not None and progress.can_keep:
        layout.operator("reify.keep", icon="CHECKMARK").number = task.number
    if progress is not None:
        _draw_figures(layout, context, task, stands, paused)
    for warning in task.warnings:
        text(layout, context, warning, icon="ERROR")


def _draw_figures(layout: Any, context: bpy.types.Context, task: Task, stands: Standing, paused: bool) -> None:
    """What is done and how long it still takes; what only experts read in a panel that is closed at first."""
    progress = task.progress
    assert progress is not None
    stage = say("{stage} (paused)", stage=say(stands.stage)) if paused else say(stands.stage)
    lines = [stage, say("{time} left", time=stands.left) if stands.left else "", stands.text]
    plain = {name: value for name, value in progress.figures.items() if name not in EXPERT}
    for line in filter(None, (*lines, *(figures({name: value}) for name, value in plain.items()))):
        text(layout, context, line)
    if len(plain) == len(progress.figures) and len(task.curve.values) < 2:
        return
    header, body = layout.panel("reify_figures", default_closed=True)
    header.label(text="Figures")
    if body is None:
        return
    share = 1.0
    if len(task.curve.values) > 1:
        body, share = body.split(factor=PICTURE_SHARE), 1.0 - PICTURE_SHARE
        body.template_icon(icons.of_curve(task.curve), scale=4.0)
        body = body.column(align=True)
    for name in EXPERT:
        if name in progress.figures:
            text(body, context, figures({name: progress.figures[name]}), share=share)


register, unregister = bpy.utils.register_classes_factory((VIEW3D_PT_reify,))
