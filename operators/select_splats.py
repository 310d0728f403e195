"""Which splats of the active object are selected."""

from __future__ import annotations

from typing import Any

import bpy

from ..translations import number, told
from .reported import reported

ACTIONS = (
    ("SET", "Set", "Select these and no others"),
    ("ADD", "Extend", "Select these, too"),
    ("SUBTRACT", "Subtract", "Deselect these"),
    ("INTERSECT", "Intersect", "Keep selected only what these are among"),
)
WAYS = (
    ("ALL", "All", "Every splat"),
    ("NONE", "None", "No splat"),
    ("INVERT", "Invert", "What isn't selected now"),
    ("OPACITY", "Opacity", "Splats between two opacities"),
    ("SIZE", "Size", "Splats between two standard deviations of their longest axis"),
    ("COLOR", "Color", "Splats of a color"),
    ("SPARSE", "Sparse", "Splats with little around them"),
    ("BODY", "Largest Body", "The connected body that holds the most"),
    ("FLOATERS", "Floaters", "Small bodies that hang in the air"),
    ("SUBJECT", "Subject", "What the photos were taken of, without ground and background"),
    ("SPHERE", "Sphere", "Splats in a ball around the 3D cursor"),
    ("MESH", "Mesh", "Splats inside of the other selected objects' closed meshes"),
    ("GROW", "Grow", "What is selected, and what is near"),
    ("SHRINK", "Shrink", "What is selected, without what is near the rest"),
)
SHOWN = {
    "OPACITY": ("least_opacity", "most_opacity"),
    "SIZE": ("least_size", "most_size"),
    "COLOR": ("color", "tolerance"),
    "SPARSE": ("distance", "weight"),
    "SPHERE": ("radius",),
    "GROW": ("distance",),
    "SHRINK": ("distance",),
}


class REIFY_OT_select_splats(bpy.types.Operator):
    """Select splats of the active object by their looks, their place, or what is around them"""

    bl_idname = "reify.select_splats"
    bl_label = "Select Splats"
    bl_options = {"REGISTER", "UNDO"}

    by: bpy.props.EnumProperty(name="By", description="What the splats have in common", items=WAYS, default="ALL")
    action: bpy.props.EnumProperty(name="Mode", description="What happens to the present selection", items=ACTIONS, default="SET")
    least_opacity: bpy.props.FloatProperty(name="Least", description="Smallest opacity", default=0.0, min=0.0, max=1.0)
    most_opacity: bpy.props.FloatProperty(name="Most", description="Largest opacity", default=0.1, min=0.0, max=1.0)
    least_size: bpy.props.FloatProperty(name="Least", description="Smallest size", default=0.1, min=0.0, unit="LENGTH")
    most_size: bpy.props.FloatProperty(name="Most", description="Largest size", default=1e6, min=0.0, unit="LENGTH")
    color: bpy.props.FloatVectorProperty(
        name="Color", description="The color to look for", subtype="COLOR_GAMMA", default=(0.5, 0.5, 0.5), min=0.0, max=1.0
    )
    tolerance: bpy.props.FloatProperty(name="Tolerance", description="Largest difference from the color", default=0.15, min=0.0, max=2.0)
    distance: bpy.props.FloatProperty(
        name="Distance", description="How far around a splat is looked; 0 chooses it by the splats", default=0.0, min=0.0, unit="LENGTH"
    )
    weight: bpy.props.FloatProperty(name="Fewer Than", description="Sum of opacities around a splat", default=4.0, min=0.0)
    radius: bpy.props.FloatProperty(name="Radius", description="Radius of the ball", default=1.0, min=0.0, unit="LENGTH")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be splats."""
        return has_splats(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Select."""
        return reported(self, lambda: self._select(context))

    def draw(self, context: bpy.types.Context) -> None:
        """Draw what this way of selecting goes by."""
        layout: Any = self.layout
        layout.use_property_split = True
        for name in ("by", "action", *SHOWN.get(self.by, ())):
            layout.prop(self, name)

    def _select(self, context: bpy.types.Context) -> None:
        from ..scene import splat_edits, splat_selection

        cloud = splat_edits.cloud_of(context.object)
        options = {name: getattr(self, name) for name in SHOWN.get(self.by, ())}
        mask = splat_selection.found(context, context.object, self.by, options)
        changed = mask if self.by in splat_selection.WHOLE else splat_selection.combined(splat_edits.selection(cloud), mask, self.action)
        splat_edits.select(cloud, changed)
        self.report({"INFO"}, told("{count} of {total} splats selected").format(count=number(changed.sum()), total=number(len(changed))))


def has_splats(cls: Any, context: bpy.types.Context) -> bool:
    """Whether the active object is a point cloud of splats; else the operator says what to do."""
    from ..scene.splats import holds_splats

    cls.poll_message_set("Select splats first")
    active = context.object
    return active is not None and active.type == "POINTCLOUD" and holds_splats(active.data)


register, unregister = bpy.utils.register_classes_factory((REIFY_OT_select_splats,))
