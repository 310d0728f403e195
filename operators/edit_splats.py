"""The selected splats of the active object deleted, hidden, separated, joined, copied, thinned out and adjusted."""

from __future__ import annotations

from typing import Any

import bpy

from ..translations import number, told
from .reported import reported
from .select_splats import has_splats

UNDOABLE = {"REGISTER", "UNDO"}


class SplatOperator:
    """What is done to the splats of the active object."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be splats."""
        return has_splats(cls, context)

    def execute(self: Any, context: bpy.types.Context) -> Any:
        """Do it."""
        return reported(self, lambda: self.edit(context.object, context))

    def edit(self, source: bpy.types.Object, context: bpy.types.Context) -> None:
        """What it does; raises ReifyError."""
        raise NotImplementedError


class REIFY_OT_delete_splats(SplatOperator, bpy.types.Operator):
    """Delete the selected splats"""

    bl_idname = "reify.delete_splats"
    bl_label = "Delete Splats"
    bl_options = UNDOABLE

    others: bpy.props.BoolProperty(name="Unselected", description="Delete those that aren't selected instead", default=False)

    def edit(self, source: bpy.types.Object, context: bpy.types.Context) -> None:
        """Keep the rest."""
        from ..scene import splat_edits

        _cloud, mask = splat_edits.chosen(source)
        splat_edits.keep(source, mask if self.others else ~mask)


class REIFY_OT_separate_splats(SplatOperator, bpy.types.Operator):
    """Move the selected splats to an object of their own, or copy them"""

    bl_idname = "reify.separate_splats"
    bl_label = "Separate Splats"
    bl_options = UNDOABLE

    copy: bpy.props.BoolProperty(name="Copy", description="Leave them where they are, too", default=False)

    def edit(self, source: bpy.types.Object, context: bpy.types.Context) -> None:
        """Make the object."""
        from ..scene import splat_edits

        _cloud, mask = splat_edits.chosen(source)
        splat_edits.copied(source, mask, source.name)
        if not self.copy:
            splat_edits.keep(source, ~mask)


class REIFY_OT_hide_splats(SplatOperator, bpy.types.Operator):
    """Hide the selected splats from the viewport, and from what selects; renders show them"""

    bl_idname = "reify.hide_splats"
    bl_label = "Hide Splats"
    bl_options = UNDOABLE

    others: bpy.props.BoolProperty(name="Unselected", description="Hide those that aren't selected instead", default=False)

    def edit(self, source: bpy.types.Object, context: bpy.types.Context) -> None:
        """Hide them."""
        from ..scene import splat_edits

        splat_edits.hide(source, self.others)


class REIFY_OT_reveal_splats(SplatOperator, bpy.types.Operator):
    """Show hidden splats again, selected"""

    bl_idname = "reify.reveal_splats"
    bl_label = "Reveal Splats"
    bl_options = UNDOABLE

    def edit(self, source: bpy.types.Object, context: bpy.types.Context) -> None:
        """Show them."""
        from ..scene import splat_edits

        self.report({"INFO"}, told("{count} splats revealed").format(count=number(splat_edits.reveal(splat_edits.cloud_of(source)))))


class REIFY_OT_join_splats(SplatOperator, bpy.types.Operator):
    """Put the splats of all selected objects into the active one, where they stand, with the colors turned as well"""

    bl_idname = "reify.join_splats"
    bl_label = "Join Splats"
    bl_options = UNDOABLE

    def edit(self, source: bpy.types.Object, context: bpy.types.Context) -> None:
        """Join them."""
        from ..scene import splat_places

        splat_places.join(source, context.selected_objects)


class REIFY_OT_remove_floaters(SplatOperator, bpy.types.Operator):
    """Delete small bodies of splats that hang in the air"""

    bl_idname = "reify.remove_floaters"
    bl_label = "Remove Floaters"
    bl_options = UNDOABLE

    def edit(self, source: bpy.types.Object, context: bpy.types.Context) -> None:
        """Keep the rest."""
        from ..scene import splat_edits, splat_selection

        mask = splat_selection.found(context, source, "FLOATERS", {})
        splat_edits.keep(source, ~mask)
        self.report({"INFO"}, told("{count} of {total} splats deleted").format(count=number(mask.sum()), total=number(len(mask))))


