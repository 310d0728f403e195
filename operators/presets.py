"""Presets that users save, by Blender's own system: a file for each in the user's folder, for each method its own."""

from __future__ import annotations

import bpy
from bl_operators.presets import AddPresetBase

from ..backend import settings as settings_of
from .properties import chosen_method, property_name

PANEL = "VIEW3D_PT_reify_presets"


def folder(context: bpy.types.Context) -> str:
    """Where the presets of the chosen method lie, inside the user's folder of presets."""
    return f"reify/{chosen_method(context.scene).id}"


class REIFY_OT_add_preset(AddPresetBase, bpy.types.Operator):
    """Save the settings of the chosen method as a preset, or remove one"""

    bl_idname = "reify.add_preset"
    bl_label = "Add Preset"
    preset_menu = PANEL

    @property
    def preset_subdir(self) -> str:
        """Folder of the presets."""
        return folder(bpy.context)

    @property
    def preset_defines(self) -> list[str]:
        """What the values below hang on."""
        return [f"group = bpy.context.scene.reify.{chosen_method(bpy.context.scene).id}"]

    @property
    def preset_values(self) -> list[str]:
        """What is kept: the built-in preset that was started from, then every setting."""
        options = settings_of.options(chosen_method(bpy.context.scene).settings)
        return ["group.preset", *(f"group.{property_name(option)}" for option in options)]


CLASSES = (REIFY_OT_add_preset,)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
