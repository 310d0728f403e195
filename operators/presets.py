"""Presets that users save, by Blender's own system: a file for each in the user's folder, for each method its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bl_operators.presets import AddPresetBase

from ..backend import settings as settings_of
from ..session import conversion, defaults
from ..session.properties import chosen_method, group_of, property_name, reset
from ..session.sources import listed
from .reported import reported

if TYPE_CHECKING:
    from ..backend.methods import Method

PANEL, CONVERT_PANEL = "VIEW3D_PT_reify_presets", "VIEW3D_PT_reify_convert_presets"


def folder(method: Method) -> str:
    """Where the presets of a method lie, inside the user's folder of presets."""
    return f"reify/{method.id}"


class AddPreset(AddPresetBase):
    """What saving presets of either panel's method shares."""

    @property
    def method(self) -> Method:
        """The method whose settings are saved."""
        return chosen_method(bpy.context.scene)

    @property
    def preset_subdir(self) -> str:
        """Folder of the presets."""
        return folder(self.method)

    @property
    def preset_defines(self) -> list[str]:
        """What the values below hang on."""
        return [f"group = bpy.context.scene.reify.{self.method.id}"]

    @property
    def preset_values(self) -> list[str]:
        """What is kept: the built-in preset that was started from, then every setting."""
        options = settings_of.options(self.method.settings)
        return ["group.preset", *(f"group.{property_name(option)}" for option in options)]


class REIFY_OT_add_preset(AddPreset, bpy.types.Operator):
    """Save the settings of the chosen method as a preset, or remove one"""

    bl_idname = "reify.add_preset"
    bl_label = "Add Preset"
    preset_menu = PANEL


class REIFY_OT_add_convert_preset(AddPreset, bpy.types.Operator):
    """Save the settings of the conversion as a preset, or remove one"""

    bl_idname = "reify.add_convert_preset"
    bl_label = "Add Preset"
    preset_menu = CONVERT_PANEL

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The selected object says which conversion is meant."""
        cls.poll_message_set("Select a mesh, splats or a point cloud")
        return conversion.chosen(context) is not None

    @property
    def method(self) -> Method:
        """The method whose settings are saved."""
        found = conversion.chosen(bpy.context)
        assert found is not None, "`poll` has seen to it"
        return found


class REIFY_OT_reset_group(bpy.types.Operator):
    """Set these settings to the chosen preset's values"""

    bl_idname = "reify.reset_group"
    bl_label = "Reset to Preset"
    bl_options = {"REGISTER", "UNDO"}

    method: bpy.props.StringProperty(name="Method", description="Id of the method", options={"SKIP_SAVE"})
    group: bpy.props.StringProperty(name="Group", description="Title of the group of settings", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Reset them."""
        from ..backend.methods import method_called

        def reset_it() -> None:
            method = method_called(self.method)
            reset(method, group_of(context.scene, method), self.group)

        return reported(self, reset_it)


class DefaultOperator:
    """What keeping and forgetting a default shares: the kind of files that are the sources now."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be sources."""
        cls.poll_message_set("Choose sources first")  # type: ignore[attr-defined]
        return bool(defaults.kind_of(listed(group_of(context.scene, chosen_method(context.scene)))))

    def execute(self: Any, context: bpy.types.Context) -> Any:
        """Do it."""
        method = chosen_method(context.scene)
        group = group_of(context.scene, method)
        return reported(self, lambda: self.change(method, group, defaults.kind_of(listed(group))))


class REIFY_OT_keep_default(DefaultOperator, bpy.types.Operator):
    """From now on these settings come by themselves with sources of this kind"""

    bl_idname = "reify.keep_default"
    bl_label = "Use as Default"

    def change(self, method: Method, group: Any, kind: str) -> None:
        """Keep them."""
        defaults.keep(method, group, kind)


class REIFY_OT_forget_default(DefaultOperator, bpy.types.Operator):
    """Let sources of this kind have no settings of their own any more"""

    bl_idname = "reify.forget_default"
    bl_label = "Forget Default"

    def change(self, method: Method, group: Any, kind: str) -> None:
        """Forget them."""
        defaults.forget(method, kind)


CLASSES = (REIFY_OT_reset_group, REIFY_OT_keep_default, REIFY_OT_forget_default, REIFY_OT_add_preset, REIFY_OT_add_convert_preset)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
