"""A file of splats, points or a mesh as what a method is given, told apart by what is in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..geometry.turning import turned
from ..values import Given, Points, Splats
from . import columns, endings, ply, splat_files
from .offset import POSITIONS, centered, offset_of
from .points_las import read_las
from .points_ply import points_of
from .points_text import read_text


def read_given(path: Path, kinds: tuple[type, ...]) -> Given:
    """What the file holds, if it is one of `kinds` (Splats, Points, Mesh).

    Large coordinates lose their offset, which is kept beside them. Raises ReifyError where the file holds something else or can't be read.
    """
    if Points in kinds and endings.has(path, (*endings.SCANS, *endings.TABLES)):
        return read_points(path)
    if Splats in kinds and (path.suffix.lower() != ".ply" or columns.are_splats(ply.vertex_columns(path))):
        return read_splats(path)
    if Points in kinds:
        return read_points(path)
    wanted = " or ".join(kind.__name__.lower() for kind in kinds)
    raise ReifyError(f"{path.name} doesn't hold what this method takes.", f"Choose a file of {wanted}.")


def read_points(path: Path) -> Given:
    """The points of a PLY file, a laser scan or a table of numbers; raises ReifyError with the reason where it holds none."""
    if endings.has(path, endings.SCANS):
        table, left_out = read_las(path)
        why = f"{left_out} points of {path.name} are marked as noise or withheld, and were left out."
    elif endings.has(path, endings.TABLES):
        table, left_out = read_text(path)
        why = f"{left_out} lines of {path.name} have other columns than most, and were left out."
    else:
        return given(path, *points_of(ply.read_vertices(path)[0].columns, path.name))
    return given(path, *points_of(table, path.name), (why,) if left_out else ())


def read_splats(path: Path, up: str = "") -> Given:
    """The splats of a file, with Z up; raises ReifyError with the reason where it holds none.

    `up` is the axis that points up in the file: "z", "y", "-y", or "" for the one that it says, or else its format has.
    Large coordinates are those of surveyors, whose Z points up.
    """
    splats, broken, said = splat_files.read_file(path)
    if not up:
        up = said or ("z" if offset_of(splats.means) is not None else splat_files.format_of(path).up)
    return given(path, turned(splats, splat_files.Z_UP_FROM[up], overwrite=True), broken)


def given(path: Path, value: Splats | Points, broken: int, warnings: tuple[str, ...] = ()) -> Given:
    """What was read of a file, centered where its coordinates are large, with a word about what was left out."""
    xyz = getattr(value, POSITIONS[type(value)])
    what, offset = type(value).__name__.lower(), offset_of(xyz)
    warnings += columns.left_out(path.name, what, broken, len(value))
    if offset is not None and xyz.dtype == np.float32:
        step = np.spacing(np.float32(np.abs(offset).max()))
        warnings += (f"{path.name} holds large coordinates in 32 bits, which rounds them to {step:.2g}; export them in 64 bits.",)
    return Given(centered(value, offset), path.stem, (path,), offset=offset, warnings=warnings)
