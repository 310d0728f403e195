"""`.splat`, the format of antimatter15's viewer: 32 bytes a splat, without a header and without view-dependent color.

Position 3 float32, scale 3 float32 (standard deviations), sRGB and opacity 4 uint8, quaternion w x y z 4 uint8 as 128 + 128 q.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..files import writing
from ..geometry.vectors import unit
from ..values import Splats
from .limits import damaged, no_splats
from .splat_bytes import base_of_bytes, color_bytes, logits_of_bytes, opacity_bytes, to_bytes
from .splat_rows import THINNEST_LOG_SCALE, SplatRows, blocks

ROW = np.dtype([("mean", "<f4", 3), ("scale", "<f4", 3), ("srgb", "u1", 3), ("opacity", "u1"), ("quat", "u1", 4)])


def read_splat(path: Path) -> tuple[Splats, int]:
    """The sound splats of a file, in its axes, and how many broken ones it holds; raises ReifyError where it is damaged or empty."""
    count, left_over = divmod(path.stat().st_size, ROW.itemsize)
    if left_over:
        raise damaged(path)
    rows = SplatRows(count, 0)
    with path.open("rb") as stream:
        for part in blocks(count):
            block = np.fromfile(stream, ROW, part.stop - part.start)
            base = base_of_bytes(block["srgb"])[:, None]
            quats = (block["quat"].astype(np.float32) - 128) / 128
            rows.add(block["mean"], quats, log_scales_of(block["scale"]), logits_of_bytes(block["opacity"]), base)
    if rows.broken == count:
        raise no_splats(path, rows.broken)
    return rows.splats(), rows.broken


def log_scales_of(scales: np.ndarray) -> np.ndarray:
    """Logarithms [N,3] float32 of standard deviations [N,3]: those of zero thickness are `THINNEST_LOG_SCALE`, negative ones NaN."""
    scales = scales.astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(scales == 0, np.float32(THINNEST_LOG_SCALE), np.log(scales))


def write_splat(splats: Splats, path: Path) -> None:
    """Write splats without their SH above degree 0; raises ReifyError where the disk refuses."""
    with writing(path) as partial, partial.open("wb") as stream:
        for part in blocks(len(splats)):
            block = np.empty(part.stop - part.start, ROW)
            block["mean"], block["scale"] = splats.means[part], np.exp(splats.log_scales[part])
            block["srgb"], block["opacity"] = color_bytes(splats.sh[part, 0]), opacity_bytes(splats.opacity_logits[part])
            block["quat"] = to_bytes(128 + 128 * unit(splats.quats[part]))
            block.tofile(stream)
