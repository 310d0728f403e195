"""Point clouds as PLY: positions, and colors and normals where there are any."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..values import Array, Points
from . import columns, ply
from .offset import with_offset
from .splat_rows import LARGEST_POSITION


def read_points_ply(path: Path) -> Points:
    """Points from the vertices of any PLY file, in the file's axes and precision, without broken ones. Raises ReifyError."""
    vertices, _ = ply.read_vertices(path)
    return points_of(vertices.columns, path.name)[0]


def points_of(table: columns.Columns, name: str) -> tuple[Points, int]:
    """Points from columns, in their precision, and how many were left out because they have no finite position.

    `name` is the file's, for messages. Raises ReifyError where there are none.
    """
    xyz = columns.positions_of(table)
    if xyz is None:
        raise ReifyError(f"{name} has vertices without positions.", "Choose another file.")
    with np.errstate(invalid="ignore"):
        sound = (np.abs(xyz) < LARGEST_POSITION).all(axis=1)
    if not sound.any():
        raise ReifyError(f"{name} holds no points.", "Choose another file.")
    points = Points(xyz, columns.bytes_of(columns.colors_of(table)), columns.normals_of(table))
    if sound.all():
        return points, 0
    rgb, normals = (None if plane is None else plane[sound] for plane in (points.rgb, points.normals))
    return Points(points.xyz[sound], rgb, normals), int((~sound).sum())


def write_points_ply(points: Points, path: Path, offset: Array | None = None) -> None:
    """Write points as float32, or as double where an `offset` [3] is added again; raises ReifyError where the disk refuses."""
    xyz = with_offset(points.xyz.astype(np.float32), offset)
    table = {name: xyz[:, i] for i, name in enumerate("xyz")}
    if points.normals is not None:
        table |= {name: points.normals[:, i].astype(np.float32) for i, name in enumerate(("nx", "ny", "nz"))}
    if points.rgb is not None:
        table |= {name: points.rgb[:, i] for i, name in enumerate(("red", "green", "blue"))}
    ply.write_vertices(path, table)
