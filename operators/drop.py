"""Files from the system's file browser: dropped into Blender's window, or chosen in File › Import.

Blender knows what else to do with a dropped picture or .ply, and shows a menu of all that can be done. A dropped folder has
no ending that it could go by, and isn't taken by any add-on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..backend.errors import ReifyError
from .create import reported
from .properties import group_of
from .sources import add_paths

PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".exr")
VIDEOS = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v")
DIALOG = {"options": {"HIDDEN", "SKIP_SAVE"}}


class REIFY_OT_drop_files(bpy.types.Operator):
    """Take dropped photos or a video as what to make objects from; of a single picture it is asked whether it is a photo or a drawing"""

    bl_idname = "reify.drop_files"
    bl_label = "Use in Reify"
    bl_options = {"REGISTER", "UNDO"}

    directory: bpy.props.StringProperty(subtype="DIR_PATH", **DIALOG)
    files: bpy.props.CollectionProperty(type=bpy.types.OperatorFileListElement, **DIALOG)
    method: bpy.props.StringProperty(name="Method", description="Id of the method that takes the files; empty to choose by what they are")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask about a single picture, else take the files at once."""
        paths = self._paths()
        if len(paths) != 1 or paths[0].suffix.lower() not in PICTURES or self.method:
            return self.execute(context)

        def draw(menu: Any, _context: bpy.types.Context) -> None:
            for method, label, icon in (("image", "From Picture", "IMAGE_DATA"), ("photos", "From Photos", "CAMERA_DATA")):
                button = menu.layout.operator("reify.drop_files", text=label, icon=icon)
                button.directory, button.method = self.directory, method
                button.files.add().name = paths[0].name

        context.window_manager.popup_menu(draw, title=paths[0].name)
        return {"FINISHED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add them to the sources of the method, and show it."""
        from ..backend.methods import all_methods

        method = all_methods()[self.method or "photos"]
        add_paths(group_of(context.scene, method), [str(path) for path in self._paths()])
        context.scene.reify.method = method.id
        for area in context.screen.areas if context.screen is not None else ():
            if area.type == "VIEW_3D":
                area.spaces.active.show_region_ui = True
        return {"FINISHED"}

    def _paths(self) -> list[Path]:
        return [Path(self.directory) / entry.name for entry in self.files if entry.name]


class REIFY_OT_import_splats(bpy.types.Operator):
    """Import Gaussian splats from a .ply file"""

    bl_idname = "reify.import_splats"
    bl_label = "Import Splats"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(name="File Path", description="The file to import", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default="*.ply", **DIALOG)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask for the file, unless one was dropped."""
        if self.filepath:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make the object."""
        return reported(self, lambda: import_splats(context, Path(bpy.path.abspath(self.filepath))))


def import_splats(context: bpy.types.Context, path: Path) -> bpy.types.Object:
    """A new, selected object with the splats of a file; raises ReifyError where there are none in it."""
    from ..backend.formats.splat_ply import read_splat_ply
    from ..scene.splats import splats_object
    from .commit import show_colors

    if not path.is_file():
        raise ReifyError(f"{path.name} isn't there.", "Choose another file.")
    made = splats_object(path.stem, read_splat_ply(path))
    context.collection.objects.link(made)
    bpy.ops.object.select_all(action="DESELECT")
    made.select_set(True)
    context.view_layer.objects.active = made
    show_colors(context.window_manager)
    return made


class _Dropped:
    """What the file handlers share: they take what is dropped on a 3D viewport or its sidebar."""

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Over a 3D viewport."""
        return context.area is not None and context.area.type == "VIEW_3D"


class REIFY_FH_pictures(_Dropped, bpy.types.FileHandler):
    """Photos, pictures and videos."""

    bl_idname = "REIFY_FH_pictures"
    bl_label = "Use in Reify"
    bl_import_operator = "reify.drop_files"
    bl_file_extensions = ";".join((*PICTURES, *VIDEOS))


class REIFY_FH_splats(_Dropped, bpy.types.FileHandler):
    """Splats."""

    bl_idname = "REIFY_FH_splats"
    bl_label = "Gaussian Splats"
    bl_import_operator = "reify.import_splats"
    bl_file_extensions = ".ply"


def _draw_import(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.operator("reify.import_splats", text="Gaussian Splats (.ply)")


CLASSES = (REIFY_OT_drop_files, REIFY_OT_import_splats, REIFY_FH_pictures, REIFY_FH_splats)


def register() -> None:
    """Make operators and file handlers known, and the line in the menu."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    menu: Any = bpy.types.TOPBAR_MT_file_import
    menu.append(_draw_import)


def unregister() -> None:
    """Take them back."""
    menu: Any = bpy.types.TOPBAR_MT_file_import
    menu.remove(_draw_import)
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
