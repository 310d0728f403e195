"""Mesh objects of the scene to files for other programs: textures beside them, axes and unit as the program that reads them has them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..backend import whole
from ..backend.errors import ReifyError
from ..backend.files import writing
from ..backend.values import Scene
from . import marks
from .assembly import place_scene
from .export import explained
from .recipes import even_material

ENDINGS = (".glb", ".fbx", ".obj", ".usdz", ".stl", ".ply")
PICTURE_ENDINGS = {"PNG": ".png", "JPEG": ".jpg"}  # by Blender's name of the format


@dataclass(frozen=True)
class Target:
    """Axes and unit of a program. Files of glTF are the same for all: the format has Y up and meters."""

    forward: Any  # "-Z", as FBX has it
    up: Any
    units_per_m: float = 1.0


TARGETS: Mapping[str, Target] = {
    "blender": Target("Y", "Z"),
    "unity": Target("-Z", "Y"),
    "godot": Target("-Z", "Y"),
    "unreal": Target("X", "Z", units_per_m=100.0),
}


def write_objects(sources: Sequence[bpy.types.Object], path: Path, target: str = "unity") -> None:
    """Write mesh objects as they stand in the world, modifiers applied, with their materials; the ending of `path` says in which format.

    Textures are inside .glb and .usdz, else beside the file, named after it. Raises ReifyError where it can't be written.
    """
    writers: dict[str, Callable[[Path, Target], None]] = {
        ".glb": _glb, ".fbx": _fbx, ".obj": _obj, ".usdz": _usd, ".stl": _stl, ".ply": _ply,
    }  # fmt: skip
    if path.suffix.lower() not in writers:
        raise ReifyError(f"Meshes can't be written as {path.suffix}.", f"Choose one of: {' '.join(writers)}.")
    scene = bpy.data.scenes.new("Reify Export")
    for found in {
        above: None for source in sources for above in _with_parents(source)
    }:  # without their parents, glTF and USD leave them out
        scene.collection.objects.link(found)
    try:
        layer = scene.view_layers[0]
        with (
            bpy.context.temp_override(scene=scene, view_layer=layer, selected_objects=list(sources), active_object=sources[0]),
            writing(path, before_moving=lambda written: whole.check(written)) as written,
            explained(path),
            _pictures_beside(sources, written, apart=path.suffix.lower() not in (".glb", ".usdz", ".stl", ".ply")),
        ):
            for source in sources:
                source.select_set(True, view_layer=layer)
            layer.objects.active = sources[0]
            layer.update()
            writers[path.suffix.lower()](written, TARGETS[target])
    finally:
        bpy.data.scenes.remove(scene)


def write_scene(found: Scene, path: Path) -> None:
    """Write a sentence's scene as objects with even materials, instances sharing their mesh where the format has that.

    Raises ReifyError where it can't be written. What is open is left as it was.
    """
    before = {made for kind in (bpy.data.objects, bpy.data.meshes, bpy.data.materials) for made in kind}
    root = bpy.data.objects.new(path.stem, None)

    def put(made: bpy.types.Object, role: str, parent: bpy.types.Object) -> None:
        made.parent = parent

    try:
        write_objects(place_scene(found, root, put, even_material), path)
    finally:
        for kind in (bpy.data.objects, bpy.data.meshes, bpy.data.materials):
            bpy.data.batch_remove([made for made in kind if made not in before])


def _with_parents(source: bpy.types.Object) -> Iterator[bpy.types.Object]:
    while source is not None:
        yield source
        source = source.parent


@contextmanager
def _pictures_beside(sources: Sequence[bpy.types.Object], path: Path, apart: bool) -> Iterator[None]:
    """Write the textures beside the file and let the images name them meanwhile: exporters write none that are packed."""
    if not apart:
        yield
        return
    materials = {slot.material for source in sources for slot in source.material_slots if slot.material is not None}
    images: list[Any] = sorted({image for material in materials for image in marks.images_of(material)}, key=lambda image: image.name)
    before = [image.filepath_raw for image in images]
    try:
        for image in images:
            ending = PICTURE_ENDINGS.get(image.file_format, ".png")
            kind = re.sub(r"[^\w]+", "_", image.name.removesuffix(ending).removeprefix(path.stem)).strip("_").lower() or "texture"
            beside = path.with_name(f"{path.stem}_{kind}{ending}")
            if image.packed_file is not None and image.file_format in PICTURE_ENDINGS:
                beside.write_bytes(image.packed_file.data)
            else:
                image.save(filepath=str(beside), save_copy=True)
            image.filepath_raw = str(beside)
        yield
    finally:
        for image, name in zip(images, before, strict=True):
            image.filepath_raw = name


def _glb(path: Path, target: Target) -> None:
    bpy.ops.export_scene.gltf(filepath=str(path), export_format="GLB", use_active_scene=True, export_yup=True, export_apply=True)


def _fbx(path: Path, target: Target) -> None:
    bpy.ops.export_scene.fbx(
        filepath=str(path), use_selection=True, object_types={"MESH"}, axis_forward=target.forward, axis_up=target.up, path_mode="STRIP",
        apply_scale_options="FBX_SCALE_ALL" if target.units_per_m == 1.0 else "FBX_SCALE_NONE", bake_space_transform=True,
        mesh_smooth_type="FACE", use_tspace=False, bake_anim=False,
    )  # fmt: skip


def _obj(path: Path, target: Target) -> None:
    bpy.ops.wm.obj_export(filepath=str(path), export_selected_objects=True, path_mode="STRIP", **_axes(target))


def _usd(path: Path, target: Target) -> None:
    bpy.ops.wm.usd_export(
        filepath=str(path), selected_objects_only=True, evaluation_mode="VIEWPORT", export_animation=False,
        export_cameras=False, export_lights=False,
        convert_world_material=False, convert_orientation=True, export_global_forward_selection=_word(target.forward),
        export_global_up_selection=_word(target.up), export_textures_mode="NEW",
        convert_scene_units="METERS" if target.units_per_m == 1.0 else "CENTIMETERS", root_prim_path="/root",
    )  # fmt: skip


def _stl(path: Path, target: Target) -> None:
    bpy.ops.wm.stl_export(filepath=str(path), export_selected_objects=True, **_axes(target))


def _ply(path: Path, target: Target) -> None:
    bpy.ops.wm.ply_export(filepath=str(path), export_selected_objects=True, export_colors="SRGB", **_axes(target))


def _axes(target: Target) -> dict[str, Any]:
    return {"forward_axis": _word(target.forward), "up_axis": _word(target.up), "global_scale": target.units_per_m}


def _word(axis: str) -> Any:
    return axis.replace("-", "NEGATIVE_")
