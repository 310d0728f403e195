"""The presets that users save, in the headers of the settings."""

from __future__ import annotations

import bpy
from bl_ui.utils import PresetPanel

from ..operators import presets
from ..session import conversion
from ..session.properties import chosen_method


class VIEW3D_PT_reify_presets(PresetPanel, bpy.types.Panel):
    """Saved presets of the chosen method."""

    bl_label = "Reify Presets"
    bl_idname = presets.PANEL
    preset_operator = "script.execute_preset"
    preset_add_operator = "reify.add_preset"

    @property
    def preset_subdir(self) -> str:
        """Folder of the presets."""
        return presets.folder(chosen_method(bpy.context.scene))


class VIEW3D_PT_reify_convert_presets(PresetPanel, bpy.types.Panel):
    """Saved presets of the conversion."""

    bl_label = "Reify Presets"
    bl_idname = presets.CONVERT_PANEL
    preset_operator = "script.execute_preset"
    preset_add_operator = "reify.add_convert_preset"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """With something selected that can be converted."""
        return conversion.chosen(context) is not None

    @property
    def preset_subdir(self) -> str:
        """Folder of the presets."""
        found = conversion.chosen(bpy.context)
        assert found is not None, "`poll` has seen to it"
        return presets.folder(found)


register, unregister = bpy.utils.register_classes_factory((VIEW3D_PT_reify_presets, VIEW3D_PT_reify_convert_presets))
