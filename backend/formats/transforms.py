"""transforms.json of nerfstudio, instant-ngp and NeRF-synthetic: camera-to-world with OpenGL axes, in a Z-up world.

Luma, Polycam, Kiri, NeRFCapture and many scripts write it, too. `applied_transform` and `applied_scale` say what was done to the poses and
to the points of `ply_file_path` alike before they were written: both stand in the same world already, so neither is applied again.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ReifyError
from ..files import writing
from ..geometry import axes
from ..reading import parse_json
from ..values import Array, Cameras, Points
from . import points_ply
from .confined import file_inside
from .posed import DAMAGED, LARGEST_SIDE_PX, Described, Finders, Lens, Posed, Shot, cam_from_world_of, pinhole_matrix, resolve
from .text import read_text

FISHEYE = ("OPENCV_FISHEYE", "FISHEYE", "RADIAL_FISHEYE", "SIMPLE_RADIAL_FISHEYE")
PERSPECTIVE = ("OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "FULL_OPENCV", "PERSPECTIVE", "")
PANORAMA = ("EQUIRECTANGULAR", "SPHERICAL")
COEFFICIENTS = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")
FISHEYE_COEFFICIENTS = ("k1", "k2", "k3", "k4")
SPLITS = ("train", "val", "test")
SNIFFED = 1 << 16  # characters of a file that may be one
LIKELY_DEG = (5.0, 150.0)  # fields of view, where two that the file gives contradict each other
CONTRADICTION = 0.05  # relative difference of two focal lengths
DEPTH_UNIT = 0.001  # of integer depth maps where the file doesn't say, as in nerfstudio


def find(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """The files of a folder that are one: by name, or other JSON files by what they begin with; the likeliest first."""
    named = [name for name in ("transforms.json", *(f"transforms_{split}.json" for split in SPLITS)) if name in files]
    others = [name for name in sorted(files) if name.endswith(".json") and name not in named and _looks_like_one(folder / files[name])]
    if "transforms_train.json" in named:  # stands for all splits
        named = [name for name in named if name in ("transforms.json", "transforms_train.json")]
    return [folder / files[name] for name in (*named, *others)]


def describe(path: Path) -> Described:
    """What a file says; transforms_train.json, …_val and …_test share a world and are read together.

    The split is taken from each frame's `split`, from `train_filenames` and `test_filenames`, or from a name that ends in _train or
    _test. Raises ReifyError where the file is damaged or holds no sound frame.
    """
    parts = _parts(path)
    documents = [(part, _read_document(part)) for part in parts]
    title = " and ".join(part.name for part in parts)
    shots: list[Shot] = []
    problems: list[str] = []
    for part, document in documents:
        for number, frame in enumerate(document["frames"]):
            try:
                shots.append(_shot_of(part, document, frame))
            except DAMAGED as error:
                problems.append(f"frame {number}: {error}")
    if not shots:
        raise ReifyError(f"{title} is damaged: {problems[0]}.", "Export it again.")
    return Described(
        title=title,
        path=path,
        shots=tuple(shots),
        problems=tuple(problems),
        notes=_contradictions(documents),
        points=partial(_read_points, documents),
        folders=(path.parent, path.parent / "images"),
        depth_unit=_depth_unit(documents[0][1]),
    )


def read_transforms(*paths: Path) -> Posed:
    """Posed pictures of one file, looked up in its folder and below; what is damaged or missing is named in `notes`.

    Raises ReifyError where a file is damaged as a whole or all pictures miss.
    """
    described = describe(paths[0])
    return resolve(described, Finders.below(paths[0].parent, described.folders))


def write_transforms(
    cameras: Cameras, file_paths: Sequence[str], path: Path, test: Sequence[int] = (), points: Points | None = None
) -> None:
    """Write nerfstudio's transforms.json, and `points` beside it as sparse_pc.ply; raises ReifyError where the disk refuses."""
    names = FISHEYE_COEFFICIENTS if cameras.fisheye else COEFFICIENTS
    model = "OPENCV_FISHEYE" if cameras.fisheye else "FULL_OPENCV" if cameras.distortion[:, 5:].any() else "OPENCV"
    frames = []
    for i, world_from_cam in enumerate(axes.opengl_of_cam_from_world(cameras.cam_from_world)):
        K, (width, height) = cameras.K[i], cameras.size_px[i].tolist()
        intrinsics = {"fl_x": K[0, 0], "fl_y": K[1, 1], "cx": K[0, 2], "cy": K[1, 2], "w": width, "h": height}
        coefficients = dict(zip(names, cameras.distortion[i].tolist(), strict=False))
        split = "test" if i in set(test) else "train"
        pose = {"transform_matrix": world_from_cam.tolist(), "split": split}
        frames.append({"file_path": file_paths[i], **intrinsics, **coefficients, **pose})
    document: dict[str, Any] = {"camera_model": model, "frames": frames}
    if points is not None:
        document["ply_file_path"] = "sparse_pc.ply"
        points_ply.write_points_ply(points, path.with_name("sparse_pc.ply"))
    with writing(path) as partial:
        partial.write_text(json.dumps(document, indent=1), encoding="utf-8")


