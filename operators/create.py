"""Generate and Regenerate: from the panel they return at once, from a script when it is done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..session import history, start
from ..session.properties import chosen_method, group_of, read_settings
from ..session.sources import paths_of
from .reported import reported

if TYPE_CHECKING:
    from ..backend.jobs.runner import Task


class REIFY_OT_create(bpy.types.Operator):
    """Make Blender objects from the sources, in the background; until they are there, Blender asks before it closes"""

    bl_idname = "reify.create"
    bl_label = "Generate"
    bl_options = {"REGISTER"}

    method: bpy.props.StringProperty(
        name="Method", description="Id of the method; empty for the one that the panel shows", options={"SKIP_SAVE"}
    )
    source: bpy.props.StringProperty(
        name="Source", description="File or folder; empty for the panel's sources", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    preset: bpy.props.StringProperty(name="Preset", description="Name of a preset; empty for the panel's settings", options={"SKIP_SAVE"})

    variants: bpy.props.IntProperty(
        name="Variants", description="How many, by as many seeds; 0 for as many as the panel says", min=0, options={"SKIP_SAVE"}
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start and return at once."""
        return reported(self, lambda: self._start(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start and wait."""
        return reported(self, lambda: start.wait(*self._start(context)))

    def _start(self, context: bpy.types.Context) -> list[Task]:
        from ..backend.methods import method_called

        scene = context.scene
        method = method_called(self.method) if self.method else chosen_method(scene)
        group = group_of(scene, method)
        settings = method.preset(self.preset) if self.preset else read_settings(method, group)
        if not method.takes_files:
            history.remember(settings.text)
        paths = (Path(bpy.path.abspath(self.source)),) if self.source else paths_of(group)
        of_panel = scene.reify.variants if method.varies is not None and method.varies(settings) else 1
        return start.start_all(method, paths, settings, scene, scene.reify.seed, self.variants or of_panel)


class REIFY_OT_regenerate(bpy.types.Operator):
    """Make the selected result again, from the same sources with the same settings; the new one takes its place"""

    bl_idname = "reify.regenerate"
    bl_label = "Regenerate"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only objects of Reify's making can be made again."""
        from ..scene import provenance

        cls.poll_message_set("Select an object that Reify has made")
        return bool((provenance.read(context.object) or {}).get("method"))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start and return at once."""
        return reported(self, lambda: start.again(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start and wait."""
        return reported(self, lambda: start.wait(start.again(context)))


class REIFY_OT_use_settings(bpy.types.Operator):
    """Bring the sources and the settings that made the selected result back into the panel, to change them and generate a new version"""

    bl_idname = "reify.use_settings"
    bl_label = "Use These Settings"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only objects of Reify's making have some."""
        return bool(REIFY_OT_regenerate.poll(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Show them."""
        return reported(self, lambda: start.reuse(context))


CLASSES = (REIFY_OT_create, REIFY_OT_regenerate, REIFY_OT_use_settings)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
