"""What the columns of points and splats mean, by the names and the ranges of values that programs of this field use.

Columns are named arrays [N] of any type, as PLY, LAS and text files have them, or attributes in Blender; names are in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..geometry.vectors import unit
from ..values import SH_C0, Array, Splats

Columns = Mapping[str, Array]

POSITION_PREFIXES = ("", "pos_", "position_", "p")
NORMAL_PREFIXES = ("n", "normal_", "normal", "norm_", "n_")
# PMVS and VisualSFM write diffuse_red, MeshLab may write r, CloudCompare scalar_red for colors that it holds as numbers.
COLOR_PREFIXES = ("", "diffuse_", "color_", "col_", "vertex_", "scalar_", "rgb_", "c_")
PACKED_COLORS = ("rgb", "rgba")  # of PCL: 0xRRGGBB in an integer, or in the bits of a float
WHITES = {"f": (1.0, 255.0, 65535.0), "i": (255.0, 65535.0, 4294967295.0)}  # what white may be, in floats and integers
ABOVE_WHITE = 1.5  # times that, what noise and interpolation may reach in floats
LARGEST_POSITION = 1e15  # beyond it products of positions leave the range of 32 bits
THINNEST_LOG_SCALE = -20.0  # of a surfel's third axis; e^-20 is zero for every purpose and still finite
MOST_OPAQUE_LOGIT = 30.0  # 1 in 32 bits; some programs write infinity


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


def splats_of(columns: Columns) -> tuple[Splats, int]:
    """Splats of columns that `missing_of_splats` finds complete, without the broken ones, and how many those were.

    Positions keep their precision. Raises ValueError where the number of SH columns fits no degree.
    """
    means = positions_of(columns)
    assert means is not None
    count = len(means)
    log_scales, flat = _log_scales(columns, count)
    logits = np.asarray(columns["opacity"], dtype=np.float32)
    unturned = np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1))
    quats = _stacked([columns[f"rot_{i}"] for i in range(4)], np.float32) if "rot_0" in columns else unturned
    sh = _harmonics(columns, count)
    with np.errstate(invalid="ignore"):
        sound = (np.abs(means) < LARGEST_POSITION).all(axis=1) & np.isfinite(quats).all(axis=1) & ~np.isnan(logits)
        sound &= np.isfinite(sh).all(axis=(1, 2)) & (log_scales < np.log(LARGEST_POSITION)).all(axis=1)  # False for NaN too
    splats = Splats(
        means=means,
        quats=_normalized(quats),
        log_scales=np.where(np.isneginf(log_scales), np.float32(THINNEST_LOG_SCALE), log_scales),
        opacity_logits=np.clip(logits, -MOST_OPAQUE_LOGIT, MOST_OPAQUE_LOGIT),
        sh=sh,
        surfels=flat,
    )
    if "filter_3d" in columns:
        splats = _filtered(splats, np.asarray(columns["filter_3d"], dtype=np.float32))
    return (splats, 0) if sound.all() else (splats.take(sound), int((~sound).sum()))


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
    stacked = np.empty((len(found[0]), len(found)), dtype=dtype)
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


def _log_scales(columns: Columns, count: int) -> tuple[Array, bool]:
    """[N,3] float32, and whether these are surfels: two scales say that they are flat, one that they are balls."""
    names = _numbered(columns, "scale_")[:3] or ["scale"]
    scales = _stacked([columns[name] for name in names], np.float32)
    if len(names) == 1:
        return np.repeat(scales, 3, axis=1), False
    if len(names) == 2:
        return np.column_stack([scales, np.full(count, THINNEST_LOG_SCALE, np.float32)]), True
    return scales, False


def _harmonics(columns: Columns, count: int) -> Array:
    """[N,K,3] float32; where there is one plain color instead, that one seen from everywhere."""
    if not {"f_dc_0", "f_dc_1", "f_dc_2"} <= set(columns):
        colors = colors_of(columns)
        assert colors is not None
        return ((colors - 0.5) / np.float32(SH_C0))[:, None, :]
    rest = _numbered(columns, "f_rest_")
    per_channel, left_over = divmod(len(rest), 3)
    if left_over or per_channel + 1 not in (1, 4, 9, 16, 25):
        raise ValueError(f"{len(rest)} SH values for each splat")
    sh = np.empty((count, per_channel + 1, 3), dtype=np.float32)
    sh[:, 0] = _stacked([columns[f"f_dc_{i}"] for i in range(3)], np.float32)
    if rest:
        sh[:, 1:] = _stacked([columns[name] for name in rest], np.float32).reshape(count, 3, per_channel).transpose(0, 2, 1)
    return sh


def _numbered(columns: Columns, prefix: str) -> list[str]:
    numbered = {name: name.removeprefix(prefix) for name in columns if name.startswith(prefix)}
    return sorted((name for name, number in numbered.items() if number.isdecimal()), key=lambda name: int(numbered[name]))


def _filtered(splats: Splats, filter_size: Array) -> Splats:
    """Splats widened by Mip-Splatting's 3D filter and made as much fainter (Yu et al. 2024, equation 9), which goes with its 2D filter."""
    squares = np.exp(2.0 * splats.log_scales.astype(np.float64))
    widened = squares + np.nan_to_num(filter_size.astype(np.float64))[:, None] ** 2
    opacity = np.sqrt((squares / widened).prod(axis=1)) / (1.0 + np.exp(-splats.opacity_logits.astype(np.float64)))
    opacity = np.clip(opacity, 1e-12, 1.0 - 1e-12)
    logits = np.log(opacity / (1.0 - opacity)).astype(np.float32)
    return replace(splats, log_scales=(0.5 * np.log(widened)).astype(np.float32), opacity_logits=logits, antialiased=True)


def _normalized(quats: Array) -> Array:
    with np.errstate(invalid="ignore", over="ignore"):
        length = np.linalg.norm(quats, axis=1, keepdims=True)
        identity = np.array([1.0, 0.0, 0.0, 0.0], dtype=np.float32)
        return np.where(length > 0, quats / np.where(length > 0, length, 1), identity)
