"""What was made of an object stands in its place or beside it; the object itself is never lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..backend.mesh.transfer import source_faces
from ..backend.values import Mesh, Result
from . import provenance, succession
from .guard import all_or_nothing
from .mesh import COLOR, UV_MAP, material_of, mesh_data, mesh_object, read_face_materials, read_mesh
from .points import points_object
from .quads import finished
from .read import in_object_space, kind_of
from .splats import splats_object
from .visibility import is_hidden, set_hidden

SOURCE = "reify_source"  # the object that one was made of
HOW = "reify_how"  # it was placed
ORIGINAL = "Original"
PLACE = (
    *("parent", "parent_type", "parent_bone", "matrix_parent_inverse"),
    *("location", "rotation_mode", "rotation_euler", "rotation_quaternion", "rotation_axis_angle", "scale"),
    *("delta_location", "delta_rotation_euler", "delta_rotation_quaternion", "delta_scale"),
)
GAP = 0.25  # beside it, in widths of the object


def place(
    result: Result, source: bpy.types.Object, *, beside: bool = False, modifiers: bool = True, again: bool = False
) -> bpy.types.Object:
    """Put what was made of `source` into its collections, under its parent, with its materials; returns the new object.

    It takes the object's place and name, and the object is hidden and called "Original"; or it stands `beside` it. Levels of
    detail lie in the same place, hidden. `modifiers` says whether what it was made of had the object's modifiers applied; with
    `again` what the same method had made of the object before holds it, and stays where it is.
    """
    result, called = finished(result), source.name
    try:
        with all_or_nothing():
            made = _made_like(source, result, beside=beside, modifiers=modifiers)
    except BaseException:
        source.name = called
        raise
    older = _older(result, source, [new for new, _role in made]) if again else []
    if not beside:
        source.hide_render = True
        set_hidden(source)
    return _succeeded(older, made)[0]


def _made_like(source: bpy.types.Object, result: Result, *, beside: bool, modifiers: bool) -> list[tuple[bpy.types.Object, str]]:
    """The new objects where `place` wants them, each with its role; the source gives up its name."""
    name = source.name.removesuffix(f" {ORIGINAL}")
    if beside:
        name = f"{name} {'Mesh' if result.mesh is not None else 'Splats' if result.splats is not None else 'Points'}"
    else:
        source.name = f"{name} {ORIGINAL}"
    made = _objects(name, result, source, modifiers)
    for new, role in made:
        for collection in source.users_collection:
            collection.objects.link(new)
        for field in PLACE:
            setattr(new, field, getattr(source, field))
        if beside:
            around = source.parent.matrix_world @ source.matrix_parent_inverse if source.parent is not None else Matrix()
            new.location = source.location + around.to_3x3().inverted_safe() @ Vector((_width(source) * (1.0 + GAP), 0.0, 0.0))
        provenance.describe(new, result.report, role)
        provenance.keep_source_from_world(new, provenance.source_from_world(source))
        new[SOURCE], new[HOW] = source, {"beside": beside, "modifiers": modifiers}
        new.hide_viewport, new.hide_render = False, role == "lod"
        set_hidden(new, role == "lod")
    return made


def source_of(made: bpy.types.Object | None) -> bpy.types.Object | None:
    """The object that one was made of; None where it wasn't made of one, or that is gone."""
    found: Any = made.get(SOURCE) if made is not None else None
    return found if isinstance(found, bpy.types.Object) else None


def how_placed(made: bpy.types.Object) -> dict[str, bool]:
    """What `place` was told when it placed an object."""
    stored = made.get(HOW)
    stored = stored.to_dict() if hasattr(stored, "to_dict") else {}
    return {name: bool(stored.get(name, default)) for name, default in (("beside", False), ("modifiers", True))}


@contextmanager
def awake(source: bpy.types.Object) -> Iterator[None]:
    """Let a hidden object be evaluated inside: Blender leaves out the modifiers of those that aren't shown."""
    hidden, disabled = is_hidden(source), source.hide_viewport
    set_hidden(source, False)
    bpy.context.view_layer.update()
    try:
        yield
    finally:
        source.hide_viewport = disabled
        set_hidden(source, hidden and not disabled)


