"""Stray Scanner (iOS): rgb.mp4, odometry.csv, camera_matrix.csv, depth/ and confidence/.

odometry.csv has a pose for each frame of the video: camera-to-world with OpenCV axes in ARKit's world (y up, meters), as x y z and a
quaternion x y z w; later versions add fx fy cx cy. camera_matrix.csv is K of the video. Depth maps are 16-bit PNG in millimeters, with
the frame's number as their name. Source: the app's own StrayVisualizer.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..geometry import axes
from ..values import Array
from .posed import DAMAGED, Described, Lens, Shot, cam_from_world_of, perspective, quat_pose
from .text import read_text

VIDEO, ODOMETRY, MATRIX = "rgb.mp4", "odometry.csv", "camera_matrix.csv"
POSE = ("x", "y", "z", "qx", "qy", "qz", "qw")
INTRINSICS = ("fx", "fy", "cx", "cy")


def find(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """odometry.csv of a folder that is a recording."""
    return [folder / files[ODOMETRY]] if ODOMETRY in files and (VIDEO in files or (folder / "rgb").is_dir()) else []


def describe(path: Path) -> Described:
    """What odometry.csv says of the frames; raises ReifyError where it holds no pose or there is no camera matrix."""
    folder = path.parent
    video = next((file for file in folder.iterdir() if file.name.lower() == VIDEO), None)
    try:
        rows = list(csv.reader(read_text(path).splitlines()))
    except OSError as error:
        raise ReifyError(f"{path.name} can't be read: {error.strerror or error}.", "Check the file.") from error
    columns = [name.strip().lower() for name in rows[0]] if rows else []
    matrix = _matrix(folder)
    shots, problems = [], []
    for number, row in enumerate(row for row in rows[1:] if row):
        values = dict(zip(columns, (value.strip() for value in row), strict=False))
        try:
            shots.append(_shot(values, number, matrix, video))
        except DAMAGED as error:
            problems.append(f"frame {number}: {error}")
    if not shots:
        raise ReifyError(f"{path.name} of Stray Scanner holds no poses.", "Record again, or let the cameras be found from the video.")
    return Described("the Stray Scanner recording", path, tuple(shots), tuple(problems), folders=(folder,), metric=True, video=video)


def _shot(values: Mapping[str, str], number: int, matrix: Array | None, video: Path | None) -> Shot:
    pose = [float(values[name]) for name in POSE]
    frame = values.get("frame") or f"{number:06d}"
    own = [float(values[name]) for name in INTRINSICS if values.get(name)]
    if len(own) != len(INTRINSICS) and matrix is None:
        raise ValueError("there is no camera_matrix.csv")
    fx, fy, cx, cy = own if len(own) == len(INTRINSICS) else matrix[[0, 1, 0, 1], [0, 1, 2, 2]].tolist()  # type: ignore[index]
    return Shot(
        name=str(int(frame)) if video is not None else f"rgb/{frame}.png",
        cam_from_world=cam_from_world_of(axes.Z_UP_FROM_Y_UP[:3, :3] @ quat_pose(pose[3:], pose[:3])),
        lens=partial(_lens, (fx, fy, cx, cy)),
        depth=f"depth/{frame}.png",
    )


def _lens(intrinsics: Sequence[float], width: int, height: int) -> Lens:
    fx, fy, cx, cy = intrinsics
    return perspective(fx, fy, cx, cy, (width, height))


def _matrix(folder: Path) -> Array | None:
    path = next((file for file in folder.iterdir() if file.name.lower() == MATRIX), None)
    if path is None:
        return None
    try:
        rows = [[float(value) for value in row] for row in csv.reader(read_text(path).splitlines()) if row]
        return np.array(rows, np.float64).reshape(3, 3)
    except ValueError:
        return None
