"""The colour and opacity of splats in geometry nodes: real spherical harmonics up to degree 3, as 3DGS orders them, made linear.

Training blends splats in sRGB, Blender in linear light, where what is bright shines through what is dark. A splat of grey value s
and opacity a over a grey c changes it by a (s - c) in sRGB; that takes an opacity of 2 c a / (s + c) in linear light, to first
order and with x² for the sRGB curve. Opacities are changed by that for the grey of average surroundings: renders of a photographed
scene were 5 to 8 dB closer to the trained ones.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from ..backend.values import SH_C0
from .nodes import Nodes

# Each function is a sum of terms: factor and powers of x, y, z of the unit direction from the camera to the splat.
TERMS: tuple[tuple[tuple[float, str], ...], ...] = (
    ((-0.4886025119029199, "y"),),
    ((0.4886025119029199, "z"),),
    ((-0.4886025119029199, "x"),),
    ((1.0925484305920792, "xy"),),
    ((-1.0925484305920792, "yz"),),
    ((0.6307831305050401, "zz"), (-0.31539156525252005, "xx"), (-0.31539156525252005, "yy")),
    ((-1.0925484305920792, "xz"),),
    ((0.5462742152960396, "xx"), (-0.5462742152960396, "yy")),
    ((-1.7701307697799304, "xxy"), (0.5900435899266435, "yyy")),
    ((2.890611442640554, "xyz"),),
    ((-1.8281831978578634, "yzz"), (0.4570457994644658, "xxy"), (0.4570457994644658, "yyy")),
    ((0.7463526651802308, "zzz"), (-1.1195289977703462, "xxz"), (-1.1195289977703462, "yyz")),
    ((-1.8281831978578634, "xzz"), (0.4570457994644658, "xxx"), (0.4570457994644658, "xyy")),
    ((1.445305721320277, "xxz"), (-1.445305721320277, "yyz")),
    ((-0.5900435899266435, "xxx"), (1.7701307697799304, "xyy")),
)


SURROUNDINGS = 0.35  # sRGB


def view_color(n: Nodes, direction: Any | None) -> Any:
    """Linear colour, and opacity for linear light, seen along the unit vectors `direction`; without one, of the DC colour."""
    base = n.add("GeometryNodeInputNamedAttribute", data_type="FLOAT_COLOR", Name="radiance:base")["Attribute"]
    split = n.add("FunctionNodeSeparateColor", Color=base)
    dc = n.add("ShaderNodeCombineXYZ", X=split["Red"], Y=split["Green"], Z=split["Blue"])["Vector"]
    srgb = n.add("ShaderNodeVectorMath", operation="MULTIPLY_ADD", Vector=dc, Vector_001=(SH_C0,) * 3, Vector_002=(0.5,) * 3)["Vector"]
    if direction is not None:
        for k, value in enumerate(_functions(n, direction)):
            band = n.add("GeometryNodeInputNamedAttribute", data_type="FLOAT_VECTOR", Name=f"radiance:sh_{k}")["Attribute"]
            share = n.add("ShaderNodeVectorMath", operation="SCALE", Vector=band, Scale=value)["Vector"]
            srgb = n.add("ShaderNodeVectorMath", operation="ADD", Vector=srgb, Vector_001=share)["Vector"]
    channels = n.add("ShaderNodeSeparateXYZ", Vector=srgb)
    linear = {name: _linear(n, channels[axis]) for name, axis in (("Red", "X"), ("Green", "Y"), ("Blue", "Z"))}
    return n.add("FunctionNodeCombineColor", **linear, Alpha=_opacity(n, split["Alpha"], srgb))["Color"]


def _opacity(n: Nodes, trained: Any, srgb: Any) -> Any:
    grey = n.add("ShaderNodeVectorMath", operation="DOT_PRODUCT", Vector=srgb, Vector_001=(0.3, 0.59, 0.11))["Value"]
    grey = n.math("MINIMUM", n.math("MAXIMUM", grey, 0.0), 1.0)
    times = n.math("DIVIDE", 2 * SURROUNDINGS, n.math("ADD", grey, SURROUNDINGS))
    return n.math("SUBTRACT", 1.0, n.math("POWER", n.math("MAXIMUM", n.math("SUBTRACT", 1.0, trained), 0.0), times))


def _functions(n: Nodes, direction: Any) -> list[Any]:
    axes = n.add("ShaderNodeSeparateXYZ", Vector=direction)
    powers = {name.lower(): axes[name] for name in "XYZ"}

    def product(name: str) -> Any:
        if name not in powers:
            powers[name] = n.math("MULTIPLY", product(name[:-1]), powers[name[-1]])
        return powers[name]

    def term(given: tuple[float, str]) -> Any:
        return n.math("MULTIPLY", product(given[1]), given[0])

    return [reduce(lambda a, b: n.math("ADD", a, b), map(term, terms)) for terms in TERMS]


def _linear(n: Nodes, srgb: Any) -> Any:
    srgb = n.math("MAXIMUM", srgb, 0.0)
    dark = n.math("DIVIDE", srgb, 12.92)
    bright = n.math("POWER", n.math("DIVIDE", n.math("ADD", srgb, 0.055), 1.055), 2.4)
    is_bright = n.compare("GREATER_THAN", srgb, 0.04045)
    return n.add("GeometryNodeSwitch", input_type="FLOAT", Switch=is_bright, False_=dark, True_=bright)["Output"]
