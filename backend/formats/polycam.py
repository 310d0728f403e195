"""Polycam's raw data: keyframes/ with images/, cameras/, corrected_images/, corrected_cameras/, depth/ and confidence/.

A JSON file for each picture holds camera-to-world with OpenGL axes, row by row as t_00 … t_23, in ARKit's world (y up, meters), and
fx fy cx cy width height. Corrected cameras are those after Polycam's own adjustment and belong to the corrected pictures. Depth maps are
16-bit PNG in millimeters.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ReifyError
from ..geometry import axes
from ..reading import is_file, is_folder, parse_json
from .posed import DAMAGED, Described, Shot, cam_from_world_of, perspective
from .text import read_text

PLACES = {"corrected_cameras": "corrected_images", "cameras": "images"}  # the better one first


def find(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """The folders of camera files in a folder of keyframes, the better one first."""
    return [folder / place for place in PLACES if any(b'"t_00"' in path.read_bytes() for path in _camera_files(folder / place)[:1])]


def describe(path: Path) -> Described:
    """What the camera files in `path` say; raises ReifyError where none is sound."""
    shots, problems = [], []
    for file in _camera_files(path):
        try:
            shots.append(_shot(file, PLACES.get(path.name, "images")))
        except (OSError, *DAMAGED) as error:
            problems.append(f"{file.name}: {error}")
    if not shots:
        raise ReifyError(f"None of Polycam's camera files in {path} is sound.", "Export the raw data again.")
    return Described(f"Polycam's {path.name}", path, tuple(shots), tuple(problems), folders=(path.parent,), metric=True)


def _camera_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.json") if not path.name.startswith(".") and is_file(path)) if is_folder(folder) else []


def _shot(file: Path, pictures: str) -> Shot:
    says: dict[str, Any] = parse_json(read_text(file), finite=False)
    pose = np.array([[float(says[f"t_{row}{column}"]) for column in range(4)] for row in range(3)])
    size_px = int(says["width"]), int(says["height"])
    return Shot(
        name=f"{pictures}/{file.stem}.jpg",
        cam_from_world=cam_from_world_of(axes.Z_UP_FROM_Y_UP[:3, :3] @ pose @ axes.OPENCV_FROM_OPENGL),
        lens=perspective(float(says["fx"]), float(says["fy"]), float(says["cx"]), float(says["cy"]), size_px),
        depth=f"depth/{file.stem}.png",
    )
