"""Splats as PLY, the format that splatting programs share.

Binary little endian float32, one row a splat: `x y z nx ny nz f_dc_0..2 f_rest_* opacity scale_0..2 rot_0..3`, with the opacity
as a logit, the scales as natural logarithms, the rotation as w x y z, and f_rest channel by channel: all of red, then green, then blue.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..values import Array, Splats
from . import ply

THINNEST_LOG_SCALE = -20.0  # of a surfel's third axis; e^-20 is zero for every purpose and still finite
SURFELS = "surfels"
ANTIALIASED = "antialiased"  # both are comments of ours; other programs ignore them


def read_splat_ply(path: Path) -> Splats:
    """Splats of SH degree 0 to 4 from a 3DGS file, or a 2DGS one with two scales; the axes stay as they are in the file.

    Raises ReifyError where the file is damaged or holds something else.
    """
    rows, comments = ply.read_vertices(path)
    names = set(rows.dtype.names or ())
    if "packed_position" in names:
        raise ReifyError(f"{path.name} is a compressed PLY file, which can't be read yet.", "Export it as an uncompressed PLY file.")
    scales = _numbered(names, "scale_")
    required = {"x", "y", "z", "opacity", "f_dc_0", "f_dc_1", "f_dc_2", "rot_0", "rot_1", "rot_2", "rot_3", "scale_0", "scale_1"}
    if missing := sorted(required - names):
        raise ReifyError(f"{path.name} holds no splats: it lacks {', '.join(missing[:4])}.", "Choose a PLY file from a splatting program.")
    log_scales = np.full((len(rows), 3), THINNEST_LOG_SCALE, dtype=np.float32)
    log_scales[:, : min(len(scales), 3)] = ply.stack(rows, scales[:3])
    return Splats(
        means=ply.stack(rows, ["x", "y", "z"]),
        quats=_normalized(ply.stack(rows, [f"rot_{i}" for i in range(4)])),
        log_scales=log_scales,
        opacity_logits=ply.stack(rows, ["opacity"])[:, 0],
        sh=_read_sh(rows, _numbered(names, "f_rest_"), path),
        antialiased=ANTIALIASED in comments,
        surfels=len(scales) == 2 or SURFELS in comments,
    )


def write_splat_ply(splats: Splats, path: Path) -> None:
    """Write splats of any SH degree, with zero normals and three scales, as viewers expect; raises ReifyError where the disk refuses."""
    columns = {name: splats.means[:, i] for i, name in enumerate("xyz")}
    columns |= {name: np.zeros(len(splats), np.float32) for name in ("nx", "ny", "nz")}
    columns |= {f"f_dc_{i}": splats.sh[:, 0, i] for i in range(3)}
    rest = splats.sh[:, 1:].transpose(0, 2, 1).reshape(len(splats), 3 * (splats.sh.shape[1] - 1))
    columns |= {f"f_rest_{i}": rest[:, i] for i in range(rest.shape[1])}
    columns["opacity"] = splats.opacity_logits
    columns |= {f"scale_{i}": splats.log_scales[:, i] for i in range(3)}
    columns |= {f"rot_{i}": splats.quats[:, i] for i in range(4)}
    flags = [(ANTIALIASED, splats.antialiased), (SURFELS, splats.surfels)]
    comments = tuple(name for name, set_ in flags if set_)
    ply.write_vertices(path, {name: column.astype(np.float32, copy=False) for name, column in columns.items()}, comments)


def _numbered(names: set[str], prefix: str) -> list[str]:
    numbered = {name: name.removeprefix(prefix) for name in names if name.startswith(prefix)}
    return sorted((name for name, number in numbered.items() if number.isdecimal()), key=lambda name: int(numbered[name]))


def _read_sh(rows: Array, rest_names: list[str], path: Path) -> Array:
    per_channel, left_over = divmod(len(rest_names), 3)
    if left_over or per_channel + 1 not in (1, 4, 9, 16, 25):
        raise ReifyError(f"{path.name} has {len(rest_names)} SH values for each splat, which fits no SH degree.", "Export it again.")
    sh = np.empty((len(rows), per_channel + 1, 3), dtype=np.float32)
    sh[:, 0] = ply.stack(rows, ["f_dc_0", "f_dc_1", "f_dc_2"])
    sh[:, 1:] = ply.stack(rows, rest_names).reshape(len(rows), 3, per_channel).transpose(0, 2, 1)
    return sh


def _normalized(quats: Array) -> Array:
    length = np.linalg.norm(quats, axis=1, keepdims=True)
    identity = np.array([1.0, 0.0, 0.0, 0.0], dtype=np.float32)
    return np.where(length > 0, quats / np.where(length > 0, length, 1), identity)
