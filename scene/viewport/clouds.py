"""Which splats a view layer shows, and their attributes as arrays; read again only after Blender said that they changed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ...backend.values import SH_C0, Array
from .. import attributes, splat_nodes
from ..splat_edits import HIDDEN
from ..splats import holds_splats, read_arrays, splats_of

if TYPE_CHECKING:
    from ...backend.splats.scene_rows import Rows

SELECTED_SRGB = np.array([1.0, 0.6, 0.1], np.float32)  # near the theme's color of selected vertices
SELECTED_SHARE = 0.6  # of that color in a selected splat


@dataclass(eq=False)
class Cloud:
    """The attributes of one point cloud, until the drawing thread has put them into rows."""

    arrays: dict[str, Array] | None  # copies by attribute name, None once `rows` are made
    count: int
    antialiased: bool
    surfels: bool
    rows: Rows | None = field(default=None)  # written by the drawing thread alone
    number: int = field(default_factory=itertools.count().__next__)  # of no other cloud, be it long gone


@dataclass(frozen=True, eq=False)
class Shown:
    """A cloud as it stands in the scene, by the object that makes it visible: itself, or what instances it."""

    cloud: Cloud
    owner: str  # name of that object in the view layer
    world_from_object: Array  # [4,4] float64


_clouds: dict[int, Cloud] = {}  # by the session's number of the data-block, or of the object where modifiers have made them
_lists: dict[tuple[int, str], list[Shown]] = {}  # by scene and view layer
_to_carry: dict[str, bool] = {}  # names of objects whose nodes shall hand on their splats, or no longer


def forget(everything: bool = True) -> None:
    """Read again what is shown and, with `everything`, all attributes."""
    _lists.clear()
    if everything:
        _clouds.clear()


def note_changes(depsgraph: bpy.types.Depsgraph) -> None:
    """Take note of what an update of the dependency graph has changed."""
    if not bpy.data.pointclouds:
        forget()
        return
    for update in depsgraph.updates:
        changed: Any = update.id
        if isinstance(changed, bpy.types.PointCloud):
            _clouds.pop(changed.original.session_uid, None)
            _lists.clear()
        elif isinstance(changed, bpy.types.Object):
            if update.is_updated_geometry:
                _clouds.pop(changed.original.session_uid, None)
            if changed.type == "POINTCLOUD" or changed.is_instancer:
                _lists.clear()
        elif isinstance(changed, bpy.types.Scene | bpy.types.Collection | bpy.types.NodeTree):
            _lists.clear()


def carry() -> bool:
    """Let the nodes hand on what other modifiers make of splats, and say whether any had to be told; not while something is drawn."""
    told = bool(_to_carry)
    for name, carried in _to_carry.items():
        found: Any = bpy.data.objects.get(name)
        if found is not None:
            splat_nodes.set_carried(found, carried)
    _to_carry.clear()
    return told


def shown(context: bpy.types.Context) -> list[Shown]:
    """The splats of the context's view layer that Blender doesn't draw itself, instances of collections and nodes among them."""
    if not bpy.data.pointclouds:
        return []
    scene, layer = context.scene, context.view_layer
    key = (scene.session_uid, layer.name)
    if key not in _lists:
        _lists[key] = list(_collect(context.evaluated_depsgraph_get(), layer, _is_ours))
    return _lists[key]


def rendered(depsgraph: bpy.types.Depsgraph, layer: bpy.types.ViewLayer) -> list[Shown]:
    """The splats that a render of the view layer shows, instances of collections and nodes among them."""
    return list(_collect(depsgraph, layer, is_rendered))


def is_rendered(found: bpy.types.Object) -> bool:
    """Whether an object holds splats that renders show where it is visible to them."""
    return found.type == "POINTCLOUD" and any(modifier.show_render for modifier in splat_nodes.drawing(found))


def visible(entry: Shown, layer: bpy.types.ViewLayer, space: bpy.types.SpaceView3D) -> bool:
    """Whether a 3D viewport shows it: hidden objects, types and collections, and the local view, are the viewport's own."""
    owner: Any = layer.objects.get(entry.owner)
    return owner is not None and owner.visible_get(view_layer=layer, viewport=space) and owner.visible_in_viewport_get(space)


