"""Change what is selected: which method, its settings, Convert, and what the last one did to the object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy

from ..session import conversion, needs
from ..session.properties import group_of, prepare, ready, settings_or_default
from ..translations import number
from .missing import draw_missing
from .parts import SidebarPanel, say, text
from .presets import VIEW3D_PT_reify_convert_presets
from .settings import draw_settings

LABELS = {
    "vertices": "Vertices",
    "faces": "Triangles",
    "parts": "Loose Parts",
    "inner_parts": "Hidden Inner Parts",
    "holes": "Holes",
    "boundary_edges": "Open Edges",
    "non_manifold_edges": "Edges of 3 or More Faces",
    "non_manifold_vertices": "Vertices of 2 or More Fans",
    "flipped_edges": "Edges with a Flipped Face",
    "crossing_faces": "Faces That Cross Others",
    "degenerate_faces": "Faces without Area",
    "double_faces": "Double Faces",
    "double_vertices": "Double Vertices",
    "broken_faces": "Broken Faces",
    "genus": "Handles (Genus)",
    "watertight": "Watertight",
    "area": "Area",
    "volume": "Volume",
}


class VIEW3D_MT_reify_convert_method(bpy.types.Menu):
    """The methods that fit the active object."""

    bl_label = "Method"
    bl_idname = "VIEW3D_MT_reify_convert_method"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw them."""
        for method in conversion.methods_for(conversion.kind_of_active(context)).values():
            self.layout.prop_enum(context.scene.reify_convert, "method", method.id)


class VIEW3D_PT_reify_convert(SidebarPanel, bpy.types.Panel):
    """Change the selected objects."""

    bl_label = "Convert"
    bl_idname = "VIEW3D_PT_reify_convert"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the methods that fit the selected object, and why there are none."""
        layout = self.layout
        if not ready():
            prepare()
            return
        method, reason = conversion.chosen(context), conversion.why_not(context)
        if method is not None:
            _draw_method(layout, context, method)
        row = layout.row()
        row.scale_y = 1.6
        row.enabled = not reason
        row.operator("reify.convert", icon="MODIFIER")
        lacks = False
        if method is not None and reason:
            settings = settings_or_default(context.scene, method)
            lacks = bool(missing := needs.missing(method, settings))
            draw_missing(layout, context, method, settings, missing)
        if reason and not lacks:
            text(layout, context, say(reason) + ".", icon="INFO")
        if method is not None:
            _draw_settings(layout, context, method)
        _draw_figures(layout, context)


def _draw_method(layout: Any, context: bpy.types.Context, method: Any) -> None:
    from ..backend.values import Mesh

    properties, group = context.scene.reify_convert, group_of(context.scene, method)
    count = len(conversion.fitting(context, method))
    layout.label(text=context.object.name if count == 1 else f"{count} objects", icon="OBJECT_DATA")
    layout.menu(VIEW3D_MT_reify_convert_method.bl_idname, text=say(method.title), translate=False)
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    column.prop(group, "preset")
    if conversion.kind_of_active(context) is Mesh:
        column.prop(properties, "modifiers")
    column.prop(properties, "beside")


def _draw_settings(layout: Any, context: bpy.types.Context, method: Any) -> None:
    text(layout, context, say(method.summary) + ".")
    header, body = layout.panel("reify_convert_settings", default_closed=True)
    header.label(text="Settings")
    VIEW3D_PT_reify_convert_presets.draw_panel_header(header)
    if body is not None:
        body.use_property_split = True
        body.use_property_decorate = False
        draw_settings(body, method, group_of(context.scene, method))


def _draw_figures(layout: Any, context: bpy.types.Context) -> None:
    """A table of what changed, for an object that a method has looked at before and after."""
    from ..scene import provenance

    rows = changes((provenance.read(context.object) or {}).get("metrics", {}))
    if not rows:
        return
    header, body = layout.panel("reify_convert_figures", default_closed=False)
    header.label(text="Before and After")
    if body is None:
        return
    for cells in (("", say("Before"), say("After")), *rows):
        row = body.split(factor=0.5)
        row.label(text=say(cells[0]), translate=False)
        values = row.row()
        for cell in cells[1:]:
            values.label(text=cell, translate=False)


def changes(metrics: Mapping[str, float]) -> list[tuple[str, str, str]]:
    """Label, before and after of each figure that is there twice and isn't 0 both times; whether it is watertight is always told."""
    pairs = ((label, name, metrics.get(f"before.{name}"), metrics.get(f"after.{name}")) for name, label in LABELS.items())
    return [
        (label, _cell(name, before), _cell(name, after))
        for label, name, before, after in pairs
        if before is not None and after is not None and (before or after or name == "watertight")
    ]


def _cell(name: str, value: float) -> str:
    if name == "watertight":
        return say("Yes") if value else say("No")
    if name == "genus" and value < 0:
        return "–"
    return number(value, digits=4)


register, unregister = bpy.utils.register_classes_factory((VIEW3D_MT_reify_convert_method, VIEW3D_PT_reify_convert))
