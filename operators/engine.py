"""Install, cancel and remove the engine, and tell the panels how that goes. It has a runner of its own: jobs don't wait for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..scene import chosen
from ..translations import told
from .redraw import redraw
from .reported import reported

if TYPE_CHECKING:
    from ..backend.engine import install
    from ..backend.engine.place import Place, State
    from ..backend.jobs.job import Job
    from ..backend.jobs.runner import Runner, Task
    from ..backend.values import Result

TICK_S = 0.25

_runner: Runner | None = None


def place() -> Place:
    """Where this Blender's engine lies."""
    from ..backend.engine.place import Place

    return Place(chosen.user_folder("engine"))


def task() -> Task | None:
    """The installation that runs, or the last one that ended."""
    return _runner.tasks[-1] if _runner is not None and _runner.tasks else None


def busy() -> bool:
    """True while an installation runs."""
    return _runner is not None and _runner.busy


def plan(wheels: Path | None = None) -> tuple[install.Plan, str]:
    """What would be installed here, and why this build."""
    from ..backend.engine import builds, install

    preferences = chosen.preferences()
    build, why = builds.fitting(getattr(preferences, "torch_build", "AUTO").lower())
    return install.Plan(place(), build, online=bpy.app.online_access, wheels=wheels), why


class REIFY_OT_install_engine(bpy.types.Operator):
    """Install the packages that do the computing into Reify's own folder; nothing of Blender or the system changes"""

    bl_idname = "reify.install_engine"
    bl_label = "Install Engine"

    wheels: bpy.props.StringProperty(
        name="Folder of Wheels", description="Install from .whl files in this folder instead of the network", subtype="DIR_PATH"
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """One at a time."""
        cls.poll_message_set("The engine is being installed")
        return not busy()

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
        from ..backend.jobs.job import Job
        from ..backend.jobs.runner import Runner, Task
        from ..backend.jobs.terminal import drain

        global _runner
        _runner = _runner or Runner()
        chosen_plan, _why = plan(Path(bpy.path.abspath(self.wheels)) if self.wheels else None)
        work = Task("Installing the engine", lambda job: _install(chosen_plan, job), lambda listener: Job(listener=listener))
        started = _runner.submit(work)
        if not wait:
            bpy.app.timers.register(_tick, first_interval=TICK_S, persistent=True)
            return {"FINISHED"}
        drain(started)
        _seen.clear()
        if started.failure is not None:
            self.report({"ERROR"}, told(f"{started.failure.what} {started.failure.fix}"))
            return {"CANCELLED"}
        return {"FINISHED"}


class REIFY_OT_install_engine_from_folder(bpy.types.Operator):
    """Install the engine from a folder of .whl files, without the network"""

    bl_idname = "reify.install_engine_from_folder"
    bl_label = "Install from Folder…"

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
        return set(bpy.ops.reify.install_engine("EXEC_DEFAULT", wheels=self.directory))


class REIFY_OT_cancel_engine(bpy.types.Operator):
    """End the installation; what was downloaded is kept for the next attempt"""

    bl_idname = "reify.cancel_engine"
    bl_label = "Cancel"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Cancel."""
        if running := task():
            running.cancel()
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

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Not while it is being installed."""
        cls.poll_message_set("The engine is being installed")
        return not busy()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove."""
        from ..backend.engine import install

        if reported(self, lambda: install.uninstall(place())) == {"CANCELLED"}:
            return {"CANCELLED"}
        forget()
        self.report({"INFO"}, "The engine is gone; packages that are in use stay so until Blender is closed")
        return {"FINISHED"}


def forget() -> None:
    """Drop what is known of installations that ended, and look at the disk again."""
    _seen.clear()
    for ended in _runner.tasks if _runner is not None else ():
        _runner.forget(ended)


_seen: dict[str, Any] = {}  # panels ask at every redraw, and looking takes milliseconds


def state() -> State:
    """The engine's state, as of the last change by us."""
    if "state" not in _seen:
        _seen["state"] = place().state()
    return _seen["state"]


def size_gib() -> float:
    """About how much installing would take on the disk."""
    if "size" not in _seen:
        _seen["size"] = plan()[0].gib
    return _seen["size"]


def _install(chosen_plan: install.Plan, job: Job) -> Result:
    from ..backend.values import Result

    job.stage("Installing the engine", _install_stage, chosen_plan)
    return Result(name="Engine", report=job.report)


def _install_stage(chosen_plan: install.Plan, *, job: Job) -> dict[str, str]:
    from ..backend.engine import install

    return install.install(chosen_plan, job=job)


def _no_access() -> str:
    override = " Blender was started offline." if bpy.app.online_access_override else ""
    return f"Online access is off.{override} Allow it in Preferences › System › Network, or install from a folder of wheels."


def _tick() -> float | None:
    redraw()
    if busy():
        return TICK_S
    _seen.clear()
    return None


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
        here = place()
        here.sweep()
        here.use()


def unregister() -> None:
    """End an installation, and take everything back."""
    if _runner is not None:
        _runner.stop()
    forget()
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    place().leave()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
