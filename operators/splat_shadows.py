"""Shadows of meshes on splats, and of splats on meshes."""

from __future__ import annotations

import bpy

from .edit_splats import UNDOABLE, SplatOperator


class REIFY_OT_shadow_catcher(SplatOperator, bpy.types.Operator):
    """Let shadows of the scene's meshes, or of the selected ones, fall on the splats, and shadows of the splats on meshes"""

    bl_idname = "reify.shadow_catcher"
    bl_label = "Shadow Catcher"
    bl_options = UNDOABLE

    receive: bpy.props.BoolProperty(name="Receive", description="Darken splats where a mesh is between them and the lamp", default=True)
    strength: bpy.props.FloatProperty(
        name="Strength",
        description="Share of the splats' light that the lamp gives: 1 makes shadows black",
        default=0.7,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    proxy: bpy.props.EnumProperty(
        name="Proxy",
        description="What an invisible mesh in the splats' place is for; it moves with them",
        items=(
            ("CAST", "Casts Shadows", "It casts the splats' shadows on meshes"),
            ("CATCH", "Shadow Catcher", "Cycles' shadow catcher, in a render of the meshes that is laid over one of the splats"),
            ("HOLDOUT", "Holdout", "It cuts out what the splats hide, in a render of the meshes that is laid over one of the splats"),
            ("NONE", "None", "No mesh"),
        ),
    )
    faces: bpy.props.IntProperty(name="Faces", description="Triangles of the invisible mesh", default=20_000, min=100, soft_max=200_000)

    def edit(self, source: bpy.types.Object, context: bpy.types.Context) -> None:
        """Add the modifier and the mesh."""
        from ..backend.jobs.job import Job
        from ..backend.methods import method_called
        from ..scene import splat_shadows
        from ..scene.splats import read_splats
        from ..session import needs

        if self.proxy != "NONE":
            method = method_called("surface")  # what a proxy needs it needs, too
            needs.check(method, method.settings())
        if self.receive:
            lamp = splat_shadows.lamp_for(context)
            splat_shadows.receive(source, lamp, splat_shadows.casters_for(context, source), self.strength)
        if self.proxy != "NONE":
            from ..backend.surface.proxy import proxy_of

            splat_shadows.place_proxy(source, proxy_of(read_splats(source), self.faces, job=Job()), self.proxy)


register, unregister = bpy.utils.register_classes_factory((REIFY_OT_shadow_catcher,))
