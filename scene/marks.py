"""Marks on materials and images of Reify's making, which tell what of them has been changed since."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import bpy

STATE = "reify_state"  # of a material, as it was made
MAP = "reify_map"  # of an image: "base_color", "normal", …


def mark_image(image: bpy.types.Image, name: str) -> bpy.types.Image:
    """Store which map of a mesh an image holds; returns the image."""
    image[MAP] = name
    return image


def mark_material(material: bpy.types.Material) -> None:
    """Store how a material was made."""
    material[STATE] = _state(material)


def is_as_made(material: bpy.types.Material) -> bool:
    """True for a material of Reify's making that nobody has changed."""
    return material.get(STATE) == _state(material)


def maps_of(material: bpy.types.Material) -> dict[str, bpy.types.Image]:
    """The images of Reify's making that a material holds, by the map that each is."""
    images = [image for image in images_of(material) if image.get(MAP) is not None]
    return {image[MAP]: image for image in images}


def images_of(material: bpy.types.Material) -> Iterator[bpy.types.Image]:
    """The images of a material's nodes."""
    for node in material.node_tree.nodes if material.node_tree is not None else ():
        if (image := getattr(node, "image", None)) is not None:
            yield image


def _state(material: bpy.types.Material) -> str:
    """A digest of nodes, values and links. Which picture a node shows is in it by its map alone."""
    tree: Any = material.node_tree
    nodes = sorted((node.name, node.bl_idname, node.mute, _map(node), *map(_value, node.inputs)) for node in tree.nodes)
    links = sorted((link.from_node.name, link.from_socket.identifier, link.to_node.name, link.to_socket.identifier) for link in tree.links)
    return hashlib.sha256(repr((nodes, links, material.use_backface_culling)).encode()).hexdigest()[:16]


def _map(node: Any) -> str:
    image = getattr(node, "image", None)
    return str(image.get(MAP, "?")) if image is not None else ""


def _value(socket: Any) -> str:
    value = getattr(socket, "default_value", None)
    if isinstance(value, float):
        return f"{value:.5g}"
    return " ".join(f"{part:.5g}" for part in value) if hasattr(value, "__len__") and not isinstance(value, str) else repr(value)
