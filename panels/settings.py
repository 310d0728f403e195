"""The settings of the chosen method, a sub-panel for each group; nothing here knows what they are."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import bpy

from ..backend import settings as settings_of
from ..backend.settings import Option
from ..session import needs, queue
from ..session.properties import changed, chosen_method, found, group_of, property_name, ready, settings_or_default
from .parts import SidebarPanel, say, text
from .presets import VIEW3D_PT_reify_presets


class VIEW3D_PT_reify_settings(SidebarPanel, bpy.types.Panel):
    """Settings of the chosen method."""

    bl_label = "Settings"
    bl_idname = "VIEW3D_PT_reify_settings"
    bl_parent_id = "VIEW3D_PT_reify"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Without the engine there is nothing to set."""
        return ready() and needs.installed(chosen_method(context.scene))

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """Draw the button of the saved presets."""
        VIEW3D_PT_reify_presets.draw_panel_header(self.layout)

    def draw(self, context: bpy.types.Context) -> None:
        """Draw every option, those for experts in a sub-panel of their own."""
        method = chosen_method(context.scene)
        properties = group_of(context.scene, method)
        layout = self.layout
        if queue.current() is not None:
            text(layout, context, "These are for the next job; the running one has its own.", icon="INFO")
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(context.scene.reify, "search", text="", icon="VIEWZOOM")
        if word := context.scene.reify.search:
            _draw_found(layout, context, method, properties, word)
            return
        draw_settings(layout, method, properties)
        draw_seed(layout, context, method)


def draw_seed(layout: Any, context: bpy.types.Context, method: Any) -> None:
    """Draw the seed, and how many variants are made; or that there are none."""
    settings = settings_or_default(context.scene, method)
    if method.varies is not None and not method.varies(settings):
        text(layout, context, say("Every seed makes the same. {way}", way=say(method.varies_by)), icon="INFO")
        return
    layout.prop(context.scene.reify, "seed")
    if method.varies is not None:
        layout.prop(context.scene.reify, "variants")


def _draw_found(layout: Any, context: bpy.types.Context, method: Any, properties: Any, word: str) -> None:
    options = found(method, word, say)
    column = layout.column()
    for option in options:
        column.prop(properties, property_name(option))
    if not options:
        text(layout, context, "No setting has this in its name or description.", icon="INFO")


def draw_settings(layout: Any, method: Any, properties: Any) -> None:
    """Draw every option of a method, group by group."""
    for title, members in groupby(settings_of.options(method.settings), key=lambda option: option.group):
        _draw_group(layout, method, title, tuple(members), properties)


def _draw_group(layout: Any, method: Any, title: str, members: tuple[Option, ...], properties: Any) -> None:
    name, body = f"reify_{method.id}_{title}", layout
    if title:
        header, body = layout.panel(name, default_closed=True)
        header.label(text=title)
        if any(option in changed(method, properties) for option in members):
            button = header.operator("reify.reset_group", text="", icon="LOOP_BACK", emboss=False)
            button.method, button.group = method.id, title
    if body is None:
        return
    column = body.column()
    for option in members:
        if not option.advanced:
            column.prop(properties, property_name(option))
    advanced = [option for option in members if option.advanced]
    if not advanced:
        return
    header, inner = body.panel(f"{name}_advanced", default_closed=True)
    header.label(text="Advanced")
    if inner is not None:
        column = inner.column()
        for option in advanced:
            column.prop(properties, property_name(option))


register, unregister = bpy.utils.register_classes_factory((VIEW3D_PT_reify_settings,))
