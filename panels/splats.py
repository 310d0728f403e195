"""How the active object's splats are drawn, and their way into a file."""

from __future__ import annotations

from typing import Any

import bpy

from ..translations import number
from .parts import SidebarPanel, say, text

LABELS = {"Viewport Amount": "Amount", "Viewport Size": "Size", "Viewport Opacity": "Opacity", "Viewport Largest": "Largest"}


class VIEW3D_PT_reify_splats(SidebarPanel, bpy.types.Panel):
    """Splats of the active object."""

    bl_label = "Splats"
    bl_idname = "VIEW3D_PT_reify_splats"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Draw what they are, how they are drawn, and Export."""
        from ..backend.values import Splats
        from ..scene import compat, splat_nodes
        from ..scene.read import kind_of

        layout = self.layout
        if kind_of(context.object) is not Splats:
            text(layout, context, "Select splats to change how they are drawn, or to write them to a file.")
            layout.operator("reify.import_splats", icon="IMPORT")
            return
        cloud = context.object.data
        bands = sum(attribute.name.startswith("radiance:sh_") for attribute in cloud.attributes)
        count = number(len(cloud.points))
        text(layout, context, say("{count} splats, whose colors change with the view" if bands else "{count} splats", count=count))
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        for modifier in splat_nodes.drawing(context.object):
            look = splat_nodes.look_of(context.object)
            column.label(text="In the Viewport:")
            shaped = splat_nodes.SHAPED if look in (splat_nodes.ELLIPSOIDS, splat_nodes.POINTS) else ()
            for name in (splat_nodes.LOOK, *shaped, splat_nodes.FACE_CAMERA):
                found = compat.modifier_input(modifier, splat_nodes.socket_identifier(modifier.node_group, name))
                column.prop(*found, text=LABELS.get(name, name))
            if look == splat_nodes.SPLATS:
                _say_how_many(layout, context)
        row = layout.row(align=True)
        row.operator("reify.render_splats", icon="RENDER_STILL")
        row.operator("reify.render_splats", text="Animation", icon="RENDER_ANIMATION").animation = True
        _storage(layout, context, cloud)
        layout.operator("reify.export_splats", icon="EXPORT")


def _storage(layout: Any, context: bpy.types.Context, cloud: Any) -> None:
    """Where the splats lie, and what is missing there."""
    from ..scene import splat_storage

    if splat_storage.is_missing(cloud):
        text(layout, context, say("Colors don't follow the view: {file} is missing.", file=cloud[splat_storage.FILE]), icon="ERROR")
        layout.operator("reify.find_splats", icon="FILE_FOLDER")
    elif cloud.get(splat_storage.BESIDE):
        text(layout, context, say("Stored in {file}", file=cloud.get(splat_storage.FILE) or "…"))
        layout.operator("reify.store_splats", text="Pack into .blend", icon="PACKAGE").pack = True
    else:
        layout.operator("reify.store_splats", icon="UGLYPACKAGE")


def _say_how_many(layout: Any, context: bpy.types.Context) -> None:
    """What keeps splats from being drawn, or how many are while the view moves where those are fewer."""
    from ..scene.viewport import drawing

    if not drawing.can_draw():
        text(layout, context, "Shown as ellipsoids until the engine is installed.", icon="INFO")
    elif problem := drawing.problem():
        text(layout, context, say("Splats can't be drawn: {problem}", problem=problem), icon="ERROR")
    elif (counts := drawing.counts_of(context.area)) is not None and counts[0] < counts[1]:
        first, all_ = map(number, counts)
        text(layout, context, say("While the view moves: the {first} most important of {all} in view", first=first, all=all_))


register, unregister = bpy.utils.register_classes_factory((VIEW3D_PT_reify_splats,))
