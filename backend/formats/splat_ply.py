"""Splats as PLY, the format that splatting programs share.

Binary little endian float32, one row a splat: `x y z nx ny nz f_dc_0..2 f_rest_* opacity scale_0..2 rot_0..3`, with the opacity
as a logit, the scales as natural logarithms, the rotation as w x y z, and f_rest channel by channel: all of red, then green, then blue.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..values import Array, Splats
from . import columns, ply
from .offset import with_offset

SURFELS = "surfels"
ANTIALIASED = "antialiased"  # both are comments of ours; other programs ignore them
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
    vertices, comments = ply.read_vertices(path)
    table = vertices.columns
    if "packed_position" in table:
        raise ReifyError(f"{path.name} is a compressed PLY file, which can't be read yet.", "Export it as an uncompressed PLY file.")
    if missing := columns.missing_of_splats(table):
        raise ReifyError(f"{path.name} holds no splats: it lacks {', '.join(missing[:4])}.", "Choose a PLY file from a splatting program.")
    try:
        splats, broken = columns.splats_of(table)
    except ValueError as error:
        raise ReifyError(f"{path.name} has {error}, which fits no SH degree.", "Export it again.") from error
    if len(splats) == 0:
        what = f"All {broken} splats of {path.name} are broken." if broken else f"{path.name} holds no splats: it is empty."
        raise ReifyError(what, "Export it again.")
    antialiased, surfels = splats.antialiased or is_antialiased(comments), splats.surfels or SURFELS in comments
    return replace(splats, antialiased=antialiased, surfels=surfels), broken


def is_antialiased(comments: tuple[str, ...]) -> bool:
    """Whether a file's comments say that its splats were trained with the 2D filter compensated, in any program's words."""
    for comment in comments:
        words = re.split(r"[\s:=,;]+", comment.lower().replace("-", "_").strip())
        if words[0] in FLAGS:
            return not (len(words) > 1 and words[1] in NO)
        if len(words) > 1 and words[0] in MODES:
            return words[1] in FLAGS
    return False


def write_splat_ply(splats: Splats, path: Path, offset: Array | None = None) -> None:
    """Write splats of any SH degree, with zero normals and three scales, as viewers expect; raises ReifyError where the disk refuses.

    Where an `offset` [3] is added to the positions again, these are written as double.
    """
    xyz = with_offset(splats.means.astype(np.float32, copy=False), offset)
    floats = {name: np.zeros(len(splats), np.float32) for name in ("nx", "ny", "nz")}
    floats |= {f"f_dc_{i}": splats.sh[:, 0, i] for i in range(3)}
    rest = splats.sh[:, 1:].transpose(0, 2, 1).reshape(len(splats), 3 * (splats.sh.shape[1] - 1))
    floats |= {f"f_rest_{i}": rest[:, i] for i in range(rest.shape[1])}
    floats["opacity"] = splats.opacity_logits
    floats |= {f"scale_{i}": splats.log_scales[:, i] for i in range(3)}
    floats |= {f"rot_{i}": splats.quats[:, i] for i in range(4)}
    flags = [(ANTIALIASED, splats.antialiased), (SURFELS, splats.surfels)]
    table = {name: xyz[:, i] for i, name in enumerate("xyz")}
    table |= {name: column.astype(np.float32, copy=False) for name, column in floats.items()}
    ply.write_vertices(path, table, tuple(name for name, set_ in flags if set_))
