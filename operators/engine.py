"""Install, cancel and remove the engine, and tell the panels what is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..backend.engine.requirements import ENGINE as ENGINE_PART
from ..backend.engine.requirements import TORCH as TORCH_PART
from ..scene import chosen
from ..session.side_jobs import INSTALLER
from .reported import reported

if TYPE_CHECKING:
    from ..backend.engine import install
    from ..backend.engine.place import Place, State
    from ..backend.jobs.job import Job
    from ..backend.values import Result

ENGINE, TORCH = ENGINE_PART.name, TORCH_PART.name
TITLES = {ENGINE: "Installing the engine", TORCH: "Installing torch"}


def place(part: str = ENGINE) -> Place:
    """Where a part of this Blender's engine lies."""
    from ..backend.engine.place import Place

    return Place(chosen.user_folder("engine"), TORCH_PART if part == TORCH else ENGINE_PART)


def plan(part: str = ENGINE, wheels: Path | None = None) -> tuple[install.Plan, str]:
    """What would be installed here for a part, and why this build of torch."""
    from ..backend.engine import builds, install

    preferences = chosen.preferences()
    build, why = builds.fitting(getattr(preferences, "torch_build", "AUTO").lower())
    return install.Plan(place(part), build, online=bpy.app.online_access, wheels=wheels), why


def _part() -> Any:
    return bpy.props.EnumProperty(
        name="Part",
        description="Which part of the engine",
        items=((ENGINE, ENGINE_PART.title, ENGINE_PART.use), (TORCH, TORCH_PART.title, TORCH_PART.use)),
        default=ENGINE,
        options={"SKIP_SAVE"},
    )


class REIFY_OT_install_engine(bpy.types.Operator):
    """Install the packages that do the computing into Reify's own folder; nothing of Blender or the system changes"""

    bl_idname = "reify.install_engine"
    bl_label = "Install Engine"

    part: _part()
    wheels: bpy.props.StringProperty(
        name="Folder of Wheels", description="Install from .whl files in this folder instead of the network", subtype="DIR_PATH"
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """One at a time."""
        cls.poll_message_set("The engine is being installed")
        return not INSTALLER.busy

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start and return at once."""
        return self._start(wait=False)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start and wait, as scripts want it; at once where a file browser has just been closed."""
        return self._start(wait=bpy.app.background)

    def _start(self, wait: bool) -> set[str]:
        if not self.wheels and not bpy.app.online_access:
            self.report({"ERROR"}, _no_access())
            return {"CANCELLED"}
        title = TITLES[self.part]
        chosen_plan, _why = plan(self.part, Path(bpy.path.abspath(self.wheels)) if self.wheels else None)
        INSTALLER.start(title, lambda job: _install(title, chosen_plan, job), ended=_seen.clear)
        return reported(self, INSTALLER.wait) if wait else {"FINISHED"}


class REIFY_OT_install_engine_from_folder(bpy.types.Operator):
    """Install the engine from a folder of .whl files, without the network"""

    bl_idname = "reify.install_engine_from_folder"
    bl_label = "Install from Folder…"

    part: _part()
    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """One at a time."""
        return REIFY_OT_install_engine.poll(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the folder."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start."""
        return set(bpy.ops.reify.install_engine("EXEC_DEFAULT", part=self.part, wheels=self.directory))


class REIFY_OT_cancel_engine(bpy.types.Operator):
    """End the installation; what was downloaded is kept for the next attempt"""

    bl_idname = "reify.cancel_engine"
    bl_label = "Cancel"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Cancel."""
        INSTALLER.cancel()
        return {"FINISHED"}


class REIFY_OT_open_engine_log(bpy.types.Operator):
    """Open what pip said in the last installation"""

    bl_idname = "reify.open_engine_log"
    bl_label = "Open Log"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """After an installation."""
        cls.poll_message_set("Nothing has been installed yet")
        return place().log.is_file()

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Open it."""
        bpy.ops.wm.path_open(filepath=str(place().log))
        return {"FINISHED"}


class REIFY_OT_remove_engine(bpy.types.Operator):
    """Delete the engine from the disk; results stay, and it can be installed again"""

    bl_idname = "reify.remove_engine"
    bl_label = "Remove Engine"

    part: _part()

    @classmethod
    def description(cls, context: bpy.types.Context, properties: Any) -> str:
        """What is deleted."""
        return "Delete torch from the disk; everything that does without it goes on working" if properties.part == TORCH else ""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Not while it is being installed."""
        cls.poll_message_set("The engine is being installed")
        return not INSTALLER.busy

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove the part, and with the engine all of it."""
        from ..backend.engine import install

        for part in (TORCH, ENGINE) if self.part == ENGINE else (TORCH,):
            place_of_part = place(part)
            if reported(self, lambda place=place_of_part: install.uninstall(place)) == {"CANCELLED"}:
                return {"CANCELLED"}
        forget()
        self.report({"INFO"}, "Removed; packages that are in use stay so until Blender is closed")
        return {"FINISHED"}


def forget() -> None:
    """Drop what is known of installations that ended, and look at the disk again."""
    _seen.clear()
    INSTALLER.forget()


_seen: dict[str, State] = {}  # panels ask at every redraw, and looking takes milliseconds


def state(part: str = ENGINE) -> State:
    """The state of a part, as of the last change by us."""
    if part not in _seen:
        _seen[part] = place(part).state()
    return _seen[part]


def _install(title: str, chosen_plan: install.Plan, job: Job) -> Result:
    from ..backend.values import Result

    job.stage(title, _install_stage, chosen_plan)
    return Result(name="Engine", report=job.report)


def _install_stage(chosen_plan: install.Plan, *, job: Job) -> dict[str, str]:
    from ..backend.engine import install

    return install.install(chosen_plan, job=job)


def _no_access() -> str:
    override = " Blender was started offline." if bpy.app.online_access_override else ""
    return f"Online access is off.{override} Allow it in Preferences › System › Network, or install from a folder of wheels."


CLASSES = (
    REIFY_OT_install_engine,
    REIFY_OT_install_engine_from_folder,
    REIFY_OT_cancel_engine,
    REIFY_OT_open_engine_log,
    REIFY_OT_remove_engine,
)


def register() -> None:
    """Make the operators known, and an engine that is there importable."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    if chosen.user_folder("engine").is_dir():
        for part in (ENGINE, TORCH):
            here = place(part)
            here.sweep()
            here.use()


def unregister() -> None:
    """End an installation, and take everything back."""
    INSTALLER.stop()
    _seen.clear()
    for part in (ENGINE, TORCH):
        place(part).leave()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
