"""A result's mesh to a file for another program, with its textures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from .import_splats import DIALOG
from .reported import reported

FORMATS = (
    (".glb", "glTF Binary (.glb)", "Textures inside; for the web, Godot, and most else"),
    (".fbx", "FBX (.fbx)", "Textures beside; for Unity, Unreal and older programs"),
    (".obj", "Wavefront (.obj)", "Textures beside; for everything"),
    (".usdz", "USD (.usdz)", "Textures inside; for film pipelines and Apple's devices"),
    (".stl", "STL (.stl)", "The shape alone; for printing"),
    (".ply", "Stanford (.ply)", "The shape, with colors of vertices"),
)


class REIFY_OT_export_result(bpy.types.Operator):
    """Write the result's mesh to a file for another program, with its textures, as it stands in the world"""

    bl_idname = "reify.export_result"
    bl_label = "Export Mesh"

    filepath: bpy.props.StringProperty(name="File Path", description="The file to write", subtype="FILE_PATH", options={"SKIP_SAVE"})
    check_existing: bpy.props.BoolProperty(default=True, **DIALOG)
    filter_glob: bpy.props.StringProperty(default=";".join(f"*{ending}" for ending, _label, _use in FORMATS), **DIALOG)
    file_format: bpy.props.EnumProperty(name="Format", description="What is written", items=FORMATS, default=".glb")
    target: bpy.props.EnumProperty(
        name="For",
        description="The program whose axes and unit it gets; those of glTF are always the same",
        items=(
            ("blender", "Blender", "Z up, meters"),
            ("unity", "Unity", "Y up, meters"),
            ("godot", "Godot", "Y up, meters"),
            ("unreal", "Unreal", "Z up, X forward, centimeters"),
        ),
        default="unity",
    )
    levels: bpy.props.BoolProperty(name="Levels of Detail", description="Write the coarser versions, too, as objects of the same file")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be a mesh."""
        cls.poll_message_set("Select a mesh, or a result that has one")
        return context.mode == "OBJECT" and bool(_meshes(context.object, levels=False))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        """Ask for the file."""
        self.filepath = self.filepath or _name(context.object) + self.file_format
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def check(self, context: bpy.types.Context) -> bool:
        """Give the name the ending of the chosen format."""
        before = self.filepath
        path = Path(before)
        known = path.suffix.lower() in (ending for ending, _label, _use in FORMATS)
        self.filepath = str(path.with_suffix("") if known else path) + self.file_format
        return self.filepath != before

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write it, in the format of the name's ending where it has one."""
        from ..scene import export_objects

        path = Path(bpy.path.abspath(self.filepath))
        path = path if path.suffix.lower() in export_objects.ENDINGS else path.with_name(path.name + self.file_format)
        return reported(self, lambda: export_objects.write_objects(_meshes(context.object, self.levels), path, self.target))


def _meshes(made: bpy.types.Object | None, levels: bool) -> list[bpy.types.Object]:
    """The meshes of the result that an object belongs to, or the object itself where it is one."""
    from ..scene import provenance

    collection = provenance.collection_of(made)
    if collection is None:
        return [made] if made is not None and made.type == "MESH" else []
    roles = ("mesh", "lod") if levels else ("mesh",)
    return [member for role in roles for member in collection.all_objects if provenance.role(member) == role and member.type == "MESH"]


def _name(made: bpy.types.Object) -> str:
    from ..scene import provenance

    collection = provenance.collection_of(made)
    return bpy.path.clean_name(made.name if collection is None else collection.name)


register, unregister = bpy.utils.register_classes_factory((REIFY_OT_export_result,))
