"""Compressed PLY, the format of PlayCanvas and SuperSplat: chunks of 256 splats with their extremes, and 16 bytes a splat between these.

Positions and logarithms of scales have 11, 10 and 11 bits, quaternions 2 for the index of the largest component and 10 for each other
one, colors and opacity 8. SH above degree 0 are an element of their own: 8 bits from -4 to 4, channel by channel.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..geometry import morton
from ..values import SH_C0, Array, Splats
from . import columns, ply
from .limits import damaged, no_splats
from .splat_bytes import HALF_ROOT, channel_major, coefficient_major, from_smallest_three, logits_of_bytes, opacity_bytes, smallest_three
from .splat_ply import UP
from .splat_rows import SplatRows, blocks

CHUNK = 256  # splats
BLOCK = 64 * CHUNK
POSITION, SCALE, COLOR = ("min_{}", "max_{}", "xyz"), ("min_scale_{}", "max_scale_{}", "xyz"), ("min_{}", "max_{}", "rgb")
PACKED = ("packed_position", "packed_rotation", "packed_scale", "packed_color")
SHARPEST, FLATTEST = 20.0, -20.0  # logarithms of scales are clipped to this range
WIDEST_SH = 4.0  # what the bytes of SH reach to
DEGREES = {0: 0, 9: 1, 24: 2, 45: 3}  # by the number of SH columns


def read_compressed_ply(path: Path) -> tuple[Splats, int]:
    """The sound splats of a file, in its axes, and how many broken ones it holds; raises ReifyError where it is damaged or empty."""
    elements = ply.read_ply(path, ("chunk", "vertex", "sh")).elements
    if "chunk" not in elements or "vertex" not in elements:
        raise damaged(path)
    chunks, table = elements["chunk"].columns, elements["vertex"].columns
    count = elements["vertex"].count
    rest = elements["sh"].columns if "sh" in elements else {}
    names = [f"f_rest_{i}" for i in range(len(rest))]
    groups = (POSITION, SCALE, COLOR) if "min_r" in chunks else (POSITION, SCALE)
    limits = [pattern.format(letter) for low, high, letters in groups for letter in letters for pattern in (low, high)]
    missing = {*limits} - {*chunks} | {*PACKED} - {*table} | {*names} - {*rest}
    if missing or len(rest) not in DEGREES or elements["chunk"].count * CHUNK < count or (rest and elements["sh"].count != count):
        raise damaged(path)
    rows = SplatRows(count, DEGREES[len(rest)])
    for part in blocks(count, BLOCK):
        rows.add(*_unpacked(chunks, {name: table[name][part] for name in PACKED}, part, [rest[name][part] for name in names]))
    if rows.broken == count:
        raise no_splats(path, rows.broken)
    return rows.splats(), rows.broken


def _unpacked(chunks: columns.Columns, packed: columns.Columns, part: slice, rest: list[Array]) -> tuple[Array, ...]:
    of_chunk = np.arange(part.start, part.stop) // CHUNK
    position, turn, scale, color = (packed[name].astype(np.uint32) for name in PACKED)
    sides = ((turn[:, None] >> np.array([20, 10, 0], np.uint32)) & 1023) / np.float32(1023)
    rgba = color[:, None] >> np.array([24, 16, 8, 0], np.uint32) & 255
    srgb = rgba[:, :3] / np.float32(255)
    if "min_r" in chunks:  # files of SuperSplat's first versions hold colors from 0 to 1
        srgb = _between(chunks, COLOR, of_chunk, srgb)
    sh: Array = np.empty((len(turn), 1 + len(rest) // 3, 3), np.float32)
    sh[:, 0] = (srgb - 0.5) / np.float32(SH_C0)
    if rest:
        stored = np.stack(rest, axis=1).astype(np.float32)
        middle = np.where(stored == 0, 0, np.where(stored == 255, 256, stored + 0.5))  # of each step; the outermost are exact
        sh[:, 1:] = coefficient_major((middle / 256 - 0.5) * (2 * WIDEST_SH))
    return (
        _between(chunks, POSITION, of_chunk, _three(position)),
        from_smallest_three((turn >> 30).astype(np.int64), (sides - np.float32(0.5)) / HALF_ROOT),
        _between(chunks, SCALE, of_chunk, _three(scale)),
        logits_of_bytes(rgba[:, 3]),
        sh,
    )


def _three(packed: Array) -> Array:
    """Shares [N,3] of what 11, 10 and 11 bits hold."""
    return np.stack([packed >> 21, packed >> 11 & 1023, packed & 2047], axis=1) / np.array([2047, 1023, 2047], np.float32)


def _between(chunks: columns.Columns, names: tuple[str, str, str], of_chunk: Array, share: Array) -> Array:
    low, high = (
        np.stack([chunks[pattern.format(letter)] for letter in names[2]], axis=1).astype(np.float32)[of_chunk] for pattern in names[:2]
    )
    with np.errstate(invalid="ignore", over="ignore"):
        return low * (1 - share) + high * share


def write_compressed_ply(splats: Splats, path: Path, up: str = "z") -> None:
    """Write splats, of SH degree 3 at most, along a Z-order curve, which keeps chunks small; raises ReifyError where the disk refuses."""
    order = morton_order(splats.means)
    count, functions = len(splats), splats.sh.shape[1]
    packed = [_packed(splats.take(order[part])) for part in blocks(count, BLOCK)]
    elements = {"chunk": (-(-count // CHUNK), _kinds(packed[0][0])), "vertex": (count, _kinds(packed[0][1]))}
    parts = [chunk for chunk, _ in packed] + [vertex for _, vertex in packed]
    if functions == 1:
        ply.write_elements(path, elements, parts, (f"{UP.capitalize()} {up}",))
        return
    elements["sh"] = (count, {f"f_rest_{i}": np.dtype(np.uint8) for i in range(3 * (functions - 1))})
    ply.write_elements(path, elements, (part for group in (parts, _rest(splats, order)) for part in group), (f"{UP.capitalize()} {up}",))


def morton_order(means: Array) -> Array:
    """The order [N] of positions [N,3] along a Z-order curve through their bounding box."""
    low, high = means.min(axis=0), means.max(axis=0)
    return np.argsort(morton.codes((means - low) / np.maximum(high - low, 1e-30)), kind="stable")


def _kinds(table: columns.Columns) -> dict[str, np.dtype]:
    return {name: column.dtype for name, column in table.items()}


def _rest(splats: Splats, order: Array) -> Iterator[dict[str, Array]]:
    for part in blocks(len(splats), BLOCK):
        stored = np.clip(np.floor((channel_major(splats.sh[order[part], 1:]) / (2 * WIDEST_SH) + 0.5) * 256), 0, 255).astype(np.uint8)
        yield {f"f_rest_{i}": stored[:, i] for i in range(stored.shape[1])}


def _packed(splats: Splats) -> tuple[dict[str, Array], dict[str, Array]]:
    """The columns of the chunks and of the vertices of some whole chunks, the last of which may be shorter."""
    firsts = np.arange(0, len(splats), CHUNK)
    colors = 0.5 + SH_C0 * splats.sh[:, 0]
    log_scales = np.clip(splats.log_scales, FLATTEST, SHARPEST)
    chunks: dict[str, Array] = {}
    shares = []
    for names, values in ((POSITION, splats.means), (SCALE, log_scales), (COLOR, colors)):
        low, high = np.minimum.reduceat(values, firsts), np.maximum.reduceat(values, firsts)
        chunks |= {names[0].format(letter): low[:, i].astype(np.float32) for i, letter in enumerate(names[2])}
        chunks |= {names[1].format(letter): high[:, i].astype(np.float32) for i, letter in enumerate(names[2])}
        of_chunk = np.arange(len(splats)) // CHUNK
        spread = (high - low)[of_chunk]
        shares.append(np.clip((values - low[of_chunk]) / np.where(spread > 0, spread, 1), 0, 1))
    largest, sides = smallest_three(splats.quats)
    turn = np.rint((sides * HALF_ROOT + 0.5) * 1023).clip(0, 1023).astype(np.uint32)
    red, green, blue = np.rint(shares[2] * 255).astype(np.uint32).T
    vertices = {
        "packed_position": _joined(shares[0]),
        "packed_rotation": largest.astype(np.uint32) << 30 | turn[:, 0] << 20 | turn[:, 1] << 10 | turn[:, 2],
        "packed_scale": _joined(shares[1]),
        "packed_color": red << 24 | green << 16 | blue << 8 | opacity_bytes(splats.opacity_logits),
    }
    return chunks, vertices


def _joined(shares: Array) -> Array:
    x, y, z = np.rint(shares * [2047, 1023, 2047]).astype(np.uint32).T
    return x << 21 | y << 11 | z
