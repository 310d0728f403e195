"""The presets that users save, in the header of the settings."""

from __future__ import annotations

import bpy
from bl_ui.utils import PresetPanel

from ..operators import presets


class VIEW3D_PT_reify_presets(PresetPanel, bpy.types.Panel):
    """Saved presets of the chosen method."""

    bl_label = "Reify Presets"
    bl_idname = presets.PANEL
    preset_operator = "script.execute_preset"
    preset_add_operator = "reify.add_preset"

    @property
    def preset_subdir(self) -> str:
        """Folder of the presets."""
        return presets.folder(bpy.context)


register, unregister = bpy.utils.register_classes_factory((VIEW3D_PT_reify_presets,))
