"""The engine's parts as this Blender has them: where they lie, what there is of each, and installing them beside the queue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..backend.engine.requirements import ENGINE as ENGINE_PART
from ..backend.engine.requirements import TORCH as TORCH_PART
from ..backend.errors import ReifyError
from ..scene import preferences
from .side_jobs import INSTALLER

if TYPE_CHECKING:
    from ..backend.engine import install as installing
    from ..backend.engine.place import Place, State
    from ..backend.jobs.job import Job
    from ..backend.values import Result

ENGINE, TORCH = ENGINE_PART.name, TORCH_PART.name
TITLES = {ENGINE: "Installing the engine", TORCH: "Installing torch"}

_seen: dict[str, State] = {}  # panels ask at every redraw, and looking takes milliseconds


def place(part: str = ENGINE) -> Place:
    """Where a part of this Blender's engine lies."""
    from ..backend.engine.place import Place

    return Place(preferences.user_folder("engine"), TORCH_PART if part == TORCH else ENGINE_PART)


def plan(part: str = ENGINE, wheels: Path | None = None) -> tuple[installing.Plan, str]:
    """What would be installed here for a part, and why this build of torch."""
    from ..backend.engine import builds
    from ..backend.engine.install import Plan

    addon = preferences.of_addon()
    build, why = builds.fitting(getattr(addon, "torch_build", "AUTO").lower())
    return Plan(place(part), build, online=bpy.app.online_access, wheels=wheels), why


def state(part: str = ENGINE) -> State:
    """The state of a part, as of the last change by us."""
    if part not in _seen:
        _seen[part] = place(part).state()
    return _seen[part]


def install(part: str = ENGINE, wheels: Path | None = None) -> None:
    """Begin to install a part, from the network or a folder of wheels; raises ReifyError where the network may not be used."""
    if wheels is None and not bpy.app.online_access:
        what = "Online access is off: Blender was started offline." if bpy.app.online_access_override else "Online access is off."
        raise ReifyError(what, "Allow it in Preferences › System › Network, or install from a folder of wheels.")
    title, (chosen_plan, _why) = TITLES[part], plan(part, wheels)
    INSTALLER.start(title, lambda job: _install(title, chosen_plan, job), ended=_seen.clear)


def remove(part: str = ENGINE) -> None:
    """Delete a part from the disk, and with the engine all of it; raises ReifyError where the system refuses."""
    from ..backend.engine import install as installing

    for one in (TORCH, ENGINE) if part == ENGINE else (TORCH,):
        installing.uninstall(place(one))
    forget()


def forget() -> None:
    """Drop what is known of an installation that ended, and look at the disk again."""
    _seen.clear()
    INSTALLER.forget()


def _install(title: str, chosen_plan: installing.Plan, job: Job) -> Result:
    from ..backend.values import Result

    job.stage(title, _install_stage, chosen_plan)
    return Result(name="Engine", report=job.report)


def _install_stage(chosen_plan: installing.Plan, *, job: Job) -> dict[str, str]:
    from ..backend.engine import install as installing

    return installing.install(chosen_plan, job=job)


def register() -> None:
    """Make the parts that are there importable."""
    if preferences.user_folder("engine").is_dir():
        for part in (ENGINE, TORCH):
            here = place(part)
            here.sweep()
            here.use()


def unregister() -> None:
    """Take them back."""
    forget()
    for part in (ENGINE, TORCH):
        place(part).leave()
