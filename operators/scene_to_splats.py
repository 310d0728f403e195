"""Objects of the scene, rendered from all around, become splats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..session import start
from ..session.properties import group_of, read_settings
from .reported import reported

if TYPE_CHECKING:
    from ..backend.jobs.runner import Task


class REIFY_OT_scene_to_splats(bpy.types.Operator):
    """Render the selected objects from all around, with this scene's engine and light, and train splats on the pictures"""

    bl_idname = "reify.scene_to_splats"
    bl_label = "Scene to Splats"
    bl_options = {"REGISTER"}

    views: bpy.props.IntProperty(name="Views", description="Number of pictures", default=60, min=8, max=1000)
    size: bpy.props.IntProperty(name="Size", description="Width and height of the pictures", default=800, min=32, max=8192, subtype="PIXEL")
    alone: bpy.props.BoolProperty(
        name="Selection Alone", description="Hide all else from the cameras; its light, shadows and reflections stay", default=True
    )
    folder: bpy.props.StringProperty(
        name="Folder",
        description="New folder for the pictures; empty for one beside the .blend, or among Reify's own files where that isn't saved",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )
    preset: bpy.props.StringProperty(
        name="Preset", description="Name of a preset of From Photos; empty for the panel's settings", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Something must be selected."""
        cls.poll_message_set("Select the objects that are to become splats")
        return context.mode == "OBJECT" and bool(context.selected_objects)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask for the number of pictures first; where the dialog is confirmed, rendering waits and training doesn't."""
        self._waits = False
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Render, and train: a script waits for the splats."""
        waits = getattr(self, "_waits", True)
        return reported(self, lambda: start.wait(*self._start(context)) if waits else self._start(context))

    def _start(self, context: bpy.types.Context) -> list[Task]:
        from ..backend.methods import method_called
        from ..scene.scene_capture import capture_scene
        from ..session import needs

        method, scene, manager = method_called("photos"), context.scene, context.window_manager
        settings = method.preset(self.preset) if self.preset else read_settings(method, group_of(scene, method))
        needs.check(method, settings)
        folder = self._folder(context)
        manager.progress_begin(0, 100)
        try:
            capture_scene(
                scene,
                context.selected_objects,
                folder,
                views=self.views,
                size_px=self.size,
                alone=self.alone,
                progress=lambda fraction: manager.progress_update(100 * fraction),
            )
        finally:
            manager.progress_end()
        return start.start_all(method, (folder,), settings, scene, scene.reify.seed)

    def _folder(self, context: bpy.types.Context) -> Path:
        from ..scene import preferences

        if self.folder:
            return Path(bpy.path.abspath(self.folder))
        parent = Path(bpy.data.filepath).parent if bpy.data.filepath else preferences.user_folder("captures")
        active = context.object or context.selected_objects[0]
        name = f"{bpy.path.clean_name(active.name)} Capture"
        names = (name if number == 1 else f"{name} {number}" for number in range(1, 1000))
        return next(parent / each for each in names if not (parent / each).exists())


register, unregister = bpy.utils.register_classes_factory((REIFY_OT_scene_to_splats,))