def _parts(path: Path) -> list[Path]:
    if path.stem.lower() != "transforms_train":
        return [path]
    siblings = {sibling.name.lower(): sibling for sibling in path.parent.iterdir()}
    return [siblings[name] for split in SPLITS if (name := f"transforms_{split}.json") in siblings]


def _looks_like_one(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            head = stream.read(SNIFFED)
    except OSError:
        return False
    return b"transform_matrix" in head and b"frames" in head


def _read_document(path: Path) -> dict[str, Any]:
    try:
        text = read_text(path)
    except OSError as error:
        raise ReifyError(f"{path} can't be read: {error.strerror or error}.", "Check the path.") from error
    try:
        document = _parsed(text)
    except ValueError as error:
        raise ReifyError(f"{path.name} is damaged: {error}.", "Export it again.") from error
    frames = document.get("frames") if isinstance(document, dict) else None
    if not isinstance(frames, list) or (frames and not any(isinstance(frame, dict) for frame in frames)):
        raise ReifyError(f"{path.name} isn't a file of camera poses: it has no list of frames.", "Choose a transforms.json.")
    if not frames:
        raise ReifyError(f"{path.name} has no frames.", "Export it again.")
    return document


def _parsed(text: str) -> Any:
    try:
        return parse_json(text, finite=False)
    except ValueError:
        return parse_json(re.sub(r",(?=\s*[}\]])", "", text), finite=False)  # commas that editing by hand has left behind


def _shot_of(path: Path, document: Mapping[str, Any], frame: Any) -> Shot:
    if not isinstance(frame, dict):
        raise ValueError("it is no frame")
    whole = {**document, **frame}
    name = frame.get("file_path")
    if not isinstance(name, str) or not name.strip("./\\ "):
        raise ValueError("it names no picture")
    mask, depth = whole.get("mask_path"), whole.get("depth_file_path") or whole.get("depth_path")
    return Shot(
        name=name,
        cam_from_world=_pose_of(frame),
        lens=_lens_of(whole),
        mask=mask if isinstance(mask, str) else "",
        depth=depth if isinstance(depth, str) else "",
        split=_split_of(path, document, frame),
    )


def _split_of(path: Path, document: Mapping[str, Any], frame: Mapping[str, Any]) -> str:
    if "split" in frame:
        return "train" if frame["split"] == "train" else "test"
    if path.stem.lower().endswith(("_test", "_val")):
        return "test"
    for key in ("test_filenames", "val_filenames"):
        if isinstance(document.get(key), list) and frame.get("file_path") in document[key]:
            return "test"
    return "train"


def _pose_of(frame: Mapping[str, Any]) -> Array:
    try:
        matrix = np.array(frame["transform_matrix"], dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        raise ValueError("it has no proper transform_matrix") from None
    if matrix.shape not in ((4, 4), (3, 4)):
        raise ValueError("it has no proper transform_matrix")
    return cam_from_world_of(matrix[:3] @ axes.OPENCV_FROM_OPENGL)


def _lens_of(frame: Mapping[str, Any]) -> Any:
    """The lens, or what makes it of the picture's size; raises ValueError where neither can be."""
    model = str(frame.get("camera_model", "")).upper()
    if model not in (*FISHEYE, *PERSPECTIVE, *PANORAMA):
        raise ValueError(f"the camera model {model} isn't supported")
    width, height = (_number(frame, name) for name in ("w", "h"))
    if width and height:
        if not (0 < width < LARGEST_SIDE_PX and 0 < height < LARGEST_SIDE_PX):
            raise ValueError("it has no proper size")
        return _lens_at(dict(frame), model, int(width), int(height))
    return partial(_lens_at, dict(frame), model)


def _lens_at(frame: Mapping[str, Any], model: str, width: int, height: int) -> Lens:
    if model in PANORAMA:
        return Lens(np.eye(3), (width, height), np.zeros(8), fisheye=False, panorama=True)
    fisheye = model in FISHEYE or bool(frame.get("is_fisheye"))
    fx = _focal(frame, "x", width)
    fy = _focal(frame, "y", height) or fx
    fx = fx or fy
    if not fx or not fy:
        raise ValueError("it has no focal length (fl_x or camera_angle_x)")
    cx, cy = _number(frame, "cx"), _number(frame, "cy")
    K = pinhole_matrix(fx, fy, width / 2 if cx is None else cx, height / 2 if cy is None else cy)
    distortion = np.zeros(8)
    for i, name in enumerate(FISHEYE_COEFFICIENTS if fisheye else COEFFICIENTS):
        distortion[i] = _number(frame, name) or 0.0
    return Lens(K, (width, height), distortion, fisheye)


def _focal(frame: Mapping[str, Any], axis: str, side: int) -> float | None:
    """Focal length in pixels: fl_x, unless it is out of the question and camera_angle_x isn't; None where neither is there."""
    given, angle = _number(frame, f"fl_{axis}"), _angle(frame, axis)
    by_angle = None if angle is None else side / (2 * math.tan(angle / 2))
    if given is None or by_angle is None or not _contradict(given, by_angle):
        return by_angle if given is None else given
    likely = [LIKELY_DEG[0] < _degrees(focal, side) < LIKELY_DEG[1] for focal in (given, by_angle)]
    return by_angle if likely == [False, True] else given


def _angle(frame: Mapping[str, Any], axis: str) -> float | None:
    """The field of view in radians; some files have it in degrees."""
    angle = _number(frame, f"camera_angle_{axis}")
    if angle is None or not 0 < angle < 180:
        return None
    return angle if angle < math.pi else math.radians(angle)


def _degrees(focal_px: float, side_px: int) -> float:
    return math.degrees(2 * math.atan2(side_px, 2 * focal_px))


def _contradict(a: float, b: float) -> bool:
    return abs(a - b) > CONTRADICTION * max(abs(a), abs(b))


def _contradictions(documents: Sequence[tuple[Path, Mapping[str, Any]]]) -> tuple[str, ...]:
    """A sentence where two fields of view can't both be right, with the one that is used."""
    for path, document in documents:
        for frame in ({**document, **frame} for frame in document["frames"] if isinstance(frame, dict)):
            try:
                given, angle, width = _number(frame, "fl_x"), _angle(frame, "x"), _number(frame, "w")
            except DAMAGED:
                continue
            if given and angle and width and _contradict(given, width / (2 * math.tan(angle / 2))):
                used = "camera_angle_x" if _focal(frame, "x", int(width)) != given else "fl_x"
                wide, narrow = _degrees(given, int(width)), math.degrees(angle)
                return (f"{path.name} contradicts itself: a field of view of {wide:.0f} and of {narrow:.0f} degrees; {used} is used.",)
    return ()


def _number(frame: Mapping[str, Any], name: str) -> float | None:
    value = frame.get(name)
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} is no number") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} is no number")
    return number


def _depth_unit(document: Mapping[str, Any]) -> float:
    for name in ("depth_unit_scale_factor", "integer_depth_scale"):
        value = document.get(name)
        if isinstance(value, int | float) and 0 < value < 1000:
            return float(value)
    return DEPTH_UNIT


def _read_points(documents: Sequence[tuple[Path, Mapping[str, Any]]]) -> Points | None:
    for path, document in documents:
        name = document.get("ply_file_path")
        if isinstance(name, str) and (found := file_inside(name, path.parent)) is not None:
            return points_ply.read_points_ply(found)
    return None
