"""RealityScan's (RealityCapture's) "Internal/External camera parameters" as CSV.

Columns are #name, x, y, alt, heading, pitch, roll, f, px, py, k1 … k4, t1, t2. Angles are degrees in a world with x to the east, y to the
north and z up: at heading, pitch and roll 0 the camera looks straight down with north on top, heading turns clockwise, pitch 90 is level.
f, px and py are millimeters of a picture that is 36 mm on its longer side, px and py from its middle.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..geometry import axes
from ..values import Array
from .posed import DAMAGED, Described, Lens, Shot, cam_from_world_of, perspective
from .text import read_text

LONG_SIDE_MM = 36.0
NEEDED = ("x", "y", "alt", "heading", "pitch", "roll", "f")
SNIFFED = 2048  # bytes of a file that may be one


def find(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """CSV files with the columns of one."""
    return [folder / files[name] for name in sorted(files) if name.endswith((".csv", ".txt")) and _looks_like_one(folder / files[name])]


def describe(path: Path) -> Described:
    """What the table says; raises ReifyError where no line is sound."""
    try:
        lines = [line for line in read_text(path).splitlines() if line.strip()]
    except OSError as error:
        raise ReifyError(f"{path.name} can't be read: {error.strerror or error}.", "Check the file.") from error
    start = next((number for number, line in enumerate(lines) if "heading" in line.lower()), 0)
    separator = ";" if lines and lines[start].count(";") > lines[start].count(",") else ","
    columns = [name.strip().lower() for name in next(csv.reader([lines[start].lstrip("#")], delimiter=separator), [])] if lines else []
    shots, problems = [], []
    for number, row in enumerate(csv.reader(lines[start + 1 :], delimiter=separator), start=start + 2):
        values = {name: value.strip() for name, value in zip(columns, row, strict=False)}
        if separator == ";":  # where numbers have commas for points
            values = {name: value if name == "name" else value.replace(",", ".") for name, value in values.items()}
        try:
            shots.append(_shot(values))
        except DAMAGED as error:
            problems.append(f"line {number}: {error}")
    if not shots:
        raise ReifyError(f"{path.name} holds no sound camera.", "Export the camera parameters again.")
    folders = (path.parent, path.parent / "images")
    return Described(f"RealityScan's {path.name}", path, tuple(shots), tuple(problems), folders=folders)


def _looks_like_one(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(SNIFFED).replace(b"\0", b"").lower()
    return all(name.encode() in head for name in ("heading", "pitch", "roll", "alt"))


def _shot(values: Mapping[str, str]) -> Shot:
    x, y, alt, heading, pitch, roll, f = (float(values[name]) for name in NEEDED)
    others = {name: float(values.get(name) or 0) for name in ("px", "py", "k1", "k2", "k3", "k4", "t1", "t2")}
    if others["k4"]:
        raise ValueError("its lens has k4, which isn't supported; export with Brown3")
    pose = np.column_stack([_rotation(heading, pitch, roll) @ axes.OPENCV_FROM_OPENGL[:3, :3], [x, y, alt]])
    return Shot(values["name"], cam_from_world_of(pose), partial(_lens, f, others))


def _rotation(heading_deg: float, pitch_deg: float, roll_deg: float) -> Array:
    """World from camera with OpenGL axes [3,3]: roll about the camera's y, then pitch about x, then heading, clockwise, about z."""
    (sh, ch), (sp, cp), (sr, cr) = ((np.sin(a), np.cos(a)) for a in np.radians([-heading_deg, pitch_deg, roll_deg]))
    about_z = np.array([[ch, -sh, 0], [sh, ch, 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_y = np.array([[cr, 0, sr], [0, 1, 0], [-sr, 0, cr]])
    return about_z @ about_x @ about_y


def _lens(f_mm: float, others: Mapping[str, float], width: int, height: int) -> Lens:
    px_per_mm = max(width, height) / LONG_SIDE_MM
    f = f_mm * px_per_mm
    distortion = [others[name] for name in ("k1", "k2", "t1", "t2", "k3")]
    return perspective(f, f, width / 2 + others["px"] * px_per_mm, height / 2 + others["py"] * px_per_mm, (width, height), distortion)
