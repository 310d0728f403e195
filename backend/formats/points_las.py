"""Point clouds of laser scanners: LAS and LAZ, by laspy with lazrs."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..reading import open_file
from ..values import Array
from . import limits

VARIABLE_RECORDS, SMALLEST_RECORD = 96, 54  # where the header says how many there are, and bytes of one
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
        _check_header(path)
        with laspy.open(str(path)) as file:
            rows, size = file.header.point_count * file.header.point_format.size, path.stat().st_size
            if file.header.are_points_compressed:
                limits.check_expansion(path, rows, size)
            elif rows > size:
                raise limits.damaged(path)
            points = file.read()
    except ReifyError:
        raise
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


def _check_header(path: Path) -> None:
    """Raise ReifyError where the header's lengths don't fit the file (ASPRS LAS 1.4, table 3): laspy reserves what they say."""
    with open_file(path) as stream:
        head, size = stream.read(VARIABLE_RECORDS + 8), path.stat().st_size
    if len(head) == VARIABLE_RECORDS + 8:
        points_at, count = struct.unpack_from("<II", head, VARIABLE_RECORDS)
        if points_at > size or count * SMALLEST_RECORD > size:
            raise limits.damaged(path)
