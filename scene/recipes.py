"""Procedural node materials for an assembly's templates: few nodes each, in object space and meters, bakeable, for EEVEE and Cycles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np

from ..backend.values import Material
from . import compat
from .images import linear_from_srgb
from .nodes import Nodes

RUST, DUST = (0.11, 0.05, 0.025), (0.16, 0.14, 0.11)  # linear, what age leaves on metal and on all else
CLAY = (176, 148, 128)  # sRGB of the clay style
INK = (26, 28, 34)  # sRGB of wireframes
SUN = (-0.45, -0.6, 0.66)  # toward the light of the toon style
FLAT_STYLES = ("low poly", "voxel")  # their colors are even


@dataclass(frozen=True)
class Recipe:
    """How a template looks."""

    roughness: float
    metallic: float = 0.0
    transmission: float = 0.0
    subsurface: float = 0.0
    emission: float = 0.0
    pattern: str = "noise"  # "noise", "wood", "brick", "cells" or "veins"
    scale: float = 6.0  # of the pattern, per meter
    contrast: float = 0.25  # of the color, as a share of its brightness
    bump: float = 0.1


RECIPES = {
    "wood": Recipe(0.55, pattern="wood", scale=4.0, contrast=0.4, bump=0.08),
    "metal": Recipe(0.32, metallic=1.0, scale=14.0, contrast=0.12, bump=0.03),
    "gold": Recipe(0.2, metallic=1.0, scale=20.0, contrast=0.06, bump=0.02),
    "silver": Recipe(0.15, metallic=1.0, scale=20.0, contrast=0.05, bump=0.02),
    "copper": Recipe(0.28, metallic=1.0, scale=14.0, contrast=0.15, bump=0.03),
    "glass": Recipe(0.03, transmission=1.0, contrast=0.0, bump=0.0),
    "stone": Recipe(0.85, scale=5.0, contrast=0.35, bump=0.35),
    "marble": Recipe(0.18, pattern="veins", scale=2.5, contrast=0.5, bump=0.0),
    "brick": Recipe(0.9, pattern="brick", scale=1.0, contrast=0.35, bump=0.4),
    "clay": Recipe(0.8, scale=8.0, contrast=0.15, bump=0.12),
    "ceramic": Recipe(0.16, scale=4.0, contrast=0.05, bump=0.0),
    "cloth": Recipe(0.95, pattern="cells", scale=140.0, contrast=0.18, bump=0.25),
    "leather": Recipe(0.5, pattern="cells", scale=60.0, contrast=0.2, bump=0.25),
    "plastic": Recipe(0.3, contrast=0.0, bump=0.0),
    "paint": Recipe(0.3, scale=3.0, contrast=0.06, bump=0.0),
    "paper": Recipe(0.9, scale=30.0, contrast=0.08, bump=0.04),
    "ice": Recipe(0.12, transmission=0.85, scale=6.0, contrast=0.2, bump=0.2),
    "snow": Recipe(0.8, subsurface=0.3, scale=12.0, contrast=0.06, bump=0.15),
    "cloud": Recipe(1.0, subsurface=0.5, scale=1.0, contrast=0.05, bump=0.1),
    "moss": Recipe(1.0, scale=30.0, contrast=0.5, bump=0.5),
    "leaf": Recipe(0.7, scale=5.0, contrast=0.45, bump=0.3),
    "skin": Recipe(0.35, subsurface=0.1, scale=20.0, contrast=0.12, bump=0.03),
    "straw": Recipe(0.9, pattern="wood", scale=30.0, contrast=0.5, bump=0.3),
    "light": Recipe(0.4, emission=4.0, contrast=0.0, bump=0.0),
}


def node_material(found: Material, style: str = "", size_m: float = 1.0) -> bpy.types.Material:
    """The node material for a material in a style; made once and shared. `size_m` is the thing's, to which patterns are scaled."""
    scale = 2.0 ** round(float(np.log2(max(size_m, 1e-3))))
    traits = tuple(dict.fromkeys((*found.traits, *(["old"] if style == "old" else []))))
    words = [found.template, "#{:02x}{:02x}{:02x}".format(*found.srgb), *traits, style if style != "old" else "", f"{scale:g}"]
    name = f"Reify {' '.join(filter(None, words))}"
    if name in bpy.data.materials:
        return bpy.data.materials[name]
    made = bpy.data.materials.new(name)
    compat.use_nodes(made)
    tree = made.node_tree
    tree.nodes.clear()
    nodes = Nodes(tree)
    srgb = {"clay": CLAY, "wireframe": INK}.get(style, found.srgb)
    color = tuple(float(value) for value in linear_from_srgb(np.array(srgb) / 255))
    recipe = _styled(RECIPES[found.template], style)
    shader = _toon(nodes, color) if style == "toon" else _principled(nodes, recipe, color, scale, traits)
    nodes.add("ShaderNodeOutputMaterial", Surface=shader)
    nodes.arrange()
    made.diffuse_color = (*color, 1.0)  # Solid mode
    made.metallic, made.roughness = recipe.metallic, recipe.roughness
    return made


