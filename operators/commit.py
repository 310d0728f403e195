"""Results into the scene, each in one undo step."""

from __future__ import annotations

import bpy

from ..session import committing, queue
from ..translations import told
from .reported import reported


class REIFY_OT_commit(bpy.types.Operator):
    """Put a finished result into the scene"""

    bl_idname = "reify.commit"
    bl_label = "Add Result"
    bl_options = {"INTERNAL"}

    task: bpy.props.IntProperty(name="Task", description="Number of the finished task", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make the objects, in an undo step of their own."""
        task = queue.find(self.task)
        if task is None or task.result is None:
            self.report({"ERROR"}, told("The result is no longer there."))
            return {"CANCELLED"}
        return reported(self, lambda: committing.put(context, task))


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
            self.report({"ERROR"}, told("Select an object that Reify has made."))
            return {"CANCELLED"}
        scene_commit.show_only(found, self.role)
        return {"FINISHED"}


CLASSES = (REIFY_OT_commit, REIFY_OT_show)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
