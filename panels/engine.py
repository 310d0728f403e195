"""The engine: what is there of its parts, the button that installs each, and in the same place the running installation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import bpy

from ..backend.engine.requirements import TORCH, parts_of
from ..session import engine
from ..session.side_jobs import INSTALLER
from ..translations import number
from .parts import say, text
from .side_jobs import draw_self_test, draw_side_job

if TYPE_CHECKING:
    from ..backend.engine.install import Plan
    from ..backend.engine.place import State


def draw_engine(layout: Any, context: bpy.types.Context) -> None:
    """Draw it into the preferences, or into the panel as long as the engine is missing."""
    if _draw_task(layout, context):
        return
    state = engine.state()
    if state.usable:
        _draw_installed(layout, context, engine.ENGINE)
    else:
        _draw_absent(layout, context, engine.ENGINE)
    _draw_torch(layout.box(), context)
    if state.usable:
        draw_self_test(layout, context)


def draw_packages(layout: Any, context: bpy.types.Context, modules: Sequence[str]) -> None:
    """Draw, in the place of what can't run without these modules, the button that brings them."""
    if engine.state().usable and TORCH in parts_of(modules):
        if not _draw_task(layout, context):
            _draw_torch(layout, context)
    else:
        draw_engine(layout, context)


def _draw_task(layout: Any, context: bpy.types.Context) -> bool:
    """Draw the installation that runs, or why the last one failed; True where nothing else is to be drawn."""
    if INSTALLER.busy:
        draw_side_job(layout, context, INSTALLER)
        return True
    task = INSTALLER.task
    if task is not None and task.failure is not None:
        text(layout, context, f"{task.failure.what} {task.failure.fix}", icon="ERROR")
        layout.operator("reify.open_engine_log", icon="TEXT")
    return False


def _draw_absent(layout: Any, context: bpy.types.Context, name: str) -> None:
    """What a part is for, what it takes and where it goes, and the buttons that install it."""
    plan, why = engine.plan(name)
    state = engine.state(name)
    if state.name != "ABSENT":
        text(layout, context, say(state.value) + ".", icon="INFO")
    text(layout, context, plan.place.part.use)
    if plan.has_torch:
        text(layout, context, say("For: {build}. {why}.", build=say(plan.build.title), why=say(why)))
    sizes = {"size": _size(plan), "disk": plan.gib, "folder": plan.place.root}
    if plan.megabytes:
        text(layout, context, say("About {size} to download, {disk} GB on the disk, in {folder}", **sizes))
    else:
        text(layout, context, say("About {disk} GB on the disk, in {folder}", **sizes))
    if plan.unchecked:
        text(layout, context, plan.unchecked, icon="ERROR")
    if not plan.online:
        text(layout, context, "Blender's online access is off.", icon="INFO")
    row = layout.row()
    row.scale_y = 1.6
    if plan.online:
        row.operator("reify.install_engine", text=_verb(state, plan.has_torch), icon="IMPORT").part = name
    else:
        row.operator("extensions.userpref_allow_online", text="Allow Online Access", icon="INTERNET")
    layout.operator("reify.install_engine_from_folder", icon="FILE_FOLDER").part = name


def _size(plan: Plan) -> str:
    return f"{plan.megabytes} MB" if plan.megabytes < 1000 else f"{number(plan.megabytes / 1000, 2)} GB"


def _verb(state: State, torch: bool) -> str:
    verbs = {"UNFINISHED": "Repair Engine", "OUTDATED": "Update Engine"}
    of_torch = {"UNFINISHED": "Repair Torch", "OUTDATED": "Update Torch"}
    return of_torch.get(state.name, "Install Torch") if torch else verbs.get(state.name, "Install Engine")


def _draw_torch(layout: Any, context: bpy.types.Context) -> None:
    """The second choice: what it is for, and the button once the engine is there."""
    layout.label(text=TORCH.title)
    if engine.state(engine.TORCH).usable:
        _draw_installed(layout, context, engine.TORCH)
    elif engine.state().usable:
        _draw_absent(layout, context, engine.TORCH)
    else:
        plan, _why = engine.plan(engine.TORCH)
        text(layout, context, TORCH.use)
        text(layout, context, say("It can be added later, about {size}", size=_size(plan)) if plan.megabytes else "It can be added later")


def _draw_installed(layout: Any, context: bpy.types.Context, name: str) -> None:
    state = engine.state(name)
    elsewhere = name == engine.TORCH and state.name == "SYSTEM"  # of the system, or in an engine of an older version
    text(layout, context, say("Torch is there") + "." if elsewhere else say(state.value) + ".", icon="CHECKMARK")
    if state.name == "READY":
        place = engine.place(name)
        text(layout, context, ", ".join(f"{name} {version}" for name, version in place.stamp()["versions"].items() if version))
        text(layout, context, say("In {folder}", folder=place.folder))
        removing = layout.operator("reify.remove_engine", text="Remove Torch" if name == engine.TORCH else "Remove Engine", icon="TRASH")
        removing.part = name
