"""Install, cancel and remove the engine's parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..backend.engine.requirements import ENGINE as ENGINE_PART
from ..backend.engine.requirements import TORCH as TORCH_PART
from ..session import engine
from ..session.engine import ENGINE, TORCH
from ..session.side_jobs import INSTALLER
from ..translations import told
from .reported import reported


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
        name="Folder of Wheels",
        description="Install from .whl files in this folder instead of the network",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """One at a time."""
        cls.poll_message_set("The engine is being installed")
        return not INSTALLER.busy

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start and return at once."""
        return reported(self, self._start)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start and wait, as scripts want it; at once where a file browser has just been closed."""

        def install() -> None:
            self._start()
            if bpy.app.background:
                INSTALLER.wait()

        return reported(self, install)

    def _start(self) -> None:
        engine.install(self.part, Path(bpy.path.abspath(self.wheels)) if self.wheels else None)


class REIFY_OT_install_engine_from_folder(bpy.types.Operator):
    """Install the engine from a folder of .whl files, without the network"""

    bl_idname = "reify.install_engine_from_folder"
    bl_label = "Install from Folder…"

    part: _part()
    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

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
        return engine.place().log.is_file()

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Open it."""
        bpy.ops.wm.path_open(filepath=str(engine.place().log))
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
        if reported(self, lambda: engine.remove(self.part)) == {"CANCELLED"}:
            return {"CANCELLED"}
        self.report({"INFO"}, told("Removed; packages that are in use stay so until Blender is closed"))
        return {"FINISHED"}


CLASSES = (
    REIFY_OT_install_engine,
    REIFY_OT_install_engine_from_folder,
    REIFY_OT_cancel_engine,
    REIFY_OT_open_engine_log,
    REIFY_OT_remove_engine,
)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