def even_material(found: Material, style: str = "", size_m: float = 1.0) -> bpy.types.Material:
    """The same as numbers alone, without a pattern: what formats of other programs can hold. Made once and shared."""
    name = " ".join(filter(None, (found.template, "#{:02x}{:02x}{:02x}".format(*found.srgb), style, "even")))
    if name in bpy.data.materials:
        return bpy.data.materials[name]
    made = bpy.data.materials.new(name)
    compat.use_nodes(made)
    nodes = Nodes(made.node_tree)
    made.node_tree.nodes.clear()
    color = tuple(float(value) for value in linear_from_srgb(np.array({"clay": CLAY, "wireframe": INK}.get(style, found.srgb)) / 255))
    recipe = replace(_styled(RECIPES[found.template], style), contrast=0.0, bump=0.0)
    nodes.add("ShaderNodeOutputMaterial", Surface=_principled(nodes, recipe, color, 1.0, ()))
    made.diffuse_color = (*color, 1.0)
    return made


def _styled(recipe: Recipe, style: str) -> Recipe:
    if style == "clay":
        return RECIPES["clay"]
    if style == "toy":
        return Recipe(0.22, emission=recipe.emission, contrast=0.0, bump=0.0)
    if style == "wireframe":
        return Recipe(0.6, contrast=0.0, bump=0.0)
    if style in FLAT_STYLES:
        return Recipe(0.85, emission=recipe.emission, contrast=0.0, bump=0.0)
    return recipe


def _principled(nodes: Nodes, recipe: Recipe, color: tuple[float, ...], scale: float, traits: tuple[str, ...]) -> Any:
    inputs: dict[str, Any] = {"Roughness": recipe.roughness, "Metallic": recipe.metallic}
    base: Any = (*color, 1.0)
    if recipe.contrast or recipe.bump:
        place = nodes.add("ShaderNodeTexCoord")["Object"]
        pattern = _pattern(nodes, recipe, place, scale)
        dark = tuple(value * (1 - recipe.contrast) for value in color)
        light = tuple(min(1.0, value * (1 + 0.4 * recipe.contrast)) for value in color)
        base = _mixed(nodes, pattern, (*dark, 1.0), (*light, 1.0))
        if recipe.bump:
            inputs["Normal"] = nodes.add("ShaderNodeBump", Strength=recipe.bump, Distance=0.02 * scale, Height=pattern)["Normal"]
    if "old" in traits:
        place = nodes.add("ShaderNodeTexCoord")["Object"]
        spots = nodes.add("ShaderNodeTexNoise", Vector=place, Scale=5.0 / scale, Detail=8.0, Roughness=0.7)[0]
        share = nodes.add("ShaderNodeMapRange", 0, spots, 1, 0.42, 2, 0.66)["Result"]
        base = _mixed(nodes, nodes.math("MULTIPLY", share, 0.8), base, (*(RUST if recipe.metallic else DUST), 1.0))
        inputs["Roughness"] = nodes.math("MAXIMUM", share, recipe.roughness)
        if recipe.metallic:
            inputs["Metallic"] = nodes.math("SUBTRACT", recipe.metallic, share)
    inputs["Base Color"] = base
    if recipe.transmission:
        inputs["Transmission Weight"] = recipe.transmission
    if recipe.subsurface:
        inputs["Subsurface Weight"], inputs["Subsurface Scale"] = recipe.subsurface, 0.05 * scale
    glow = recipe.emission or (3.0 if "glowing" in traits else 0.0)
    if glow:
        inputs["Emission Color"], inputs["Emission Strength"] = (*color, 1.0), glow
    outputs = nodes.add("ShaderNodeBsdfPrincipled")
    for name, value in inputs.items():
        socket = outputs.node.inputs[name]
        if hasattr(value, "is_output"):
            nodes.tree.links.new(value, socket)
        else:
            socket.default_value = value
    return outputs[0]


