"""The color of splats in geometry nodes: real spherical harmonics up to degree 3, as 3DGS orders them, made linear.

Training blends splats in sRGB, Blender in linear light, where what is bright shines through what is dark. A splat of sRGB value s
and opacity a over the value c gives o = s + (1 - a) (c - s). In linear light, with x² for the sRGB curve, the same comes of a
transmittance t of (o² - s²) / (c² - s²) = (1 - a) (1 + a k), where k = (s - c) / (s + c), for each of red, green and blue: exact
over c, and over s. The steeper sRGB curve itself comes of a larger k. What is behind a splat isn't known; c is the value of average
surroundings. The renders of a photographed scene were 6 to 8 dB closer to the trained ones than with t = 1 - a, and 2 to 4 dB closer
than with one opacity for all three colors.
"""

from __future__ import annotations

from typing import Any

from ..backend.values import SH_C0
from .nodes import Nodes

# Each function is a product of coordinates of the unit direction from the camera to the splat, times a number or a weighted sum of
# x², y² and z².
HARMONICS: tuple[tuple[str, float | tuple[float, float, float]], ...] = (
    ("y", -0.4886025119029199),
    ("z", 0.4886025119029199),
    ("x", -0.4886025119029199),
    ("xy", 1.0925484305920792),
    ("yz", -1.0925484305920792),
    ("", (-0.31539156525252005, -0.31539156525252005, 0.6307831305050401)),
    ("xz", -1.0925484305920792),
    ("", (0.5462742152960396, -0.5462742152960396, 0.0)),
    ("y", (-1.7701307697799304, 0.5900435899266435, 0.0)),
    ("xyz", 2.890611442640554),
    ("y", (0.4570457994644658, 0.4570457994644658, -1.8281831978578634)),
    ("z", (-1.1195289977703462, -1.1195289977703462, 0.7463526651802308)),
    ("x", (0.4570457994644658, 0.4570457994644658, -1.8281831978578634)),
    ("z", (1.445305721320277, -1.445305721320277, 0.0)),
    ("x", (-0.5900435899266435, 1.7701307697799304, 0.0)),
)
SURROUNDINGS = 0.35  # sRGB
STEEPNESS = 1.27  # of the sRGB curve against x², where it is 1: makes k right for an opacity of a half between black and white
KNEE = 0.04045  # where the sRGB curve goes from a line to a power


def view_color(n: Nodes, direction: Any, follows: Any) -> tuple[Any, Any]:
    """Linear color with the trained opacity, and k, seen along the unit vectors `direction`; the DC color's where not `follows`."""
    base = n.add("GeometryNodeInputNamedAttribute", data_type="FLOAT_COLOR", Name="radiance:base")["Attribute"]
    split = n.add("FunctionNodeSeparateColor", Color=base)
    dc = n.add("ShaderNodeCombineXYZ", X=split["Red"], Y=split["Green"], Z=split["Blue"])["Vector"]
    average = n.vector("MULTIPLY_ADD", dc, SH_C0, 0.5)
    srgb = average
    for k, value in enumerate(_harmonics(n, direction)):
        band = n.add("GeometryNodeInputNamedAttribute", data_type="FLOAT_VECTOR", Name=f"radiance:sh_{k}")["Attribute"]
        srgb = n.vector("MULTIPLY_ADD", band, value, srgb)
    srgb = n.add("GeometryNodeSwitch", input_type="VECTOR", Switch=follows, False_=average, True_=srgb)["Output"]
    srgb = n.vector("MAXIMUM", srgb, 0.0)
    linear = n.add("ShaderNodeSeparateXYZ", Vector=_linear(n, srgb))
    color = n.add("FunctionNodeCombineColor", Red=linear["X"], Green=linear["Y"], Blue=linear["Z"], Alpha=split["Alpha"])["Color"]
    k = n.vector("DIVIDE", n.vector("SUBTRACT", srgb, SURROUNDINGS), n.vector("ADD", srgb, SURROUNDINGS))
    return color, n.vector("MAXIMUM", n.vector("SCALE", k, STEEPNESS), -1.0)


def _harmonics(n: Nodes, direction: Any) -> list[Any]:
    axes = n.add("ShaderNodeSeparateXYZ", Vector=direction)
    squares = n.vector("MULTIPLY", direction, direction)
    products = {name.lower(): axes[name] for name in "XYZ"}
    sums: dict[tuple[float, float, float], Any] = {}

    def product(name: str) -> Any:
        if name not in products:
            products[name] = n.math("MULTIPLY", product(name[:-1]), products[name[-1]])
        return products[name]

    def value(name: str, factor: float | tuple[float, float, float]) -> Any:
        if isinstance(factor, float):
            return n.math("MULTIPLY", product(name), factor)
        if factor not in sums:
            sums[factor] = n.vector("DOT_PRODUCT", squares, factor)
        return n.math("MULTIPLY", product(name), sums[factor]) if name else sums[factor]

    return [value(*harmonic) for harmonic in HARMONICS]


def _linear(n: Nodes, srgb: Any) -> Any:
    """What is below the knee by the curve's line, what is above by its power, and together without the knee that both count."""
    dark = n.vector("MINIMUM", srgb, KNEE)
    bright = n.vector("MULTIPLY_ADD", n.vector("MAXIMUM", srgb, KNEE), 1 / 1.055, 0.055 / 1.055)
    bright = n.add("ShaderNodeSeparateXYZ", Vector=bright)
    bright = n.add("ShaderNodeCombineXYZ", **{axis: n.math("POWER", bright[axis], 2.4) for axis in "XYZ"})["Vector"]
    return n.vector("SUBTRACT", n.vector("MULTIPLY_ADD", dark, 1 / 12.92, bright), KNEE / 12.92)
