"""Results into the scene, each in one undo step."""

from __future__ import annotations

import bpy

from . import convert, session
from .viewports import show_colors, viewports

TASK = "reify_job"  # key of the property that says which job made a collection, or an object of another one


class REIFY_OT_commit(bpy.types.Operator):
    """Put a finished result into the scene"""

    bl_idname = "reify.commit"
    bl_label = "Add Result"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    task: bpy.props.IntProperty(name="Task", description="Number of the finished task")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make the objects."""
        from ..backend.methods import all_methods
        from ..backend.values import Pictures
        from ..scene import commit as scene_commit
        from ..scene import rows

        task = session.find(self.task)
        if task is None or task.result is None:
            self.report({"ERROR"}, "The result is no longer there.")
            return {"CANCELLED"}
        if task.context.place is not None:
            convert.hand_over(context, task)[TASK] = task.id
            return {"FINISHED"}
        scene = bpy.data.scenes.get(task.context.scene) or context.scene
        fresh = scene_commit.is_fresh(scene)
        replaced: bpy.types.Collection | None = bpy.data.collections.get(task.context.replaces)
        collection = scene_commit.commit(task.result, scene, replaces=replaced)
        if replaced is None and Pictures in all_methods()[task.context.method].takes:
            rows.set_aside(collection, scene)
        collection[TASK] = task.id
        if fresh:
            look_at(context, collection)
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
    )
    collection: bpy.props.StringProperty(name="Collection", description="Name of the result; empty for the selected object's")

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


def collection_of(identifier: str) -> bpy.types.Collection | None:
    """The collection that a job has made in this file, None where there is none."""
    return next((found for found in bpy.data.collections if found.get(TASK) == identifier), None)


def shown_objects(identifier: str) -> list[bpy.types.Object]:
    """What can be seen of a job's result in this file, its subject first."""
    collection = collection_of(identifier)
    if collection is not None:
        return shown_members(collection)
    return [made for made in bpy.data.objects if made.get(TASK) == identifier and not made.hide_viewport]


def is_here(identifier: str) -> bool:
    """True where a job's result is in this file."""
    return collection_of(identifier) is not None or any(made.get(TASK) == identifier for made in bpy.data.objects)


def shown_members(collection: bpy.types.Collection) -> list[bpy.types.Object]:
    """What can be seen of a result, its subject first, then the empty that all of it hangs on."""
    from ..scene.commit import members

    subjects = [member for role in ("mesh", "splats", "points", "root") for member in members(collection, role)]
    return [member for member in subjects if not member.hide_viewport]


def look_at(context: bpy.types.Context, collection: bpy.types.Collection) -> None:
    """Let the viewports show a result as its first photo does, or the whole of it where it has no photos.

    Done only where nobody has chosen a view yet.
    """
    from ..scene.commit import members

    shown = shown_members(collection)
    bpy.ops.object.select_all(action="DESELECT")
    context.view_layer.objects.active = shown[0]
    context.view_layer.update()
    cameras = members(collection, "camera")
    if not cameras:
        shown[0].select_set(True)
        frame_selected(context)
        return
    for area in viewports(context.window_manager):
        view = area.spaces.active.region_3d
        pose = cameras[0].matrix_world
        view.view_perspective = "PERSP"
        view.view_rotation = pose.to_quaternion()
        view.view_location = shown[-1].matrix_world.translation  # the root's: the subject's center
        view.view_distance = 1.5 * (pose.translation - view.view_location).length


def frame_selected(context: bpy.types.Context) -> None:
    """Let all viewports show what is selected."""
    for area in viewports(context.window_manager):
        region = next(region for region in area.regions if region.type == "WINDOW")
        with context.temp_override(area=area, region=region):
            bpy.ops.view3d.view_selected()


CLASSES = (REIFY_OT_commit, REIFY_OT_show)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
