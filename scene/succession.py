"""A new result in the place of an older one: the older one's objects stay, and hold what the new ones were made with.

So what refers to them still does (the scene's camera, children, constraints, modifiers, collections, instances, the selection), and
what was done to them stays: where they stand, visibility, modifiers, materials, animation.
"""

from __future__ import annotations

from typing import Any

import bpy
from mathutils import Matrix

from . import marks, provenance
from .cameras import PHOTO, take_lens

ROLES = ("root", "splats", "mesh", "lod", "points")

Pairs = list[tuple[bpy.types.Object, bpy.types.Object]]  # an older object, and the new one that it stands for
Exchanged = list[tuple[bpy.types.ID, bpy.types.ID | None]]  # what may go where nobody uses it, and what gets its name


def take_over(older: bpy.types.Collection, newer: bpy.types.Collection) -> list[bpy.types.Object]:
    """Let a result's collection hold what a newer one holds, which is gone afterwards.

    Returns the objects of the older one that nothing new stands for: photos that are no longer placed, kinds that the new result lacks.
    """
    bpy.context.view_layer.update()  # matrices of what was moved by a script
    pairs = _pairs(older, newer)
    paired = {old for old, _new in pairs}
    left = [made for made in older.all_objects if provenance.role(made) and provenance.is_original(made) and made not in paired]
    stands_for = {new: old for old, new in pairs}
    for made in tuple(newer.all_objects):
        if made not in stands_for:
            _move_in(made, newer, older, stands_for.get(made.parent, made.parent))
    root = next((old for old, _new in pairs if provenance.role(old) == "root"), None)
    for old, new in pairs:
        inherit(old, new, root)
    provenance.copy(newer, older)
    bpy.data.batch_remove([*newer.children_recursive, newer])
    return left


def inherit(old: bpy.types.Object, new: bpy.types.Object, root: bpy.types.Object | None = None) -> None:
    """Let an object hold what a newer one of its type holds, which is gone afterwards; a camera also takes its pose, under `root`."""
    provenance.copy(new, old)
    if old.type == "CAMERA":
        lens, other = old.data, new.data
        assert isinstance(lens, bpy.types.Camera) and isinstance(other, bpy.types.Camera)
        take_lens(lens, other)
        if old.animation_data is None or old.animation_data.action is None:
            old.matrix_world = (root.matrix_world if root is not None else Matrix()) @ new.matrix_basis
        _remove(new, new.data)
        return
    if old.data is None:
        _remove(new)
        return
    if old.mode == "EDIT":  # Blender exchanges no data under its editor
        with bpy.context.temp_override(active_object=old, object=old):
            bpy.ops.object.mode_set(mode="OBJECT")
    before, after = old.data, new.data
    exchanged: Exchanged = [(before, after), *_exchange_materials(before, after)]
    old.data = after
    _remove(new)
    for gone, stays in exchanged:
        if not gone.users:
            name = gone.name
            bpy.data.batch_remove([gone])
            if stays is not None:
                stays.name = name
    provenance.keep_name(after)


def _pairs(older: bpy.types.Collection, newer: bpy.types.Collection) -> Pairs:
    """By role and order; cameras by their photos. Copies that the user made of objects stay as they are."""
    pairs: Pairs = []
    for role in ROLES:
        pairs += zip(_members(older, role), _members(newer, role), strict=False)
    of_photo = {made.data.get(PHOTO, made.name): made for made in reversed(_members(older, "camera"))}
    shown = ((of_photo.get(made.data[PHOTO]), made) for made in _members(newer, "camera"))
    pairs += [(old, new) for old, new in shown if old is not None]
    return [(old, new) for old, new in pairs if old.type == new.type]


def _members(collection: bpy.types.Collection, role: str) -> list[bpy.types.Object]:
    return [made for made in collection.all_objects if provenance.role(made) == role and provenance.is_original(made)]


def _move_in(made: bpy.types.Object, newer: bpy.types.Collection, older: bpy.types.Collection, parent: bpy.types.Object | None) -> None:
    """Move what is new in a result into the older one's collection, cameras to the other cameras."""
    like = _members(older, provenance.role(made))
    home = like[0].users_collection[0] if like and like[0].users_collection else older
    inner = next((found for found in newer.children if made.name in found.objects), None)
    if inner is not None and home == older:  # the first camera of this result
        newer.children.unlink(inner)
        older.children.link(inner)
    else:
        before = made.users_collection
        home.objects.link(made)
        for collection in before:
            collection.objects.unlink(made)
    made.parent = parent


def _exchange_materials(before: Any, after: Any) -> Exchanged:
    """Keep the materials of older data that were changed or chosen by the user, with the new pictures; returns what has become needless."""
    made: list[Any] = list(after.materials)
    exchanged: Exchanged = []
    for index, material in enumerate(before.materials):
        new = made[index] if index < len(made) else None
        if new is not None and material is not None and material != new:
            maps = marks.maps_of(new)
            for name, image in marks.maps_of(material).items():
                if name in maps:
                    image.user_remap(maps[name])
                    exchanged.append((image, maps[name]))
            if marks.is_as_made(material):
                material.user_remap(new)
                exchanged.append((material, new))
                continue
            exchanged.append((new, None))
        if index < len(made):
            after.materials[index] = material
        else:
            after.materials.append(material)
    return exchanged


def _remove(made: bpy.types.Object, *data: bpy.types.ID) -> None:
    bpy.data.batch_remove([made, *data])
