"""`.ksplat`, the format of mkkellogg's GaussianSplats3D: sections of splats in three levels of compression, SH to degree 2.

A header of 4096 bytes, 1024 for each section; then each section's buckets and splats. Level 0 holds float32; levels 1 and 2 hold
positions as 16 bits around the center of their bucket, scales and rotations as float16, SH as float16 or, in level 2, as bytes between
two limits. Colors and opacity are bytes in all. SH stand degree by degree, and within a degree channel by channel.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ReifyError
from ..files import writing
from ..values import Array, Splats
from .limits import check_rows, damaged, no_splats
from .splat_bytes import base_of_bytes, color_bytes, logits_of_bytes, opacity_bytes
from .splat_rgba import log_scales_of
from .splat_rows import SplatRows, blocks

HEADER, SECTION = 4096, 1024  # bytes
CENTER = 12  # bytes of a bucket's center
WIDEST_SH = 1.5  # what bytes of SH reach to where the header doesn't say
STEPS = 32767  # of a position to each side of its bucket's center
VALUES = (0, 9, 24, 45)  # of SH above degree 0, by degree
LEVELS = (("<f4", "<f4", "<f4"), ("<u2", "<f2", "<f2"), ("<u2", "<f2", "u1"))  # positions; scales and quaternions; SH


def read_ksplat(path: Path) -> tuple[Splats, int]:
    """The sound splats of a file, in its axes, and how many broken ones it holds; raises ReifyError where it is damaged or empty."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(HEADER)
        if len(head) < HEADER:
            raise damaged(path)
        major, minor, sections, _used, _most, count, level = struct.unpack_from("<BB2x4IH", head)
        if (major, minor) != (0, 1) or level >= len(LEVELS):
            raise ReifyError(f"{path.name} is a .ksplat file of version {major}.{minor}, which isn't known.", "Export it as .ply or .spz.")
        check_rows(path, sections, SECTION, size - HEADER)
        heads = [stream.read(SECTION) for _ in range(sections)]
        low, high = struct.unpack_from("<2f", head, 36)
        limits = (low or -WIDEST_SH, high or WIDEST_SH)
        degrees = [struct.unpack_from("<H", each, 40)[0] for each in heads]
        used = sum(struct.unpack_from("<I", each)[0] for each in heads)
        if used != count or max(degrees, default=0) >= len(VALUES):
            raise damaged(path)
        check_rows(path, count, _row(level, 0).itemsize, size)
        rows = SplatRows(count, max(degrees, default=0))
        for each, degree in zip(heads, degrees, strict=True):
            _read_section(stream, path, rows, each, _row(level, degree), limits)
    if rows.broken == count:
        raise no_splats(path, rows.broken)
    return rows.splats(), rows.broken


def _row(level: int, degree: int) -> np.dtype:
    position, shape, sh = LEVELS[level]
    fields: list[tuple[Any, ...]] = [("mean", position, 3), ("scale", shape, 3), ("quat", shape, 4), ("srgb", "u1", 3), ("opacity", "u1")]
    return np.dtype([*fields, ("sh", sh, VALUES[degree])])


def _read_section(stream: Any, path: Path, rows: SplatRows, head: bytes, row: np.dtype, limits: tuple[float, float]) -> None:
    count, capacity, bucket_size, buckets = struct.unpack_from("<4I", head)
    (width,), (storage,), (steps,) = (struct.unpack_from(kind, head, at) for kind, at in (("<f", 16), ("<H", 20), ("<I", 24)))
    full, partial = struct.unpack_from("<2I", head, 32)
    if storage != CENTER:
        raise damaged(path)
    check_rows(path, 1, 4 * partial + storage * buckets + capacity * row.itemsize, path.stat().st_size - stream.tell())
    lengths = np.frombuffer(stream.read(4 * partial), "<u4")
    centers = np.frombuffer(stream.read(storage * buckets), "<f4").reshape(buckets, 3)
    ends = np.cumsum(np.concatenate([np.full(min(full, buckets), bucket_size, np.int64), lengths.astype(np.int64)]))
    compressed = row["mean"].base == np.dtype("<u2")
    if count > capacity or (compressed and (len(ends) > len(centers) or count > (ends[-1] if len(ends) else 0))):
        raise damaged(path)
    start = stream.tell()
    for part in blocks(count):
        block = np.fromfile(stream, row, part.stop - part.start)
        means = block["mean"].astype(np.float32)
        if compressed:
            steps = steps or STEPS
            bucket = np.searchsorted(ends, np.arange(part.start, part.stop), side="right")
            means = (means - np.float32(steps)) * np.float32(width / 2 / steps) + centers[bucket]
        sh = np.concatenate([base_of_bytes(block["srgb"])[:, None], _harmonics(block["sh"], limits)], axis=1)
        rows.add(means, block["quat"].astype(np.float32), log_scales_of(block["scale"]), logits_of_bytes(block["opacity"]), sh)
    stream.seek(start + capacity * row.itemsize)


def _harmonics(stored: Array, limits: tuple[float, float]) -> Array:
    """SH [N,K-1,3] float32 of the values [N,3(K-1)] of a file."""
    values = stored.astype(np.float32)
    if stored.dtype == np.uint8:
        values = limits[0] + values / 255 * (limits[1] - limits[0])
    ends = [end for end in VALUES if end <= values.shape[1]]
    bands = [values[:, first:end].reshape(len(values), 3, -1).transpose(0, 2, 1) for first, end in zip(ends, ends[1:], strict=False)]
    return np.concatenate([np.empty((len(values), 0, 3), np.float32), *bands], axis=1)


def write_ksplat(splats: Splats, path: Path) -> None:
    """Write splats uncompressed, with SH to degree 2, which is what viewers of it read; raises ReifyError where the disk refuses."""
    count, degree = len(splats), min(splats.sh_degree, 2)
    row = _row(0, degree)
    head, section = bytearray(HEADER), bytearray(SECTION)
    struct.pack_into("<BB2x4IH", head, 0, 0, 1, 1, 1, count, count, 0)
    struct.pack_into("<3f2f", head, 24, *splats.means.mean(axis=0), -WIDEST_SH, WIDEST_SH)
    struct.pack_into("<2I", section, 0, count, count)
    struct.pack_into("<HxxII", section, 20, CENTER, 1, count * row.itemsize)
    struct.pack_into("<H", section, 40, degree)
    with writing(path) as partial, partial.open("wb") as stream:
        stream.write(head + section)
        for part in blocks(count):
            block = np.zeros(part.stop - part.start, row)
            block["mean"], block["scale"], block["quat"] = splats.means[part], np.exp(splats.log_scales[part]), splats.quats[part]
            block["srgb"], block["opacity"] = color_bytes(splats.sh[part, 0]), opacity_bytes(splats.opacity_logits[part])
            sh = splats.sh[part]
            bands = [sh[:, ell * ell : (ell + 1) ** 2].transpose(0, 2, 1).reshape(len(sh), -1) for ell in range(1, degree + 1)]
            block["sh"] = np.concatenate([np.empty((len(sh), 0), np.float32), *bands], axis=1)
            block.tofile(stream)
