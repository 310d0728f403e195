"""Splats of an object selected, taken away and changed, by arrays over their attributes.

What is selected is the attribute that edit mode uses, ".selection"; hidden splats can't be.
Nothing here asks for more attributes than it changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np

from ..backend.errors import ReifyError
from ..backend.splats.editing import colors
from ..backend.values import Array
from . import attributes, compat
from .splats import holds_splats

SELECTION = ".selection"
HIDDEN = ".hide_point"  # splats that the viewport doesn't show and nothing selects; a render isn't changed


def cloud_of(source: bpy.types.Object | None) -> Any:
    """The point cloud of an object of splats; raises ReifyError where it holds none or belongs to another file."""
    if source is None or source.type != "POINTCLOUD" or not holds_splats(source.data):
        raise ReifyError("There are no splats to change.", "Select an object of splats.")
    if source.data.library is not None:
        raise ReifyError(f"{source.name} is linked from another file.", "Make it local first: Object > Relations > Make Local.")
    return source.data


def selection(cloud: Any) -> Array:
    """Mask [N] of the selected splats; none are where nothing was ever selected."""
    found = cloud.attributes.get(SELECTION)
    if found is None:
        return np.zeros(len(cloud.points), bool)
    return attributes.read(cloud, SELECTION).astype(bool)


def chosen(source: bpy.types.Object | None) -> tuple[Any, Array]:
    """The point cloud of an object and its selected splats; raises ReifyError where there are none."""
    cloud = cloud_of(source)
    mask = selection(cloud)
    if not mask.any():
        raise ReifyError("No splats are selected.", "Select some first, in the panel Edit Splats.")
    return cloud, mask


def select(cloud: Any, mask: Array) -> None:
    """Select the splats of a mask [N] and no others, hidden ones left out."""
    if HIDDEN in cloud.attributes:
        mask = mask & ~hidden(cloud)
    found = cloud.attributes.get(SELECTION)
    if found is not None and (found.data_type, found.domain) != ("BOOLEAN", "POINT"):
        cloud.attributes.remove(found)
    attributes.write(cloud, SELECTION, "BOOLEAN", mask)
    cloud.update_tag()


def hidden(cloud: Any) -> Array:
    """Mask [N] of the hidden splats."""
    if HIDDEN not in cloud.attributes:
        return np.zeros(len(cloud.points), bool)
    return attributes.read(cloud, HIDDEN).astype(bool)


def hide(source: bpy.types.Object, others: bool = False) -> None:
    """Hide the selected splats, or the `others`; raises ReifyError where none are selected."""
    cloud, mask = chosen(source)
    attributes.write(cloud, HIDDEN, "BOOLEAN", hidden(cloud) | (~mask if others else mask))
    select(cloud, selection(cloud))


def reveal(cloud: Any) -> int:
    """Show the hidden splats again, selected with no others; returns how many there were."""
    mask = hidden(cloud)
    if mask.any():
        cloud.attributes.remove(cloud.attributes[HIDDEN])
        select(cloud, mask)
    return int(mask.sum())


def positions(cloud: Any) -> Array:
    """Positions [N,3] in the object's space."""
    return attributes.read(cloud, "position")


def opacity(cloud: Any) -> Array:
    """Opacities [N], 0 to 1."""
    return np.ascontiguousarray(attributes.read(cloud, "radiance:base")[:, 3])


def srgb(cloud: Any) -> Array:
    """Mean colors [N,3], 0 to 1."""
    return colors.dc_srgb(attributes.read(cloud, "radiance:base")[:, :3])


def bands(cloud: Any) -> list[str]:
    """Names of the attributes that hold SH coefficients above degree 0."""
    return [attribute.name for attribute in cloud.attributes if attribute.name.startswith("radiance:sh_")]


def keep(source: bpy.types.Object, mask: Array) -> None:
    """Take away all splats of an object but those of a mask [N]; raises ReifyError where none would be left."""
    cloud = cloud_of(source)
    if not mask.any():
        raise ReifyError("No splats would be left.", "Delete the object instead.")
    if mask.all():
        return
    fill(source, (each for each in attributes.taken(cloud, np.flatnonzero(mask)) if each[0] != SELECTION))


