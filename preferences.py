"""What holds for every file: where finished stages are kept, and how results are shown."""

from __future__ import annotations

import bpy

from .panels.engine import draw_engine
from .panels.parts import say
from .scene import preferences


def _choose_anew(_preferences: bpy.types.AddonPreferences, _context: bpy.types.Context) -> None:
    from .scene.viewport import drawing

    drawing.restart()


class ReifyPreferences(bpy.types.AddonPreferences):
    """Edit › Preferences › Add-ons › Reify."""

    bl_idname = __package__

    cache_folder: bpy.props.StringProperty(
        name="Cache Folder",
        description="Where finished stages and checkpoints are kept; empty for the system's usual place",
        subtype="DIR_PATH",
    )
    cache_limit_gb: bpy.props.IntProperty(
        name="Cache Limit (GB)",
        description="Stages used longest ago are deleted when the cache grows beyond this",
        default=20,
        min=1,
        soft_max=500,
    )
    show_colors: bpy.props.BoolProperty(
        name="Show Colors in Solid Mode",
        description="Switch viewports in Solid mode to attribute colors when a result arrives, so that splats aren't gray",
        default=True,
    )
    splats_by: bpy.props.EnumProperty(
        name="Splats Drawn By",
        description="What draws splats into 3D viewports",
        items=(
            ("AUTO", "Automatic", "The graphics card where it draws a test picture right, the processor elsewhere"),
            ("CARD", "Graphics Card", "Full resolution while the view moves; also by a driver that computes on the processor"),
            ("PROCESSOR", "Processor", "Works everywhere; coarser while the view moves"),
        ),
        update=_choose_anew,
    )
    weights_folder: bpy.props.StringProperty(
        name="Shared Weights",
        description="Folder of pretrained weights that a studio shares; they are used in place",
        subtype="DIR_PATH",
    )
    torch_build: bpy.props.EnumProperty(
        name="Computes On",
        description="Which build of torch the engine is installed with",
        items=(
            ("AUTO", "Automatic", "The graphics card where it can be used, the CPU elsewhere"),
            ("CPU", "CPU", "The smallest download; works on every machine"),
            ("CUDA", "NVIDIA Graphics Card", "Several gigabytes; needs an NVIDIA card and its driver"),
        ),
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the preferences."""
        from .backend.device import cache_folder
        from .scene.viewport import drawing

        layout = self.layout
        draw_engine(layout.box(), context)
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "torch_build")
        layout.prop(self, "weights_folder")
        column = layout.column(heading="Results")
        column.prop(self, "show_colors")
        column.prop(self, "splats_by")
        if (choice := drawing.chosen()) is not None:
            column.label(text=choice.why)
            if choice.detail:
                column.label(text=choice.detail, translate=False)
        column = layout.column()
        column.prop(self, "cache_folder", placeholder=str(cache_folder()))
        column.prop(self, "cache_limit_gb")
        column.label(text=say("The cache holds {size} GB", size=preferences.cache_gb()), translate=False)
        column.operator("reify.clear_cache", icon="TRASH")


def register() -> None:
    """Make the preferences known."""
    bpy.utils.register_class(ReifyPreferences)


def unregister() -> None:
    """Take them back."""
    bpy.utils.unregister_class(ReifyPreferences)
