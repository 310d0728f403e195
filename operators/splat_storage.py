"""Splats beside the .blend, and in it again."""

from __future__ import annotations

from typing import Any

import bpy

from ..backend.errors import ReifyError
from ..translations import told
from .edit_splats import SplatOperator


class REIFY_OT_store_splats(SplatOperator, bpy.types.Operator):
    """Keep the colors that depend on the view in a PLY file beside the .blend, which shrinks to a quarter, or pack them into it again"""

    bl_idname = "reify.store_splats"
    bl_label = "Store Beside .blend"
    bl_options = {"REGISTER", "UNDO"}

    pack: bpy.props.BoolProperty(name="Pack", description="Keep all of them in the .blend", default=False, options={"SKIP_SAVE"})

    def edit(self, source: bpy.types.Object, context: bpy.types.Context) -> None:
        """Say where they belong; saving does it."""
        from ..scene import splat_edits, splat_storage

        cloud = splat_edits.cloud_of(source)
        if self.pack:
            splat_storage.pack(cloud)
        else:
            splat_storage.store_beside(cloud)
            self.report({"INFO"}, told("They move there when the file is saved"))


class REIFY_OT_find_splats(SplatOperator, bpy.types.Operator):
    """Say where the PLY file is that holds the splats' colors that depend on the view"""

    bl_idname = "reify.find_splats"
    bl_label = "Find Colors"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(name="File Path", description="The PLY file", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default="*.ply", options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask for the file."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def edit(self, source: bpy.types.Object, context: bpy.types.Context) -> None:
        """Read it."""
        from ..scene import splat_edits, splat_storage

        cloud = splat_edits.cloud_of(source)
        if not splat_storage.is_missing(cloud):
            raise ReifyError(f"{source.name} lacks nothing.", "Nothing is to be done.")
        splat_storage.find(cloud, bpy.path.abspath(self.filepath))


register, unregister = bpy.utils.register_classes_factory((REIFY_OT_store_splats, REIFY_OT_find_splats))
