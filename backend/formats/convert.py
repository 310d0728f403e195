"""One file of splats or points as another."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..values import Points, Splats
from .endings import SCANS, TABLES, has
from .given import read_given, read_splats
from .points_ply import write_points_ply
from .splat_files import format_named, write_splats
from .splat_levels import level_path, levels


def convert(source: Path, target: Path, up_from: str = "", up_to: str = "", count: int = 1, share: float = 0.5) -> tuple[str, ...]:
    """Write what `source` holds, splats or points, as `target`, by its ending; returns what was left out or lost, a sentence each.

    `up_from` and `up_to` name the axes that point up in the files: "z", "y", "-y", or "" for what a file says or its format usually
    has. Of splats `count` levels of detail are written, each with that `share` of the one before. Points keep their axes, and are
    written as PLY. Raises ReifyError where one file can't be read or the other one not be written.
    """
    if has(source, (*SCANS, *TABLES)):
        given = read_given(source, (Points,))
    elif source.suffix.lower() == ".ply" and not up_from:
        given = read_given(source, (Splats, Points))
    else:
        given = read_splats(source, up_from)
    warnings, value, offset = given.warnings, given.value, given.offset
    if isinstance(value, Points):
        if target.suffix.lower() != ".ply" or target.name.lower().endswith(".compressed.ply"):
            raise ReifyError(f"{source.name} holds points, which {target.name} can't hold.", "Convert it to .ply.")
        write_points_ply(value, target, offset)
        return warnings
    assert isinstance(value, Splats)
    if offset is not None and not format_named(target).holds_large:
        where = ", ".join(f"{each:g}" for each in np.asarray(offset))
        warnings += (f"{target.name} can't hold large coordinates: {where} was taken off them.",)
        offset = None
    for level, splats in enumerate(levels(value, count, share)):
        lost = write_splats(splats, level_path(target, level), up_to, offset)
        warnings += lost if level == 0 else ()
    return warnings
