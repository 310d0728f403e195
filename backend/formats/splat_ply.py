"""Splats as PLY, the format that splatting programs share.

Binary little endian float32, one row a splat: `x y z nx ny nz f_dc_0..2 f_rest_* opacity scale_0..2 rot_0..3`, with the opacity
as a logit, the scales as natural logarithms, the rotation as w x y z, and f_rest channel by channel: all of red, then green, then blue.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..values import Array, Splats
from . import columns, ply
from .limits import no_splats
from .offset import with_offset
from .splat_bytes import channel_major
from .splat_rows import SplatRows, blocks

SURFELS = "surfels"
ANTIALIASED = "antialiased"
UP = "up axis:"  # these three are comments of ours; other programs ignore them
# How comments of Postshot, Brush, splat-transform and others name the way of rendering that a file was trained with.
FLAGS = {"antialiased", "antialiasing", "anti_aliased", "mip", "mip_splatting"}
MODES = {"splatrendermode", "rendermode", "render_mode", "rasterize_mode", "rasterization"}
NO = {"0", "false", "no", "off", "none"}


def read_splat_ply(path: Path) -> Splats:
    """Splats of SH degree 0 to 4 in the file's axes and precision, without broken ones; see `read_all`. Raises ReifyError."""
    return read_all(path)[0]


def read_all(path: Path) -> tuple[Splats, int]:
    """The sound splats of a file, in its axes, and how many broken ones it holds.

    Read are 3DGS files, those of 2DGS with two scales, of balls with one and no rotation, those with a plain color instead of SH,
    and Mip-Splatting's 3D filter. Positions are float64 where the file's are. Raises ReifyError where the file is damaged or holds
    something else, or no splat.
    """
    with ply.open_vertices(path) as found:
        _check_splats(path, found.kinds)
        try:
            degree = columns.sh_degree_of(found.kinds)
        except ValueError as error:
            raise ReifyError(f"{path.name} has {error}, which fits no SH degree.", "Export it again.") from error
        rows = SplatRows(found.count, degree, columns.positions_dtype(found.kinds))
        for block in found.blocks:
            columns.add_splats(rows, block)
    antialiased = "filter_3d" in found.kinds or is_antialiased(found.comments)
    splats = rows.splats(antialiased, columns.are_surfels(found.kinds) or SURFELS in found.comments)
    if len(splats) == 0:
        raise no_splats(path, rows.broken)
    return splats, rows.broken


def is_antialiased(comments: tuple[str, ...]) -> bool:
    """Whether a file's comments say that its splats were trained with the 2D filter compensated, in any program's words."""
    for comment in comments:
        words = re.split(r"[\s:=,;]+", comment.lower().replace("-", "_").strip())
        if words[0] in FLAGS:
            return not (len(words) > 1 and words[1] in NO)
        if len(words) > 1 and words[0] in MODES:
            return words[1] in FLAGS
    return False


def up_of(path: Path) -> str:
    """The axis that a file's comments call vertical: "z", "y" or "-y"; "" where they call none so. Raises ReifyError."""
    said = (comment.lower().removeprefix(UP).strip() for comment in ply.comments(path) if comment.lower().startswith(UP))
    return next(said, "")


def _check_splats(path: Path, kinds: Mapping[str, Array]) -> None:
    if missing := columns.missing_of_splats(kinds):
        raise ReifyError(f"{path.name} holds no splats: it lacks {', '.join(missing[:4])}.", "Choose a PLY file from a splatting program.")


def read_harmonics(path: Path) -> Array:
    """The harmonics [K,N,3] float32 of a file above degree 0, rows that aren't finite included; raises ReifyError where it is damaged."""
    with ply.open_vertices(path) as found:
        _check_splats(path, found.kinds)
        try:
            width = (columns.sh_degree_of(found.kinds) + 1) ** 2 - 1
        except ValueError as error:
            raise ReifyError(f"{path.name} has {error}, which fits no SH degree.", "Export it again.") from error
        names = [[f"f_rest_{channel * width + k}" for channel in range(3)] for k in range(width)]
        if not set(sum(names, [])) <= found.kinds.keys():
            raise ReifyError(f"{path.name} numbers its SH values oddly.", "Export it again.")
        harmonics: Array = np.empty((width, found.count, 3), np.float32)
        first = 0
        for block in found.blocks:
            rows = slice(first, first + len(next(iter(block.values()))))
            for band, of_channels in zip(harmonics, names, strict=True):
                for channel, name in enumerate(of_channels):
                    band[rows, channel] = block[name]
            first = rows.stop
    return harmonics


def write_splat_ply(splats: Splats, path: Path, up: str = "z", offset: Array | None = None) -> None:
    """Write splats of any SH degree, with zero normals and three scales, as viewers expect; raises ReifyError where the disk refuses.

    `up` is the axis that points up in them. Where an `offset` [3] is added to the positions again, these are written as double.
    """
    flags = [(ANTIALIASED, splats.antialiased), (SURFELS, splats.surfels), (f"{UP.capitalize()} {up}", True)]
    xyz = np.dtype(np.float32 if offset is None else np.float64)
    kinds = {name: np.dtype(np.float32) for name in _names(splats.sh.shape[1])} | dict.fromkeys("xyz", xyz)
    comments = tuple(name for name, is_set in flags if is_set)
    ply.write_elements(path, {"vertex": (len(splats), kinds)}, _parts(splats, kinds, offset), comments)


def _names(functions: int) -> list[str]:
    rest = [f"f_rest_{i}" for i in range(3 * (functions - 1))]
    scales, turns = [f"scale_{i}" for i in range(3)], [f"rot_{i}" for i in range(4)]
    return [*"xyz", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", *rest, "opacity", *scales, *turns]


def _parts(splats: Splats, kinds: dict[str, np.dtype], offset: Array | None) -> Iterator[dict[str, Array]]:
    for rows in blocks(len(splats)):
        sh = splats.sh[rows]
        groups = (
            with_offset(splats.means[rows].astype(np.float32, copy=False), offset),
            np.zeros((len(sh), 3)), sh[:, 0], channel_major(sh[:, 1:]),
            splats.opacity_logits[rows, None], splats.log_scales[rows], splats.quats[rows],
        )  # fmt: skip
        every = (column for group in groups for column in group.T)
        yield {name: column.astype(kind, copy=False) for (name, kind), column in zip(kinds.items(), every, strict=True)}
