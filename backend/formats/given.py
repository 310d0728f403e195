"""A file of splats, points or a mesh as what a method is given, told apart by what is in it."""

from __future__ import annotations

from pathlib import Path

from ..errors import ReifyError
from ..values import Given, Points, Splats
from . import ply
from .points_ply import read_points_ply
from .splat_ply import read_splat_ply


def read_given(path: Path, kinds: tuple[type, ...]) -> Given:
    """What the file holds, if it is one of `kinds` (Splats, Points, Mesh).

    Raises ReifyError where the file holds something else or can't be read.
    """
    if path.suffix.lower() != ".ply":
        raise ReifyError(f"{path.name} is no PLY file.", "Save the splats or points as .ply.")
    if Splats in kinds and "rot_0" in ply.vertex_columns(path):
        return Given(read_splat_ply(path), path.stem, (path,))
    if Points in kinds:
        return Given(read_points_ply(path), path.stem, (path,))
    wanted = " or ".join(kind.__name__.lower() for kind in kinds)
    raise ReifyError(f"{path.name} doesn't hold what this method takes.", f"Choose a file of {wanted}.")
