"""The way out where the memory isn't enough for the settings."""

from __future__ import annotations

import bpy

from ..backend.errors import ReifyError
from ..session import needs
from ..session.properties import group_of, read_settings, write_settings
from .reported import reported


class REIFY_OT_fit_memory(bpy.types.Operator):
    """Lower the setting that takes the most memory until it fits into what is free"""

    bl_idname = "reify.fit_memory"
    bl_label = "Fit into Memory"
    bl_options = {"REGISTER", "UNDO"}

    method: bpy.props.StringProperty(name="Method", description="Id of the method", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Lower it."""
        from ..backend.methods import method_called

        def fit() -> None:
            method = method_called(self.method)
            group = group_of(context.scene, method)
            smaller = needs.fitting(method, read_settings(method, group))
            if smaller is None:
                raise ReifyError("No setting makes it fit into the memory that is free.", "Close other programs.")
            write_settings(method, group, smaller)

        return reported(self, fit)


register, unregister = bpy.utils.register_classes_factory((REIFY_OT_fit_memory,))
