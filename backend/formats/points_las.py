"""Point clouds of laser scanners: LAS and LAZ, by laspy with lazrs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..values import Array

NOISE = (7, 18)  # classes of points that a program has found to be wrong (ASPRS LAS 1.4, table 17)


def read_las(path: Path) -> tuple[dict[str, Array], int]:
    """Positions in float64 and colors as columns, and how many points are left out: withheld ones and noise.

    Raises ReifyError where packages are missing, or the file is damaged.
    """
    try:
        import laspy
        import lazrs  # noqa: F401  which laspy finds by itself
    except ImportError as error:
        what = f"{path.name} is a laser scan, which needs the package {error.name}."
        raise ReifyError(what, "Install the engine again, or save it as PLY.") from None
    try:
        with laspy.open(str(path)) as file:
            points = file.read()
    except OSError as error:
        raise ReifyError(f"{path} can't be read: {error.strerror or error}.", "Check the path.") from error
    except Exception as error:  # laspy and lazrs raise nearly anything on damaged files
        raise ReifyError(f"{path.name} is damaged or cut off.", "Save or copy it again.") from error
    names = set(points.point_format.dimension_names)
    wrong = np.isin(np.asarray(points.classification), NOISE)
    if "withheld" in names:
        wrong |= np.asarray(points.withheld).astype(bool)
    table = {name: np.asarray(getattr(points, name), dtype=np.float64)[~wrong] for name in "xyz"}
    if {"red", "green", "blue"} <= names:
        colors = {name: np.asarray(points[name])[~wrong] for name in ("red", "green", "blue")}
        if any(channel.any() for channel in colors.values()):  # a format with room for colors may have none
            table |= colors
    return table, int(wrong.sum())