class REIFY_OT_subject_only(SplatOperator, bpy.types.Operator):
    """Keep what the photos were taken of: delete the ground, the background and what hangs in the air"""

    bl_idname = "reify.subject_only"
    bl_label = "Subject Only"
    bl_options = UNDOABLE

    mesh_too: bpy.props.BoolProperty(name="Mesh, Too", description="Cut the mesh of the same result likewise", default=True)

    def edit(self, source: bpy.types.Object, context: bpy.types.Context) -> None:
        """Keep the subject."""
        from ..scene import splat_edits, splat_places, splat_selection

        mask = splat_selection.found(context, source, "SUBJECT", {})
        if self.mesh_too:
            splat_places.cut_mesh(source, mask)
        splat_edits.keep(source, mask)
        self.report({"INFO"}, told("{count} of {total} splats kept").format(count=number(mask.sum()), total=number(len(mask))))


class REIFY_OT_crop_box(SplatOperator, bpy.types.Operator):
    """Show only the splats inside of a box that can be moved, turned, scaled and animated; nothing is deleted"""

    bl_idname = "reify.crop_box"
    bl_label = "Crop Box"
    bl_options = UNDOABLE

    def edit(self, source: bpy.types.Object, context: bpy.types.Context) -> None:
        """Add the box, or select the one that is there."""
        from ..scene import splat_crop

        box = splat_crop.crop(source)
        for selected in context.selected_objects:
            selected.select_set(False)
        box.select_set(True)
        context.view_layer.objects.active = box


class REIFY_OT_decimate_splats(SplatOperator, bpy.types.Operator):
    """Keep the splats that matter most: as many as fit into a number or a file size"""

    bl_idname = "reify.decimate_splats"
    bl_label = "Decimate Splats"
    bl_options = UNDOABLE

    by: bpy.props.EnumProperty(
        name="By",
        description="What limits them",
        items=(
            ("RATIO", "Ratio", "A share of them"),
            ("COUNT", "Count", "A number"),
            ("SIZE", "Size", "Megabytes of a PLY file"),
        ),
    )
    ratio: bpy.props.FloatProperty(name="Ratio", description="Share that is kept", default=0.5, min=0.0, max=1.0, subtype="FACTOR")
    count: bpy.props.IntProperty(name="Count", description="Splats that are kept", default=100_000, min=1)
    megabytes: bpy.props.FloatProperty(name="Megabytes", description="Size of a PLY file of them", default=20.0, min=0.001)

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the limit."""
        layout: Any = self.layout
        layout.use_property_split = True
        layout.prop(self, "by")
        layout.prop(self, {"RATIO": "ratio", "COUNT": "count", "SIZE": "megabytes"}[self.by])

    def edit(self, source: bpy.types.Object, context: bpy.types.Context) -> None:
        """Keep the most important ones."""
        from ..backend.splats.editing import thinning
        from ..scene import attributes, splat_edits

        cloud = splat_edits.cloud_of(source)
        each = thinning.bytes_each(len(splat_edits.bands(cloud)))
        limits = {"RATIO": round(self.ratio * len(cloud.points)), "COUNT": self.count, "SIZE": int(self.megabytes * 1e6 / each)}
        values = thinning.importance(splat_edits.opacity(cloud), attributes.read(cloud, "scale"))
        splat_edits.keep(source, thinning.most_important(values, min(limits[self.by], len(values))))


class REIFY_OT_adjust_splats(SplatOperator, bpy.types.Operator):
    """Change color, opacity and size of the selected splats, of all where none are selected"""

    bl_idname = "reify.adjust_splats"
    bl_label = "Adjust Splats"
    bl_options = UNDOABLE

    exposure: bpy.props.FloatProperty(name="Exposure", description="Brighter or darker, in stops", soft_min=-3.0, soft_max=3.0)
    warmth: bpy.props.FloatProperty(name="Warmth", description="Bluer or yellower", soft_min=-1.0, soft_max=1.0)
    tint: bpy.props.FloatProperty(name="Tint", description="Greener or more magenta", soft_min=-1.0, soft_max=1.0)
    saturation: bpy.props.FloatProperty(name="Saturation", description="0 is gray", default=1.0, min=0.0, soft_max=2.0)
    opacity: bpy.props.FloatProperty(name="Opacity", description="Factor of the opacity", default=1.0, min=0.0, soft_max=2.0)
    scale: bpy.props.FloatProperty(name="Scale", description="Factor of the size of each splat", default=1.0, min=0.001, soft_max=3.0)

    def edit(self, source: bpy.types.Object, context: bpy.types.Context) -> None:
        """Adjust them."""
        from ..backend.splats.editing.colors import Adjustment
        from ..scene import splat_edits

        cloud = splat_edits.cloud_of(source)
        mask = splat_edits.selection(cloud)
        some = mask if mask.any() and not mask.all() else None
        wanted = Adjustment(self.exposure, self.warmth, self.tint, self.saturation)
        if wanted != Adjustment():
            splat_edits.recolor(cloud, wanted, some)
        splat_edits.fade_and_scale(cloud, self.opacity, self.scale, some)


class REIFY_OT_apply_splat_transform(SplatOperator, bpy.types.Operator):
    """Apply the object's location, rotation and scale to its splats, their shapes and colors included"""

    bl_idname = "reify.apply_splat_transform"
    bl_label = "Apply Transform to Splats"
    bl_options = UNDOABLE

    def edit(self, source: bpy.types.Object, context: bpy.types.Context) -> None:
        """Apply it."""
        from ..scene import splat_places

        splat_places.apply_transform(source)


