"""From Picture: its own inputs, what is cut out and how, the live preview; the same beside the picture in the Image Editor."""

from __future__ import annotations

from typing import Any

import bpy

from ..session import image_editor, live, needs, properties
from ..session.properties import chosen_method, group_of
from .parts import TAB, SidebarPanel, text

THUMBNAIL_SCALE = 6.0  # of a button's height


class VIEW3D_PT_reify_picture(SidebarPanel, bpy.types.Panel):
    """Picture and cut-out."""

    bl_label = "Picture"
    bl_idname = "VIEW3D_PT_reify_picture"
    bl_parent_id = "VIEW3D_PT_reify"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only for methods that start from single pictures."""
        return _is_wanted(context)

    def draw(self, context: bpy.types.Context) -> None:
        """Draw inputs, what becomes of them, and how they are cut out."""
        _draw_inputs(self.layout)
        _draw_live(self.layout, context)
        _draw_cutout(self.layout, context)
        _draw_notes(self.layout, context)


class IMAGE_PT_reify_picture(bpy.types.Panel):
    """The same in the Image Editor, where boxes are drawn and strokes are painted."""

    bl_label = "From Picture"
    bl_idname = "IMAGE_PT_reify_picture"
    bl_space_type = "IMAGE_EDITOR"
    bl_region_type = "UI"
    bl_category = TAB

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only for methods that start from single pictures."""
        return _is_wanted(context)

    def draw(self, context: bpy.types.Context) -> None:
        """Draw what has to do with the picture."""
        self.layout.operator("reify.use_active_image", text="Use This Image", icon="IMAGE_DATA")
        _draw_live(self.layout, context)
        _draw_cutout(self.layout, context)
        _draw_notes(self.layout, context)


def _is_wanted(context: bpy.types.Context) -> bool:
    if not properties.ready():
        return False
    from ..backend.values import Pictures

    method = chosen_method(context.scene)
    return Pictures in method.takes and needs.installed(method)


def _draw_inputs(layout: Any) -> None:
    row = layout.row(align=True)
    row.operator("reify.use_active_image", text="Active", icon="IMAGE")
    row.operator("reify.use_selected_images", text="Selected", icon="OUTLINER_OB_IMAGE")
    row.operator("reify.paste_image", text="Paste", icon="PASTEDOWN")


def _draw_live(layout: Any, context: bpy.types.Context) -> None:
    layout.operator("reify.live_preview", icon="HIDE_OFF" if live.is_on() else "HIDE_ON", depress=live.is_on())
    if not live.is_on():
        text(layout, context, "It shows what is cut out, and which shape fits and why, before anything runs.")
        return
    from ..scene import thumbnail

    if icon := thumbnail.icon():
        layout.template_icon(icon_value=icon, scale=THUMBNAIL_SCALE)
    look = live.look()
    problem = live.problem() or (look.problem if look is not None else "")
    if problem:
        text(layout, context, problem, icon="ERROR")
    elif look is None:
        text(layout, context, "Choose a picture to see what is cut out of it.")
    elif look.reason:
        text(layout, context, look.reason)


def _draw_cutout(layout: Any, context: bpy.types.Context) -> None:
    group = group_of(context.scene, chosen_method(context.scene))
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    column.prop(group, "method", text="Shape")
    column.prop(group, "cutout__by", text="Cut Out")
    for name in ("cutout__grow_px", "cutout__feather_px", "cutout__invert", "cutout__largest_only"):
        column.prop(group, name)
    row = layout.row(align=True)
    row.enabled = bool(group.sources)
    row.operator("reify.draw_box", text="Box", icon="SELECT_SET")
    row.operator("reify.paint_strokes", text="Strokes", icon="BRUSH_DATA")
    row.operator("reify.show_cutout", text="Show", icon="IMAGE_ALPHA")
    if image_editor.STROKES in bpy.data.images:
        layout.operator("reify.use_strokes", icon="CHECKMARK")
        text(layout, context, "Paint white on the subject, black (hold Ctrl) on the background.", icon="INFO")
    if group.cutout__box or group.cutout__strokes:
        layout.operator("reify.clear_marks", icon="X")


def _draw_notes(layout: Any, context: bpy.types.Context) -> None:
    look = live.look()
    for warning in look.warnings if look is not None else ():
        text(layout, context, warning, icon="INFO")
    for note in look.notes if look is not None else ():
        text(layout, context, note)


register, unregister = bpy.utils.register_classes_factory((VIEW3D_PT_reify_picture, IMAGE_PT_reify_picture))