def _collect(depsgraph: bpy.types.Depsgraph, layer: bpy.types.ViewLayer, wanted: Callable[[Any], bool]) -> Iterator[Shown]:
    drawn: list[Any] = [data for data in bpy.data.pointclouds if holds_splats(data)]
    if not drawn:
        return
    found: Any
    for found in layer.objects:
        if found.type == "POINTCLOUD" and found.data in drawn and wanted(found):
            matrix = found.evaluated_get(depsgraph).matrix_world
            yield Shown(_cloud(found, depsgraph), found.name, np.array(matrix, np.float64))
    if not any(found.is_instancer or _has_nodes(found) for found in layer.objects if found.data not in drawn):
        return
    seen = set()
    for instance in depsgraph.object_instances:
        if not instance.is_instance or instance.parent is None:
            continue
        source = instance.object.original
        if source.type != "POINTCLOUD" or source == instance.parent.original or source.data not in drawn or not wanted(source):
            continue
        placed = np.array(instance.matrix_world, np.float64)
        key = (source.session_uid, instance.parent.name, placed.tobytes())
        if key not in seen:  # each component of a geometry is an instance of its own
            seen.add(key)
            yield Shown(_cloud(source, depsgraph), instance.parent.name, placed)


def _has_nodes(found: bpy.types.Object) -> bool:
    return any(modifier.type == "NODES" for modifier in found.modifiers)


def _is_ours(found: bpy.types.Object) -> bool:
    return found.display_type not in ("BOUNDS", "WIRE") and splat_nodes.look_of(found) == splat_nodes.SPLATS


def _cloud(owner: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> Cloud:
    data: Any = owner.data
    carried = splat_nodes.is_carried(owner)
    if carried != splat_nodes.should_carry(owner):
        _to_carry[owner.name] = not carried
    number = owner.session_uid if carried else data.session_uid
    if number not in _clouds:
        geometry: Any = owner.evaluated_get(depsgraph).evaluated_geometry() if carried else None  # keeps its mesh
        made = geometry.mesh if carried else None
        whole = made is not None and holds_splats(made)  # not before the nodes were evaluated with splats to be carried
        _clouds[number] = read_cloud(data, made if whole else data, edited=owner.mode == "EDIT")
    return _clouds[number]


def read_cloud(data: Any, source: Any, edited: bool = False) -> Cloud:
    """Copies of the attributes of a point cloud, or of the mesh that modifiers have made of it; those selected are tinted.

    Only when `edited` are they where all are selected: that is how edit mode leaves what it has touched.

    Vertices of that mesh which aren't splats have no opacity.
    """
    arrays = read_arrays(source)
    count = len(arrays["position"])
    chosen = attributes.read(source, ".selection").astype(bool) if ".selection" in source.attributes else np.zeros(count, bool)
    if chosen.any() and (edited or not chosen.all()):
        tint = (SELECTED_SRGB - 0.5) / SH_C0
        arrays["radiance:base"][chosen, :3] *= 1 - SELECTED_SHARE
        arrays["radiance:base"][chosen, :3] += SELECTED_SHARE * tint
    if HIDDEN in source.attributes:
        arrays["radiance:base"][attributes.read(source, HIDDEN).astype(bool), 3] = 0.0
    return Cloud(arrays, count, bool(data.get("antialiased", False)), bool(data.get("surfels", False)))


def rows_of(cloud: Cloud) -> Rows:
    """The cloud as the rasterizer wants it; called by the drawing thread, after `of_scene`."""
    from ...backend.splats.scene_rows import rows_from

    if cloud.rows is None:
        assert cloud.arrays is not None
        cloud.rows = rows_from(splats_of(cloud.arrays, cloud.antialiased, cloud.surfels))
        cloud.arrays = None
    return cloud.rows
