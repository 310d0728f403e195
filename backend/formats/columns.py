"""What the columns of points and splats mean, by the names and the ranges of values that programs of this field use.

Columns are named arrays [N] of any type, as PLY, LAS and text files have them, or attributes in Blender; names are in lower case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

import numpy as np

from ..geometry.vectors import unit
from ..values import SH_C0, Array, Splats
from .splat_rows import THINNEST_LOG_SCALE, SplatRows

Columns = Mapping[str, Array]

POSITION_PREFIXES = ("", "pos_", "position_", "p")
NORMAL_PREFIXES = ("n", "normal_", "normal", "norm_", "n_")
# PMVS and VisualSFM write diffuse_red, MeshLab may write r, CloudCompare scalar_red for colors that it holds as numbers.
COLOR_PREFIXES = ("", "diffuse_", "color_", "col_", "vertex_", "scalar_", "rgb_", "c_")
PACKED_COLORS = ("rgb", "rgba")  # of PCL: 0xRRGGBB in an integer, or in the bits of a float
WHITES = {"f": (1.0, 255.0, 65535.0), "i": (255.0, 65535.0, 4294967295.0)}  # what white may be, in floats and integers
ABOVE_WHITE = 1.5  # times that, what noise and interpolation may reach in floats


def positions_of(columns: Columns) -> Array | None:
    """[N,3] positions, float64 where the columns have more digits than float32 holds; None where there are none."""
    found = _triple(columns, "xyz", POSITION_PREFIXES)
    return None if found is None else _stacked(found, np.result_type(*(column.dtype for column in found), np.float32))


def normals_of(columns: Columns) -> Array | None:
    """[N,3] float32 unit normals, None where there are none or most are empty, as splat files have them."""
    found = _triple(columns, "xyz", NORMAL_PREFIXES)
    if found is None:
        return None
    normals = np.nan_to_num(_stacked(found, np.float32), posinf=0.0, neginf=0.0)
    if not normals.any(axis=1).mean() > 0.5:
        return None
    return unit(normals)


def colors_of(columns: Columns) -> Array | None:
    """[N,3] float32 sRGB, 0 to 1, by any usual name and of any type; None where there are none."""
    for prefix in COLOR_PREFIXES:
        for names in (("red", "green", "blue"), tuple("rgb")):
            found = [columns.get(prefix + name) for name in names]
            if all(column is not None for column in found):
                return _unit_colors(np.stack(found, axis=1))  # type: ignore[arg-type]
    for name in PACKED_COLORS:
        if name in columns and columns[name].dtype.itemsize == 4:
            packed = np.ascontiguousarray(columns[name]).astype(columns[name].dtype.newbyteorder("=")).view(np.uint32)
            return np.stack([packed >> 16 & 255, packed >> 8 & 255, packed & 255], axis=1).astype(np.float32) / 255
    return None


def bytes_of(colors: Array | None) -> Array | None:
    """Colors [N,3] float 0 to 1 as uint8."""
    return None if colors is None else np.rint(colors * 255).astype(np.uint8)


def are_splats(names: Mapping[str, object] | set[str]) -> bool:
    """Whether columns of these names are Gaussian splats, packed ones among them."""
    return "packed_position" in names or ("opacity" in names and bool({"scale", "scale_0", "rot_0"} & set(names)))


def missing_of_splats(names: Mapping[str, object] | set[str]) -> list[str]:
    """What splats need and these columns lack."""
    wanted = ["x", "y", "z", "opacity"]
    if not _has_color(names):
        wanted += ["f_dc_0", "f_dc_1", "f_dc_2"]
    if "scale" not in names:
        wanted += ["scale_0"]
    if "rot_0" in names or "scale_1" in names:  # else they are balls, which need no rotation
        wanted += ["rot_0", "rot_1", "rot_2", "rot_3"]
    return sorted(set(wanted) - set(names))


def sh_degree_of(names: Iterable[str]) -> int:
    """The SH degree of splats with columns of these names; raises ValueError where their number fits none."""
    rest = len(_numbered(names, "f_rest_"))
    degree = {0: 0, 9: 1, 24: 2, 45: 3, 72: 4}.get(rest)
    if degree is None:
        raise ValueError(f"{rest} SH values for each splat")
    return degree


def positions_dtype(columns: Columns) -> np.dtype:
    """The type of `positions_of`: float64 where the columns have more digits than float32 holds."""
    found = _triple(columns, "xyz", POSITION_PREFIXES) or []
    return np.result_type(*(column.dtype for column in found), np.float32)


def are_surfels(names: Iterable[str]) -> bool:
    """Whether splats with columns of these names are flat: they have two scales."""
    return len(_numbered(names, "scale_")) == 2


def splats_of(columns: Columns) -> tuple[Splats, int]:
    """Splats of columns that `missing_of_splats` finds complete, without the broken ones, and how many those were.

    Positions keep their precision. Raises ValueError where the number of SH columns fits no degree.
    """
    rows = SplatRows(len(columns["opacity"]), sh_degree_of(columns), positions_dtype(columns))
    add_splats(rows, columns)
    return rows.splats("filter_3d" in columns, are_surfels(columns)), rows.broken


def add_splats(rows: SplatRows, columns: Columns) -> None:
    """Add splats of columns that `missing_of_splats` finds complete; positions keep their precision."""
    means = positions_of(columns)
    assert means is not None
    count = len(means)
    log_scales = _log_scales(columns, count)
    logits = np.asarray(columns["opacity"], dtype=np.float32)
    unturned = np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1))
    quats = _stacked([columns[f"rot_{i}"] for i in range(4)], np.float32) if "rot_0" in columns else unturned
    if "filter_3d" in columns:
        log_scales, logits = _filtered(log_scales, logits, np.asarray(columns["filter_3d"], dtype=np.float32))
    rows.add(means, quats, log_scales, logits, _harmonics(columns, count))


def left_out(name: str, what: str, broken: int, sound: int) -> tuple[str, ...]:
    """A sentence about `broken` ones of the "splats" or "points" in a file or object, none where there are none."""
    if not broken:
        return ()
    return (f"{broken} of {broken + sound} {what} in {name} are broken (not a number, or infinite) and were left out.",)


def _triple(columns: Columns, letters: str, prefixes: tuple[str, ...]) -> list[Array] | None:
    for prefix in prefixes:
        if all(prefix + letter in columns for letter in letters):
            return [columns[prefix + letter] for letter in letters]
    return None


def _stacked(found: list[Array], dtype: np.dtype | type) -> Array:
    """[N,C] of C columns [N]: a view where they lie side by side in rows, as those of binary files do, which is ten times as fast."""
    first = found[0]
    apart = {later.ctypes.data - earlier.ctypes.data for earlier, later in pairwise(found)}
    if apart <= {first.itemsize} and all(each.dtype == first.dtype and each.strides == first.strides for each in found):
        shape, strides = (len(first), len(found)), (*first.strides, first.itemsize)
        return np.lib.stride_tricks.as_strided(first, shape, strides, writeable=False).astype(dtype, copy=False)
    stacked = np.empty((len(first), len(found)), dtype=dtype)
    for index, column in enumerate(found):
        stacked[:, index] = column
    return stacked


def _unit_colors(colors: Array) -> Array:
    """Colors of any type [N,3] as 0 to 1: white is 1, 255 or 65535, the least of these that isn't exceeded."""
    if colors.dtype.kind == "i" and colors.dtype.itemsize == 1:  # bytes that a program has called signed
        colors = colors.view(np.uint8)
    values = np.nan_to_num(colors.astype(np.float64), posinf=0.0, neginf=0.0)
    largest = float(values.max(initial=0.0))
    kind, above = ("f", ABOVE_WHITE) if colors.dtype.kind == "f" else ("i", 1.0)
    white = next((white for white in WHITES[kind] if largest <= above * white), largest)
    return np.clip(values / white, 0.0, 1.0).astype(np.float32)