def _older(result: Result, source: bpy.types.Object, new: list[bpy.types.Object]) -> list[bpy.types.Object]:
    return [
        made
        for made in bpy.data.objects
        if made not in new and source_of(made) == source and _method_of(made) == result.report.method and provenance.is_original(made)
    ]


def _succeeded(older: list[bpy.types.Object], made: list[tuple[bpy.types.Object, str]]) -> list[bpy.types.Object]:
    """Let older objects hold the new ones of the same role; returns the objects that the result is in. Older ones that are left go."""
    left, found = list(older), []
    for new, role in made:
        kept = next((old for old in left if provenance.role(old) == role and old.type == new.type), None)
        if kept is not None:
            left.remove(kept)
            succession.inherit(kept, new)
        found.append(kept or new)
    data = {gone.data for gone in left if gone.data is not None}
    bpy.data.batch_remove(left)
    bpy.data.batch_remove([datablock for datablock in data if not datablock.users])
    return found


def _method_of(made: bpy.types.Object) -> str:
    return (provenance.read(made) or {}).get("method", "")


def _objects(name: str, result: Result, source: bpy.types.Object, modifiers: bool) -> list[tuple[bpy.types.Object, str]]:
    """The new objects, each with its role, the one that counts first."""
    if result.mesh is not None:
        levels = (result.mesh, *result.lods)
        names = [f"{name}_LOD{level}" for level in range(len(levels))] if result.lods else [name]
        # Maps that the object hadn't got need a material of their own, which all levels share.
        own = material_of(name, result.mesh) if result.mesh.textures.keys() - {"base_color"} else None
        made = [_mesh_like(named, mesh, source, modifiers, own) for named, mesh in zip(names, levels, strict=True)]
        return [(new, "lod" if level else "mesh") for level, new in enumerate(made)]
    if result.splats is not None:
        return [(splats_object(name, result.splats), "splats")]
    assert result.points is not None, "a method that changes things gives one of mesh, splats and points"
    return [(points_object(name, result.points), "points")]


def _width(source: bpy.types.Object) -> float:
    corners = [(source.matrix_world @ Vector(corner)).x for corner in source.bound_box]
    return max(corners) - min(corners)


def _mesh_like(name: str, mesh: Mesh, source: bpy.types.Object, modifiers: bool, own: bpy.types.Material | None = None) -> bpy.types.Object:
    """A mesh object with its `own` material, or those of what it was made of, face by face, and the names of UVs and colors there."""
    if kind_of(source) is not Mesh:
        return mesh_object(name, mesh)
    local = in_object_space(mesh, source)
    data = mesh_data(name, local)
    for material in [own] if own is not None else [slot.material for slot in source.material_slots]:
        data.materials.append(material)
    if len(data.materials) > 1:
        _spread_materials(data, local, source)
    if source.type != "MESH":
        return bpy.data.objects.new(name, data)
    before: Any = source.data
    if own is None and before.uv_layers.active is not None and UV_MAP in data.uv_layers:
        data.uv_layers[UV_MAP].name = before.uv_layers.active.name
    if own is None and before.color_attributes.active_color is not None and COLOR in data.color_attributes:
        data.color_attributes[COLOR].name = before.color_attributes.active_color.name
    if not _is_smooth(before):
        data.polygons.foreach_set("use_smooth", np.zeros(len(data.polygons), dtype=bool))
    new = source.copy()  # which keeps constraints, custom properties, display
    new.name, new.data = name, data
    if modifiers:
        new.modifiers.clear()
    return new


def _spread_materials(data: bpy.types.Mesh, local: Mesh, source: bpy.types.Object) -> None:
    of_triangle = read_face_materials(source)[source_faces(local, read_mesh(source))]
    # A polygon has its first triangle's.
    first = np.concatenate([np.arange(0, 2 * local.quads, 2), np.arange(2 * local.quads, len(local.faces))])
    data.polygons.foreach_set("material_index", np.ascontiguousarray(of_triangle[first], dtype=np.int32))
    data.update()


def _is_smooth(data: bpy.types.Mesh) -> bool:
    smooth = np.empty(len(data.polygons), dtype=bool)
    data.polygons.foreach_get("use_smooth", smooth)
    return len(smooth) == 0 or bool(smooth.mean() >= 0.5)
