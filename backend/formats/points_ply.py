"""Point clouds as PLY: positions, and colors and normals where there are any."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..values import Points
from . import ply


def read_points_ply(path: Path) -> Points:
    """Points from the vertices of any PLY file, in the file's axes; colors as bytes or as 0..1. Raises ReifyError."""
    rows, _ = ply.read_vertices(path)
    names = rows.dtype.names or ()
    if not {"x", "y", "z"} <= set(names):
        raise ReifyError(f"{path.name} has vertices without positions.", "Choose another file.")
    rgb = normals = None
    if {"red", "green", "blue"} <= set(names):
        colors = ply.stack(rows, ["red", "green", "blue"])
        rgb = np.clip(np.rint(colors if rows.dtype["red"].kind in "iu" else colors * 255), 0, 255).astype(np.uint8)
    if {"nx", "ny", "nz"} <= set(names):
        normals = ply.stack(rows, ["nx", "ny", "nz"])
    return Points(ply.stack(rows, ["x", "y", "z"]), rgb, normals)


def write_points_ply(points: Points, path: Path) -> None:
    """Write points as float32 and colors as bytes; raises ReifyError where the disk refuses."""
    columns = {name: points.xyz[:, i].astype(np.float32) for i, name in enumerate("xyz")}
    if points.normals is not None:
        columns |= {name: points.normals[:, i].astype(np.float32) for i, name in enumerate(("nx", "ny", "nz"))}
    if points.rgb is not None:
        columns |= {name: points.rgb[:, i] for i, name in enumerate(("red", "green", "blue"))}
    ply.write_vertices(path, columns)
