"""The cameras of a result's photos: in a collection that the view layers leave out until somebody wants to see them."""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from . import provenance
from .visibility import set_hidden


def cameras_of(collection: bpy.types.Collection) -> list[bpy.types.Object]:
    """A result's cameras, in the order of their photos."""
    return sorted((made for made in collection.all_objects if provenance.role(made) == "camera"), key=lambda made: made.name)


def are_shown(collection: bpy.types.Collection, layer: bpy.types.ViewLayer) -> bool:
    """True where a view layer has the result's cameras."""
    return any(not found.exclude for found in _in_layer(collection, layer))


def set_shown(collection: bpy.types.Collection, shown: bool, only: bpy.types.Object | None = None) -> None:
    """Let the view layers of the scenes have a result's cameras, or leave them out; with `only` the others' eyes are closed."""
    for scene in bpy.data.scenes:
        for layer in scene.view_layers:
            for found in _in_layer(collection, layer):
                found.exclude = not shown
    if shown:
        for camera in cameras_of(collection):
            set_hidden(camera, only is not None and camera != only)


def _in_layer(collection: bpy.types.Collection, layer: bpy.types.ViewLayer) -> Iterator[bpy.types.LayerCollection]:
    """Where a view layer lists the collections below the result's that hold cameras."""
    holding = [inner for inner in collection.children_recursive if any(provenance.role(made) == "camera" for made in inner.objects)]
    waiting = [layer.layer_collection]
    while waiting:
        found = waiting.pop()
        waiting += found.children
        if found.collection in holding:
            yield found
