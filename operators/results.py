"""What can be done with a result: find it in the viewport, delete it, open its folder, offer it in the asset browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..backend.errors import ReifyError
from ..session import assets, photo_walk, queue, results, start
from ..translations import told
from .control import TaskOperator
from .reported import reported


class REIFY_OT_find_result(TaskOperator, bpy.types.Operator):
    """Select the result and show the whole of it"""

    bl_idname = "reify.find_result"
    bl_label = "Show in Viewport"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Select and frame it."""

        def find() -> None:
            results.select(context, self.task)
            results.frame_selected(context)

        return reported(self, find)


class REIFY_OT_regenerate_result(TaskOperator, bpy.types.Operator):
    """Make this result again, from the same sources with the same settings; the new one takes its place"""

    bl_idname = "reify.regenerate_result"
    bl_label = "Regenerate"
    bl_options = {"REGISTER"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start and return at once."""
        return reported(self, lambda: self._start(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start and wait."""
        return reported(self, lambda: start.wait(self._start(context)))

    def _start(self, context: bpy.types.Context) -> Any:
        results.select(context, self.task)
        return start.again(context)


class REIFY_OT_delete_result(TaskOperator, bpy.types.Operator):
    """Delete everything of the result from this file, and remove it from the list"""

    bl_idname = "reify.delete_result"
    bl_label = "Delete Result"
    bl_options = {"REGISTER", "UNDO"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Delete it."""
        from ..scene import commit as scene_commit

        task = self.task
        collection = results.collection_of(task.id) if task is not None else None
        if collection is not None:
            scene_commit.remove(collection)
        if task is not None:
            queue.forget(task)
        return {"FINISHED"}


class REIFY_OT_open_folder(TaskOperator, bpy.types.Operator):
    """Open the folder with the files that this was made from"""

    bl_idname = "reify.open_folder"
    bl_label = "Open Folder"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Open it."""
        first: Path | None = next(iter(self.task.context.sources), None) if self.task is not None else None
        folder = first if first is None or first.is_dir() else first.parent
        if folder is None or not folder.is_dir():
            self.report({"ERROR"}, told("There is no folder: the sources are gone, or are objects of a scene."))
            return {"CANCELLED"}
        bpy.ops.wm.path_open(filepath=str(folder))
        return {"FINISHED"}


class PhotosOperator:
    """What needs a result that was made from photos: the one that is named, or the selected object's."""

    collection: bpy.props.StringProperty(
        name="Collection", description="Name of the result; empty for the selected object's", options={"SKIP_SAVE"}
    )

    def of_photos(self, context: bpy.types.Context) -> bpy.types.Collection:
        """The result's collection; raises ReifyError where there is none, or no camera of a photo in it."""
        from ..scene import photo_cameras, provenance

        found = bpy.data.collections.get(self.collection) or provenance.collection_of(context.object)
        if found is None or not photo_cameras.cameras_of(found):
            raise ReifyError("This isn't made from photos.", "Select a result that was made from photos.")
        return found


class REIFY_OT_show_cameras(PhotosOperator, bpy.types.Operator):
    """Show the cameras of the photos, small and without lines, or put them away"""

    bl_idname = "reify.show_cameras"
    bl_label = "Cameras"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Show them, or put them away."""
        return reported(self, lambda: self._turn(context))

    def _turn(self, context: bpy.types.Context) -> None:
        from ..scene import photo_cameras

        found = self.of_photos(context)
        shown = photo_cameras.are_shown(found, context.view_layer)
        (photo_walk.leave if shown else photo_walk.show_all)(context, found)


class ResultOperator:
    """What needs the selected object's result."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only with an object of a result."""
        from ..scene import provenance

        return provenance.collection_of(context.object) is not None


class REIFY_OT_rate(ResultOperator, bpy.types.Operator):
    """Give this result so many stars; the same again takes them back"""

    bl_idname = "reify.rate"
    bl_label = "Rate"
    bl_options = {"REGISTER", "UNDO"}

    stars: bpy.props.IntProperty(name="Stars", description="How good the result is", min=0, max=5, options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Store it."""
        from ..scene import notes, provenance

        found = provenance.collection_of(context.object)
        notes.rate(found, 0 if notes.rating_of(found) == self.stars else self.stars)
        return {"FINISHED"}


class REIFY_OT_note(ResultOperator, bpy.types.Operator):
    """Write a note on this result, which stays with it"""

    bl_idname = "reify.note"
    bl_label = "Note"
    bl_options = {"REGISTER", "UNDO"}

    text: bpy.props.StringProperty(name="Note", description="What to remember of the result", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask for it."""
        from ..scene import notes, provenance

        self.text = notes.notes_of(provenance.collection_of(context.object))
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Store it."""
        from ..scene import notes, provenance

        notes.note(provenance.collection_of(context.object), self.text)
        return {"FINISHED"}


class REIFY_OT_select_version(bpy.types.Operator):
    """Select this version of the result"""

    bl_idname = "reify.select_version"
    bl_label = "Select Version"
    bl_options = {"REGISTER", "UNDO"}

    collection: bpy.props.StringProperty(name="Collection", description="Name of the version", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Select what can be seen of it."""
        found: Any = bpy.data.collections.get(self.collection)
        return reported(self, lambda: results.select_collection(context, found))


class REIFY_OT_show_coverage(PhotosOperator, bpy.types.Operator):
    """Show from where photos were taken as a dome of tiles: shut and orange where none looks from, the more open and blue the more do"""

    bl_idname = "reify.show_coverage"
    bl_label = "Coverage"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Show the dome, or put it away."""
        return reported(self, lambda: self._turn(context))

    def _turn(self, context: bpy.types.Context) -> None:
        from ..scene import coverage

        found = self.of_photos(context)
        if coverage.dome_of(found) is not None:
            coverage.hide(found)
            return
        coverage.show(found)
        for sentence in coverage.said(coverage.dome_of(found)):
            self.report({"INFO"}, told(sentence))


class REIFY_OT_mark_asset(bpy.types.Operator):
    """Offer the selected result in the asset browser, with a picture, tags and notes on how it was made"""

    bl_idname = "reify.mark_asset"
    bl_label = "Mark as Asset"
    bl_options = {"REGISTER", "UNDO"}

    collection: bpy.props.StringProperty(
        name="Collection", description="Name of the result; empty for the selected object's", options={"SKIP_SAVE"}
    )
    license: bpy.props.StringProperty(
        name="License", description="License of the asset, as the asset browser shows it", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only results can be marked."""
        from ..scene import provenance

        cls.poll_message_set("Select an object that Reify has made")
        return provenance.read(context.object) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Mark it."""
        from ..scene import provenance

        found = bpy.data.collections.get(self.collection) or provenance.collection_of(context.object)
        if found is None:
            self.report({"ERROR"}, told("The object was moved out of its result's collection. Move it back."))
            return {"CANCELLED"}
        assets.mark(found, provenance.read(found) or {}, self.license)
        self.report({"INFO"}, told("{name} is an asset now; save the file in an asset library to use it elsewhere").format(name=found.name))
        return {"FINISHED"}


CLASSES = (
    REIFY_OT_find_result,
    REIFY_OT_regenerate_result,
    REIFY_OT_delete_result,
    REIFY_OT_open_folder,
    REIFY_OT_show_cameras,
    REIFY_OT_rate,
    REIFY_OT_note,
    REIFY_OT_select_version,
    REIFY_OT_show_coverage,
    REIFY_OT_mark_asset,
)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