def _has_color(names: Mapping[str, object] | set[str]) -> bool:
    probe = {name: np.zeros(1, np.uint8) for name in names}
    return {"f_dc_0", "f_dc_1", "f_dc_2"} <= set(names) or colors_of(probe) is not None


def _log_scales(columns: Columns, count: int) -> Array:
    """[N,3] float32: two scales say that splats are flat, one that they are balls."""
    names = _numbered(columns, "scale_")[:3] or ["scale"]
    scales = _stacked([columns[name] for name in names], np.float32)
    if len(names) == 1:
        return np.repeat(scales, 3, axis=1)
    if len(names) == 2:
        return np.column_stack([scales, np.full(count, THINNEST_LOG_SCALE, np.float32)])
    return scales


def _harmonics(columns: Columns, count: int) -> Array:
    """[N,K,3] float32; where there is one plain color instead, that one seen from everywhere."""
    if not {"f_dc_0", "f_dc_1", "f_dc_2"} <= set(columns):
        colors = colors_of(columns)
        assert colors is not None
        return ((colors - 0.5) / np.float32(SH_C0))[:, None, :]
    rest = _numbered(columns, "f_rest_")
    per_channel = len(rest) // 3
    sh = np.empty((count, per_channel + 1, 3), dtype=np.float32)
    sh[:, 0] = _stacked([columns[f"f_dc_{i}"] for i in range(3)], np.float32)
    if rest:
        sh[:, 1:] = _stacked([columns[name] for name in rest], np.float32).reshape(count, 3, per_channel).transpose(0, 2, 1)
    return sh


def _numbered(columns: Iterable[str], prefix: str) -> list[str]:
    numbered = {name: name.removeprefix(prefix) for name in columns if name.startswith(prefix)}
    return sorted((name for name, number in numbered.items() if number.isdecimal()), key=lambda name: int(numbered[name]))


def _filtered(log_scales: Array, logits: Array, filter_size: Array) -> tuple[Array, Array]:
    """Splats widened by Mip-Splatting's 3D filter and made as much fainter (Yu et al. 2024, equation 9), which goes with its 2D filter."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # broken ones are left out later
        squares = np.exp(2.0 * log_scales.astype(np.float64))
        widened = squares + np.nan_to_num(filter_size.astype(np.float64))[:, None] ** 2
        opacity = np.sqrt((squares / widened).prod(axis=1)) / (1.0 + np.exp(-logits.astype(np.float64)))
        opacity = np.clip(opacity, 1e-12, 1.0 - 1e-12)
        log_scales = (0.5 * np.log(widened)).astype(np.float32)
    return log_scales, np.log(opacity / (1.0 - opacity)).astype(np.float32)
