"""The materials of splats: a soft one for each shape that splats have in a render, and an opaque one for the viewport."""

from __future__ import annotations

from collections.abc import Callable
from math import e as E
from typing import Any

import bpy

from . import compat
from .nodes import Nodes

FACING, SOLID, VIEWPORT = "Reify Splats", "Reify Splats Solid", "Reify Splats Viewport"
COLOR = "reify_color"  # linear red, green, blue and opacity
BLEND = "reify_blend"  # k of splat_color.py for red, green and blue
OFFSET = "reify_offset"  # on a square: x, y, z such that opacity is exp(-(x² + y² + z²))
FAINTEST = 1 / 255  # a splat ends where its opacity falls below this, as the rasterizer's do
MARK, VERSION = "reify_splats", 4  # property of a material whose nodes are these
CIRCUMSCRIBED = 1.2584  # circumradius of the icosahedron around the unit sphere


def facing() -> bpy.types.Material:
    """For squares that face the camera: opacity falls with the distance from the middle.

    EEVEE blends them, which knows a transparency for each color and no noise, in the order in which the nodes have sorted them.
    """
    return _found_or_made(FACING, _facing, "BLENDED")


def solid() -> bpy.types.Material:
    """For ellipsoids: opacity falls with the distance between the viewing ray and the center.

    In the splat's own space it is a unit sphere (Moenne-Loccoz et al., "3D Gaussian Ray Tracing", 2024, eq. 6).
    """
    return _found_or_made(SOLID, _solid)


def viewport() -> bpy.types.Material:
    """For the viewport: opaque."""
    return _found_or_made(VIEWPORT, _viewport)


def reach_squared(n: Nodes, opacity: Any) -> Any:
    """Squared distance, in standard deviations, at which `opacity` has fallen to FAINTEST: 2 ln(opacity / FAINTEST)."""
    inside = n.math("LOGARITHM", n.math("MAXIMUM", n.math("DIVIDE", opacity, FAINTEST), 1.01), E)
    return n.math("MULTIPLY", inside, 2.0)


def _facing(n: Nodes) -> None:
    color = n.add("ShaderNodeAttribute", attribute_type="GEOMETRY", attribute_name=COLOR)["Color"]
    offset = n.add("ShaderNodeAttribute", attribute_type="GEOMETRY", attribute_name=OFFSET)["Vector"]
    squared = n.vector("DOT_PRODUCT", offset, offset)
    blend = n.add("ShaderNodeAttribute", attribute_type="GEOMETRY", attribute_name=BLEND)["Vector"]
    _soft(n, color, blend, n.math("EXPONENT", n.math("MULTIPLY", squared, -1.0)))


def _solid(n: Nodes) -> None:
    color = n.add("ShaderNodeAttribute", attribute_type="INSTANCER", attribute_name=COLOR)
    geometry = n.add("ShaderNodeNewGeometry")
    own = {"convert_from": "WORLD", "convert_to": "OBJECT"}
    position = n.add("ShaderNodeVectorTransform", vector_type="POINT", **own, Vector=geometry["Position"])["Vector"]
    ray = n.add("ShaderNodeVectorTransform", vector_type="VECTOR", **own, Vector=geometry["Incoming"])["Vector"]
    direction = n.vector("NORMALIZE", ray)
    # |p x d| is the distance between the ray and the center, in units of the reach.
    offset = n.vector("CROSS_PRODUCT", position, direction)
    squared = n.vector("DOT_PRODUCT", offset, offset)
    power = n.math("MULTIPLY", n.math("MULTIPLY", squared, reach_squared(n, color["Alpha"])), -0.5)
    opacity = n.math("MULTIPLY", color["Alpha"], n.math("EXPONENT", power))
    opacity = n.math("MULTIPLY", opacity, n.math("LESS_THAN", squared, 1.0))
    blend = n.add("ShaderNodeAttribute", attribute_type="INSTANCER", attribute_name=BLEND)["Vector"]
    _soft(n, color["Color"], blend, n.math("MULTIPLY", opacity, _counts(n, geometry, position, ray)))


def _soft(n: Nodes, color: Any, blend: Any, opacity: Any) -> None:
    """Emission that lets through (1 - a) (1 + a k) of the light behind it, in each of red, green and blue."""
    clear = n.math("SUBTRACT", 1.0, opacity)
    through = n.vector("SCALE", n.vector("ADD", n.vector("SCALE", blend, opacity), 1.0), clear)
    own = n.vector("MULTIPLY", color, n.vector("SUBTRACT", 1.0, through))
    emission = n.add("ShaderNodeEmission", Color=own)["Emission"]
    behind = n.add("ShaderNodeBsdfTransparent", Color=through)["BSDF"]
    n.add("ShaderNodeOutputMaterial", Surface=n.add("ShaderNodeAddShader", 0, emission, 1, behind)["Shader"])


def _counts(n: Nodes, geometry: Any, position: Any, ray: Any) -> Any:
    """1 on one of the two sides that a ray meets: the front, or the back of a splat around the camera whose center is ahead."""
    distance = n.add("ShaderNodeCameraData")["View Distance"]
    to_camera = n.vector("SCALE", ray, distance)
    camera = n.vector("ADD", position, to_camera)
    within = n.math("LESS_THAN", n.vector("LENGTH", camera), (1 + CIRCUMSCRIBED) / 2)
    ahead = n.math("GREATER_THAN", n.vector("DOT_PRODUCT", camera, ray), 0.0)
    back = n.math("MULTIPLY", n.math("MULTIPLY", within, ahead), geometry["Backfacing"])
    return n.math("ADD", n.math("SUBTRACT", 1.0, geometry["Backfacing"]), back)


def _viewport(n: Nodes) -> None:
    color = n.add("ShaderNodeAttribute", attribute_type="GEOMETRY", attribute_name=COLOR)["Color"]
    n.add("ShaderNodeOutputMaterial", Surface=n.add("ShaderNodeEmission", Color=color)["Emission"])


def _found_or_made(name: str, build: Callable[[Nodes], None], in_eevee: str = "DITHERED") -> bpy.types.Material:
    material: Any = bpy.data.materials.get((name, None)) or bpy.data.materials.new(name)
    if material.get(MARK) == VERSION:
        return material
    material[MARK] = VERSION
    compat.use_nodes(material)
    material.node_tree.nodes.clear()
    material.surface_render_method = in_eevee
    if hasattr(material, "cycles"):
        material.cycles.emission_sampling = "NONE"  # a light tree over every splat costs minutes and gains nothing
    n = Nodes(material.node_tree)
    build(n)
    n.arrange()
    return material
