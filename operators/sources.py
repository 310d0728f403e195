"""What a method is given: files and folders from the file browser, images of this .blend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..backend.formats import endings
from ..session import drops, sources
from ..session.properties import chosen_method, group_of
from ..translations import told
from .reported import reported


class REIFY_OT_add_files(bpy.types.Operator):
    """Choose pictures, a video, or a file of cameras of another program"""

    bl_idname = "reify.add_files"
    bl_label = "Add Files"
    bl_options = {"REGISTER", "UNDO"}

    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    files: bpy.props.CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})
    filter_image: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_movie: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default=endings.patterns(*endings.BROWSED), options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Open the file browser."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add what was chosen; the folder itself where no file was."""
        names = [entry.name for entry in self.files if entry.name] or [""]
        drops.take(context.scene, context.scene.reify.method, [Path(self.directory) / name for name in names], add=True)
        return {"FINISHED"}


class REIFY_OT_add_folder(bpy.types.Operator):
    """Choose a folder of pictures"""

    bl_idname = "reify.add_folder"
    bl_label = "Add Folder"
    bl_options = {"REGISTER", "UNDO"}

    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_image: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_movie: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default=endings.patterns(*endings.BROWSED), options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Open the file browser."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add the folder."""
        drops.take(context.scene, context.scene.reify.method, [Path(self.directory)], add=True)
        return {"FINISHED"}


class REIFY_OT_add_image(bpy.types.Operator):
    """Add an image of this file"""

    bl_idname = "reify.add_image"
    bl_label = "Add Image"
    bl_property = "name"
    bl_options = {"REGISTER", "UNDO"}

    name: bpy.props.StringProperty(name="Image", description="Name of the image", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be an image."""
        cls.poll_message_set("This file holds no images")
        return any(image.type not in ("RENDER_RESULT", "COMPOSITING") for image in bpy.data.images)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask which."""
        return context.window_manager.invoke_props_dialog(self)

    def draw(self, context: bpy.types.Context) -> None:
        """Draw a searchable list of images."""
        self.layout.prop_search(self, "name", bpy.data, "images")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add it."""
        image: Any = bpy.data.images.get(self.name)
        if image is None:
            self.report({"ERROR"}, told("There is no image called {name}.").format(name=self.name))
            return {"CANCELLED"}
        group_of(context.scene, chosen_method(context.scene)).sources.add().image = image
        return {"FINISHED"}


class REIFY_OT_remove_source(bpy.types.Operator):
    """Remove this from the sources; the file stays where it is"""

    bl_idname = "reify.remove_source"
    bl_label = "Remove Source"
    bl_options = {"REGISTER", "UNDO"}

    index: bpy.props.IntProperty(name="Index", description="Number of the source, or -1 for all of them", default=-1, options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove one, or all."""
        listed = group_of(context.scene, chosen_method(context.scene)).sources
        listed.remove(self.index) if self.index >= 0 else listed.clear()
        return {"FINISHED"}


class REIFY_OT_use_sources_for(bpy.types.Operator):
    """Make something else of these: of a capture's photos an object each, or of pictures one capture"""

    bl_idname = "reify.use_sources_for"
    bl_label = "Use for Another Method"
    bl_options = {"REGISTER", "UNDO"}

    method: bpy.props.StringProperty(name="Method", description="Id of the method that gets them", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Move them, and show the method."""
        from ..backend.methods import method_called

        def move() -> None:
            method, scene = method_called(self.method), context.scene
            sources.move(group_of(scene, chosen_method(scene)), group_of(scene, method))
            scene.reify.method = method.id

        return reported(self, move)


CLASSES = (REIFY_OT_add_files, REIFY_OT_add_folder, REIFY_OT_add_image, REIFY_OT_remove_source, REIFY_OT_use_sources_for)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
