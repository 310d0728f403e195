"""cameras.json as 3DGS trainers write it beside their results: a list of camera-to-world with OpenCV axes in COLMAP's world.

Each entry has img_name, width, height, position, rotation [3,3], fx and fy; the principal point is the picture's middle.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ReifyError
from ..geometry import axes
from ..reading import parse_json
from .posed import DAMAGED, Described, Shot, cam_from_world_of, perspective
from .text import read_text

NAME = "cameras.json"


def find(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """The file, where it holds what it is called."""
    if NAME not in files:
        return []
    path = folder / files[NAME]
    with path.open("rb") as stream:
        head = stream.read(4096)
    return [path] if b"img_name" in head and b"rotation" in head else []


def describe(path: Path) -> Described:
    """What the file says; raises ReifyError where it is damaged or no camera is sound."""
    try:
        entries = list(parse_json(read_text(path), finite=False))
    except (OSError, *DAMAGED) as error:
        raise ReifyError(f"{path.name} is damaged ({error}).", "Export it again.") from error
    shots, problems = [], []
    for number, entry in enumerate(entries):
        try:
            shots.append(_shot(entry))
        except DAMAGED as error:
            problems.append(f"camera {number}: {error}")
    if not shots:
        raise ReifyError(f"{path.name} holds no sound camera.", "Export it again.")
    return Described(path.name, path, tuple(shots), tuple(problems), folders=(path.parent, path.parent / "images"))


def _shot(entry: Mapping[str, Any]) -> Shot:
    width, height = int(entry["width"]), int(entry["height"])
    pose = np.column_stack([np.array(entry["rotation"], np.float64), np.array(entry["position"], np.float64)])
    lens = perspective(float(entry["fx"]), float(entry["fy"]), width / 2, height / 2, (width, height))
    return Shot(str(entry["img_name"]), cam_from_world_of(axes.Z_UP_FROM_Y_DOWN[:3, :3] @ pose), lens)
