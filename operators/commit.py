"""Results into the scene, each in one undo step."""

from __future__ import annotations

from dataclasses import replace

import bpy

from ..session import conversion, queue
from ..session.results import TASK, show_new
from ..session.viewports import show_colors


class REIFY_OT_commit(bpy.types.Operator):
    """Put a finished result into the scene"""

    bl_idname = "reify.commit"
    bl_label = "Add Result"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    task: bpy.props.IntProperty(name="Task", description="Number of the finished task", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make the objects."""
        from ..backend.methods import all_methods
        from ..backend.values import Pictures
        from ..scene import commit as scene_commit
        from ..scene import rows, versions

        task = queue.find(self.task)
        if task is None or task.result is None:
            self.report({"ERROR"}, "The result is no longer there.")
            return {"CANCELLED"}
        target = task.context.target
        if target.of is not None:
            conversion.hand_over(context, task)[TASK] = task.id
            return {"FINISHED"}
        scene = bpy.data.scenes.get(target.scene) or context.scene
        fresh = scene_commit.is_fresh(scene)
        replaced: bpy.types.Collection | None = bpy.data.collections.get(target.replaces)
        result = replace(task.result, name=task.context.name or task.result.name)
        collection = scene_commit.commit(result, scene, replaces=replaced, on_floor=True)
        collection[TASK] = task.id
        if replaced is None:
            if versions.version(collection) > 1 or Pictures in all_methods()[task.context.method].takes:
                rows.set_aside(collection, scene)
            show_new(context, collection, fresh)
        show_colors(context.window_manager)
        return {"FINISHED"}


class REIFY_OT_show(bpy.types.Operator):
    """Show this of the result, and hide the others, which lie in the same place"""

    bl_idname = "reify.show"
    bl_label = "Show"
    bl_options = {"REGISTER", "UNDO"}

    role: bpy.props.EnumProperty(
        name="Show",
        description="What of the result to show",
        items=(
            ("splats", "Splats", "Show the splats"),
            ("mesh", "Mesh", "Show the textured mesh"),
            ("points", "Points", "Show the sparse points"),
        ),
        options={"SKIP_SAVE"},
    )
    collection: bpy.props.StringProperty(
        name="Collection", description="Name of the result; empty for the selected object's", options={"SKIP_SAVE"}
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Show and hide."""
        from ..scene import commit as scene_commit
        from ..scene import provenance

        found = bpy.data.collections.get(self.collection) or provenance.collection_of(context.object)
        if found is None:
            self.report({"ERROR"}, "Select an object that Reify has made.")
            return {"CANCELLED"}
        scene_commit.show_only(found, self.role)
        return {"FINISHED"}


CLASSES = (REIFY_OT_commit, REIFY_OT_show)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