def copied(source: bpy.types.Object, mask: Array, name: str) -> bpy.types.Object:
    """A new object beside `source`, in its collections, with the splats of a mask [N]."""
    cloud = cloud_of(source)
    made: Any = source.copy()
    made.name = name
    for collection in source.users_collection:
        collection.objects.link(made)
    fill(made, (each for each in attributes.taken(cloud, np.flatnonzero(mask)) if each[0] not in (SELECTION, HIDDEN)))
    return made


def joined(target: bpy.types.Object, arrays: list[dict[str, Array]]) -> None:
    """Give an object further splats, attributes by name as `read_arrays` gives them, already in the object's space."""
    own = {name: (kind, values) for name, kind, values in _attributes(cloud_of(target)) if name != SELECTION}
    for added in arrays:
        for name, values in added.items():
            if name not in own:
                count = len(own["position"][1])
                own[name] = ("FLOAT_VECTOR", np.zeros((count, *values.shape[1:]), np.float32))
        count = len(added["position"])
        for name, (kind, values) in own.items():
            extra = added.get(name)
            if extra is None:
                extra = np.zeros((count, *values.shape[1:]), values.dtype)
            own[name] = (kind, np.concatenate((values, extra)))
    fill(target, ((name, *own[name]) for name in sorted(own, key=lambda name: name != "position")))


def fill(owner: bpy.types.Object, arrays: Iterable[tuple[str, str, Array]]) -> None:
    """Give an object a new point cloud with attributes by name, type and values, position first, and all else that the old one had."""
    old: Any = owner.data
    each = iter(arrays)
    made = compat.point_cloud_object(old.name, next(each)[2])
    new: Any = made.data
    for name, kind, values in each:
        attributes.write(new, name, kind, values)
    for key, value in old.items():
        new[key] = value
    for material in old.materials:
        new.materials.append(material)
    compat.make_native_splats(new)
    name = old.name
    owner.data = new
    bpy.data.objects.remove(made)
    if not old.users:
        bpy.data.pointclouds.remove(old)
        new.name = name


def recolor(cloud: Any, adjustment: colors.Adjustment, mask: Array | None = None) -> None:
    """Adjust the colors of all splats, or of those of a mask [N], spherical harmonics of every degree included."""
    matrix = adjustment.matrix()
    rows: Any = slice(None) if mask is None else np.flatnonzero(mask)
    base = attributes.read(cloud, "radiance:base")
    base[rows, :3] = colors.adjusted_dc(base[rows, :3], matrix)
    attributes.write(cloud, "radiance:base", compat.float4_type(), base)
    for name in bands(cloud):
        band = attributes.read(cloud, name)
        band[rows] = colors.adjusted_band(band[rows], matrix)
        attributes.write(cloud, name, "FLOAT_VECTOR", band)
    cloud.update_tag()


def fade_and_scale(cloud: Any, opacity_factor: float, scale_factor: float, mask: Array | None = None) -> None:
    """Multiply opacity and size of all splats, or of those of a mask [N]."""
    rows: Any = slice(None) if mask is None else np.flatnonzero(mask)
    if opacity_factor != 1.0:
        base = attributes.read(cloud, "radiance:base")
        base[rows, 3] = np.clip(base[rows, 3] * opacity_factor, 0.0, 1.0)
        attributes.write(cloud, "radiance:base", compat.float4_type(), base)
    if scale_factor != 1.0:
        scale = attributes.read(cloud, "scale")
        scale[rows] *= scale_factor
        attributes.write(cloud, "scale", "FLOAT_VECTOR", scale)
    cloud.update_tag()


def _attributes(cloud: Any) -> list[tuple[str, str, Array]]:
    found = [(a.name, a.data_type) for a in cloud.attributes if a.domain == "POINT" and a.data_type in attributes.FIELDS]
    return [(name, kind, attributes.read(cloud, name)) for name, kind in found]