def _pattern(nodes: Nodes, recipe: Recipe, place: Any, scale: float) -> Any:
    """A value from 0 to 1 that varies over the surface."""
    per_size = recipe.scale / (scale if recipe.pattern != "brick" else 1.0)
    if recipe.pattern == "wood":
        stretched = nodes.add("ShaderNodeMapping", 0, place, 3, (1.0, 1.0, 0.16))["Vector"]
        return nodes.add("ShaderNodeTexNoise", Vector=stretched, Scale=4 * per_size, Detail=6.0, Roughness=0.6, Distortion=1.4)[0]
    if recipe.pattern == "cells":
        return nodes.add("ShaderNodeTexVoronoi", Vector=place, Scale=per_size)["Distance"]
    if recipe.pattern == "veins":
        warped = nodes.add("ShaderNodeTexNoise", Vector=place, Scale=per_size, Detail=8.0, Roughness=0.65, Distortion=2.5)[0]
        return nodes.add("ShaderNodeMapRange", 0, nodes.math("ABSOLUTE", nodes.math("SUBTRACT", warped, 0.5)), 1, 0.0, 2, 0.06)["Result"]
    if recipe.pattern == "brick":
        place = nodes.add("ShaderNodeTexCoord")["UV"]
        return nodes.add(
            "ShaderNodeTexBrick", Vector=place, Scale=per_size, Color1=(0.7, 0.7, 0.7, 1), Color2=(1, 1, 1, 1), Mortar=(0.1, 0.1, 0.1, 1)
        )[0]
    return nodes.add("ShaderNodeTexNoise", Vector=place, Scale=per_size, Detail=8.0, Roughness=0.6)[0]


def _mixed(nodes: Nodes, factor: Any, first: Any, second: Any) -> Any:
    mix = nodes.add("ShaderNodeMix", data_type="RGBA", Factor_Float=factor)
    for name, value in (("A_Color", first), ("B_Color", second)):
        socket = next(found for found in mix.node.inputs if found.identifier == name)
        if hasattr(value, "is_output"):
            nodes.tree.links.new(value, socket)
        else:
            socket.default_value = value
    return next(found for found in mix.node.outputs if found.identifier == "Result_Color")


def _toon(nodes: Nodes, color: tuple[float, ...]) -> Any:
    """Three steps of light from a fixed direction, as emission: the same in EEVEE and Cycles."""
    normal = nodes.add("ShaderNodeNewGeometry")["Normal"]
    dot = nodes.add("ShaderNodeVectorMath", operation="DOT_PRODUCT")
    nodes.tree.links.new(normal, dot.node.inputs[0])
    dot.node.inputs[1].default_value = SUN
    lit = nodes.math("ADD", nodes.math("MULTIPLY", nodes.math("GREATER_THAN", dot["Value"], 0.05), 0.45), 0.45)
    lit = nodes.math("ADD", lit, nodes.math("MULTIPLY", nodes.math("GREATER_THAN", dot["Value"], 0.8), 0.25))
    shaded = _mixed(nodes, lit, (0.0, 0.0, 0.0, 1.0), (*color, 1.0))
    return nodes.add("ShaderNodeEmission", Color=shaded)[0]
