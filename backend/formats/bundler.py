"""Bundler's bundle.out, as RealityScan, Metashape and VisualSFM export it, with the list of pictures beside it.

Each camera is f, k1, k2, a rotation and a translation: world-to-camera with OpenGL axes; the principal point is the picture's middle.
A camera with f = 0 wasn't registered. Points are a position, a color and who sees them (Snavely, Bundler v0.4 user's manual). The world
has no fixed up; it is turned from y up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..geometry import axes
from ..values import Points
from .posed import DAMAGED, Described, Lens, Shot, perspective
from .text import read_text

MAGIC = b"# Bundle file"
LINES_A_CAMERA, LINES_A_POINT = 5, 3


def find(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """.out files that begin as one."""
    return [folder / files[name] for name in sorted(files) if name.endswith(".out") and _begins_as_one(folder / files[name])]


def describe(path: Path) -> Described:
    """What the bundle says of the listed pictures; raises ReifyError where it is damaged or there is no list."""
    names = _listed(path)
    try:
        lines = read_text(path).splitlines()[1:]
        count = int(lines[0].split()[0])
    except (OSError, *DAMAGED) as error:
        raise ReifyError(f"{path.name} is damaged ({error}).", "Export it again.") from error
    if len(names) < count:
        raise ReifyError(f"{path.name} has {count} cameras, and no list beside it names their pictures.", "Export the list of images, too.")
    shots, problems, unregistered = [], [], 0
    for number in range(count):
        try:
            block = [[float(value) for value in line.split()] for line in lines[1 + LINES_A_CAMERA * number :][:LINES_A_CAMERA]]
            f, k1, k2 = block[0]
            if f == 0:
                unregistered += 1
                continue
            cam_from_world = np.eye(4)
            cam_from_world[:3] = np.column_stack([np.array(block[1:4]), block[4]])
            pose = axes.OPENCV_FROM_OPENGL @ cam_from_world @ axes.Z_UP_FROM_Y_UP.T
            shots.append(Shot(names[number], pose, partial(_lens, f, k1, k2)))
        except DAMAGED as error:
            problems.append(f"{names[number]}: {error}")
    if not shots:
        raise ReifyError(f"{path.name} holds no sound camera.", "Export it again.")
    notes = (f"{unregistered} pictures have no camera in {path.name}.",) if unregistered else ()
    points = partial(_points, lines[1 + LINES_A_CAMERA * count :])
    folders = (path.parent, path.parent / "images")
    return Described(f"Bundler's {path.name}", path, tuple(shots), tuple(problems), notes, points, folders)


def _begins_as_one(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(64).lstrip(b"\xef\xbb\xbf").startswith(MAGIC)


def _listed(path: Path) -> list[str]:
    """The pictures' names in the order of the cameras; behind a name some programs write an orientation and a focal length."""
    names = (
        f"{path.stem}.list.txt",
        "list.txt",
        f"{path.name}.list.txt",
        "image_list.txt",
        "imagelist.txt",
        f"{path.stem}.txt",
        "list.lst",
    )
    for place in (path.parent, path.parent.parent):
        files = {file.name.lower(): file for file in place.iterdir() if file.is_file()}
        for name in names:
            if (found := files.get(name.lower())) is not None:
                return [re.sub(r"(\s+-?[\d.]+)+$", "", line.strip()) for line in read_text(found).splitlines() if line.strip()]
    return []


def _points(lines: list[str]) -> Points | None:
    try:
        rows = [[float(value) for line in lines[at : at + 2] for value in line.split()] for at in range(0, len(lines) - 2, LINES_A_POINT)]
        table = np.array([row for row in rows if len(row) == 6], np.float64).reshape(-1, 6)
    except DAMAGED as error:
        raise ReifyError(f"its points are damaged ({error}).", "Export it again.") from error
    if len(table) == 0:
        return None
    return Points(axes.move_points(table[:, :3], axes.Z_UP_FROM_Y_UP), np.clip(table[:, 3:], 0, 255).astype(np.uint8))


def _lens(f: float, k1: float, k2: float, width: int, height: int) -> Lens:
    return perspective(f, f, width / 2, height / 2, (width, height), [k1, k2])
