"""Reify's entries in Blender's menus, which is also where the search (F3) finds them: it looks through menus alone."""

from __future__ import annotations

from typing import Any

import bpy

ADD = ("add_folder", "add_files", "add_image", "paste_image", "use_selected_images", "create", "live_preview")
RUNNING = ("pause", "keep", "cancel")
REST = ("self_test", "open_preferences")
OBJECT = (
    "convert",
    "scene_to_splats",
    "regenerate",
    "remake_part",
    "use_settings",
    "mark_asset",
    "export_result",
    "export_splats",
    "show_cameras",
)
PLACEMENT = ("rest_on_floor", "set_ground", "turn_to_front", "set_size", "set_length")
SPLATS = (
    *("select_splats", "outline_splats", "delete_splats", "separate_splats", "join_splats", "hide_splats", "reveal_splats"),
    *("subject_only", "remove_floaters", "crop_box", "decimate_splats", "adjust_splats", "apply_splat_transform", "place_splats"),
    *("shadow_catcher", "splats_to_points"),
)
SEARCHED = {  # where the button's own words don't tell in a search what they belong to
    "add_folder": "Add Folder to Sources",
    "add_files": "Add Files to Sources",
    "add_image": "Add Image to Sources",
    "create": "Generate from Sources",
    "pause": "Pause Job",
    "keep": "Stop Job and Keep Splats",
    "cancel": "Cancel Job",
    "open_preferences": "Reify Preferences",
    "convert": "Convert with Reify",
    "regenerate": "Regenerate Result",
    "remake_part": "Regenerate This Part",
    "use_settings": "Use Settings of Result",
    "set_size": "Set Size of Result",
    "set_length": "Set Size by Known Length",
    "set_ground": "Set Ground of Result",
    "turn_to_front": "Turn Result to Front",
    "rest_on_floor": "Rest Result on Floor",
}
SHOWN = {"splats": "Show Splats of Result", "mesh": "Show Mesh of Result", "points": "Show Points of Result"}
IMAGE = ("use_active_image", "show_cutout", "draw_box", "paint_strokes", "use_strokes", "clear_marks")


class VIEW3D_MT_reify_add(bpy.types.Menu):
    """What starts something, ends it, or looks after it."""

    bl_label = "Reify"
    bl_idname = "VIEW3D_MT_reify_add"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        for group in (ADD, RUNNING, REST):
            _draw(self.layout, group)
            self.layout.separator()


class VIEW3D_MT_reify_object(bpy.types.Menu):
    """What can be done with selected objects."""

    bl_label = "Reify"
    bl_idname = "VIEW3D_MT_reify_object"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        for group in (OBJECT, PLACEMENT, SPLATS):
            _draw(self.layout, group)
            self.layout.separator()
        for role, label in SHOWN.items():
            self.layout.operator("reify.show", text=label).role = role


class IMAGE_MT_reify(bpy.types.Menu):
    """What can be done with the Image Editor's picture."""

    bl_label = "Reify"
    bl_idname = "IMAGE_MT_reify"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it."""
        _draw(self.layout, IMAGE)


def _draw(layout: Any, verbs: tuple[str, ...]) -> None:
    for verb in verbs:
        if verb in SEARCHED:
            layout.operator(f"reify.{verb}", text=SEARCHED[verb])
        else:
            layout.operator(f"reify.{verb}")


def _draw_add(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.menu(VIEW3D_MT_reify_add.bl_idname, icon="SHADERFX")


def _draw_object(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.menu(VIEW3D_MT_reify_object.bl_idname)


def _draw_image(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.menu(IMAGE_MT_reify.bl_idname)


CLASSES = (VIEW3D_MT_reify_add, VIEW3D_MT_reify_object, IMAGE_MT_reify)
ENTRIES = (("VIEW3D_MT_add", _draw_add), ("VIEW3D_MT_object", _draw_object), ("IMAGE_MT_image", _draw_image))


def register() -> None:
    """Make the menus known, and put them into Blender's."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    for menu, draw in ENTRIES:
        getattr(bpy.types, menu).append(draw)


def unregister() -> None:
    """Take them back."""
    for menu, draw in ENTRIES:
        getattr(bpy.types, menu).remove(draw)
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
