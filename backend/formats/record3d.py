"""Record3D (iOS), exported as EXR and RGB or unpacked from .r3d: metadata(.json), rgb/ or rgbd/, depth/.

`poses` are camera-to-world with OpenGL axes as qx qy qz qw tx ty tz, in ARKit's world (y up, meters); `K` is column-major, for pictures
of `w` x `h`; `perFrameIntrinsicCoeffs` has fx fy cx cy of each. Pictures are called by their numbers from 0. EXR depth is in meters.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ReifyError
from ..geometry import axes
from ..reading import is_folder, parse_json
from .posed import DAMAGED, Described, Shot, cam_from_world_of, perspective, quat_pose
from .text import read_text

NAMES = ("metadata.json", "metadata")
PLACES = ("rgb", "rgbd")


def find(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """The metadata of a recording, where it holds poses."""
    found = [folder / files[name] for name in NAMES if name in files]
    return [path for path in found if b'"poses"' in (head := path.read_bytes()) and b'"K"' in head]


def describe(path: Path) -> Described:
    """What the metadata says; raises ReifyError where it is damaged or no pose is sound."""
    try:
        says: dict[str, Any] = parse_json(read_text(path), finite=False)
        size_px = int(says["w"]), int(says["h"])
        fx, _, _, _, fy, _, cx, cy, _ = map(float, says["K"])
        poses, own = list(says["poses"]), list(says.get("perFrameIntrinsicCoeffs") or [])
    except (OSError, *DAMAGED) as error:
        raise ReifyError(f"{path.name} of Record3D is damaged ({error}).", "Export the recording again.") from error
    place = next((name for name in PLACES if is_folder(path.parent / name)), PLACES[0])
    shots, problems = [], []
    for number, pose in enumerate(poses):
        try:
            lens = tuple(map(float, own[number][:4])) if number < len(own) else (fx, fy, cx, cy)
            world_from_cam = axes.Z_UP_FROM_Y_UP[:3, :3] @ quat_pose(pose[:4], pose[4:7]) @ axes.OPENCV_FROM_OPENGL
            shots.append(
                Shot(
                    name=f"{place}/{number}.jpg",
                    cam_from_world=cam_from_world_of(world_from_cam),
                    lens=perspective(lens[0], lens[1], lens[2], lens[3], size_px),
                    depth=f"depth/{number}.exr",
                )
            )
        except DAMAGED as error:
            problems.append(f"picture {number}: {error}")
    if not shots:
        raise ReifyError(f"{path.name} of Record3D holds no sound pose.", "Export the recording again.")
    return Described("the Record3D recording", path, tuple(shots), tuple(problems), folders=(path.parent,), metric=True)