class REIFY_OT_place_splats(SplatOperator, bpy.types.Operator):
    """Stand splats on the floor, with all that belongs to the same result"""

    bl_idname = "reify.place_splats"
    bl_label = "Place Splats"
    bl_options = UNDOABLE

    level: bpy.props.BoolProperty(name="Level", description="Turn the ground that is found in them level", default=True)
    stand: bpy.props.BoolProperty(name="Stand on Floor", description="Move the ground, or the lowest splats, to height 0", default=True)
    center: bpy.props.BoolProperty(name="Center", description="Move the middle over the world's origin", default=False)
    origin: bpy.props.BoolProperty(
        name="Origin to Base", description="Put the object's origin to the middle of its base; nothing else moves", default=False
    )

    def edit(self, source: bpy.types.Object, context: bpy.types.Context) -> None:
        """Move it."""
        from ..scene import splat_places

        splat_places.place(source, level=self.level, stand=self.stand, center=self.center)
        if self.origin:
            splat_places.origin_to_base(source)


class REIFY_OT_splats_to_points(SplatOperator, bpy.types.Operator):
    """Make a point cloud of the splats, with their colors and normals"""

    bl_idname = "reify.splats_to_points"
    bl_label = "Splats to Points"
    bl_options = UNDOABLE

    least_opacity: bpy.props.FloatProperty(
        name="Opacity", description="Fainter splats become no points", default=0.3, min=0.0, max=1.0, subtype="FACTOR"
    )

    def edit(self, source: bpy.types.Object, context: bpy.types.Context) -> None:
        """Make it."""
        from ..scene import splat_points

        made = splat_points.points_beside(source, self.least_opacity)
        for selected in context.selected_objects:
            selected.select_set(False)
        made.select_set(True)
        context.view_layer.objects.active = made


CLASSES = (
    REIFY_OT_delete_splats,
    REIFY_OT_separate_splats,
    REIFY_OT_hide_splats,
    REIFY_OT_reveal_splats,
    REIFY_OT_join_splats,
    REIFY_OT_remove_floaters,
    REIFY_OT_subject_only,
    REIFY_OT_crop_box,
    REIFY_OT_decimate_splats,
    REIFY_OT_adjust_splats,
    REIFY_OT_apply_splat_transform,
    REIFY_OT_place_splats,
    REIFY_OT_splats_to_points,
)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
