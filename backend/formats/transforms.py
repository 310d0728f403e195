"""transforms.json of nerfstudio, instant-ngp and NeRF-synthetic: camera-to-world with OpenGL axes, in a Z-up world.

`applied_transform` and `applied_scale` say what was done to the poses and to the points of `ply_file_path` alike before they were
written: both stand in the same world already, so neither is applied again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ReifyError
from ..files import writing
from ..geometry import axes
from ..values import Array, Cameras, Points
from . import images, points_ply
from .posed import Lens, Posed, cameras_of, pinhole_matrix

FISHEYE = ("OPENCV_FISHEYE", "FISHEYE", "RADIAL_FISHEYE", "SIMPLE_RADIAL_FISHEYE")
PERSPECTIVE = ("OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "FULL_OPENCV", "PERSPECTIVE", "")
LARGEST_SIDE_PX = 1_000_000
COEFFICIENTS = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")
FISHEYE_COEFFICIENTS = ("k1", "k2", "k3", "k4")


def read_transforms(*paths: Path) -> Posed:
    """Posed pictures of one file, or of several that share a world (transforms_train.json, transforms_test.json).

    The split is taken from each frame's `split`, from `train_filenames` and `test_filenames`, or from a name that ends in _train or
    _test. Pictures that don't exist are left out and named in `missing`. Raises ReifyError where a file is damaged or all pictures miss.
    """
    documents = [(path, _read_document(path)) for path in paths]
    found, missing = [], []
    for path, document in documents:
        for number, frame in enumerate(document["frames"]):
            with_globals = {**document, **frame}
            image = _find_image(path.parent, str(frame.get("file_path", "")))
            if image is None:
                missing.append(str(frame.get("file_path", f"frame {number}")))
                continue
            found.append((image, _split_of(path, document, frame), with_globals, f"frame {number} of {path.name}"))
    source = " and ".join(path.name for path in paths)
    if not found:
        what = f"None of the {len(missing)} pictures that {source} names exists."
        raise ReifyError(what, f"Put them beside it; {missing[0]} is the first.")
    poses = np.array([_pose_of(frame, where) for _, _, frame, where in found])
    lenses = [_lens_of(frame, image, where) for image, _, frame, where in found]
    splits = [split for _, split, _, _ in found]
    return Posed(
        images=tuple(image for image, *_ in found),
        names=tuple(_name_of(image, paths[0].parent) for image, *_ in found),
        cameras=cameras_of(axes.cam_from_world_of_opengl(poses), lenses, source),
        masks=tuple(_find_mask(paths[0].parent, frame) for _, _, frame, _ in found),
        test=tuple(i for i, split in enumerate(splits) if split == "test") if "test" in splits else None,
        points=_read_points(documents),
        missing=tuple(missing),
    )


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


def _read_document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ReifyError(f"{path} can't be read: {error.strerror or error}.", "Check the path.") from error
    except ValueError as error:
        raise ReifyError(f"{path.name} is damaged: {error}.", "Export it again.") from error
    frames = document.get("frames") if isinstance(document, dict) else None
    if not isinstance(frames, list) or not all(isinstance(frame, dict) for frame in frames):
        raise ReifyError(f"{path.name} isn't a file of camera poses: it has no list of frames.", "Choose a transforms.json.")
    if not frames:
        raise ReifyError(f"{path.name} has no frames.", "Export it again.")
    return document


def _find_image(folder: Path, file_path: str) -> Path | None:
    named = folder / file_path.replace("\\", "/")
    if not file_path or not named.name:
        return None
    # NeRF-synthetic leaves the extension away; a path of another computer is looked up by its last part.
    for place in (named, folder / "images" / named.name, folder / named.name):
        for candidate in (place, *(place.with_name(place.name + suffix) for suffix in images.SUFFIXES)):
            if candidate.is_file():
                return candidate
    return None


def _find_mask(folder: Path, frame: Mapping[str, Any]) -> Path | None:
    mask = frame.get("mask_path")
    return _find_image(folder, mask) if isinstance(mask, str) else None


def _name_of(image: Path, folder: Path) -> str:
    return image.relative_to(folder).as_posix() if image.is_relative_to(folder) else image.name


def _split_of(path: Path, document: Mapping[str, Any], frame: Mapping[str, Any]) -> str:
    if "split" in frame:
        return "train" if frame["split"] == "train" else "test"
    if path.stem.endswith(("_test", "_val")):
        return "test"
    for key in ("test_filenames", "val_filenames"):
        if isinstance(document.get(key), list) and frame.get("file_path") in document[key]:
            return "test"
    return "train"


def _pose_of(frame: Mapping[str, Any], where: str) -> Array:
    try:
        matrix = np.array(frame["transform_matrix"], dtype=np.float64)
        assert matrix.shape in ((4, 4), (3, 4)) and np.isfinite(matrix).all() and np.linalg.det(matrix[:3, :3]) > 0
    except (KeyError, TypeError, ValueError, AssertionError):
        raise ReifyError(f"{where} has no proper transform_matrix.", "Export the poses again.") from None
    return np.vstack([matrix[:3], [0.0, 0.0, 0.0, 1.0]])


def _lens_of(frame: Mapping[str, Any], image: Path, where: str) -> Lens:
    model = str(frame.get("camera_model", "")).upper()
    if model not in (*FISHEYE, *PERSPECTIVE):
        raise ReifyError(f"{where} has the camera model {model}, which isn't supported.", "Undistort the pictures before.")
    fisheye = model in FISHEYE or bool(frame.get("is_fisheye"))
    try:
        width, height = _size_of(frame, image)
        fx = float(frame["fl_x"]) if "fl_x" in frame else width / (2 * math.tan(float(frame["camera_angle_x"]) / 2))
        fy = float(frame["fl_y"]) if "fl_y" in frame else fx
        K = pinhole_matrix(fx, fy, float(frame.get("cx", width / 2)), float(frame.get("cy", height / 2)))
        distortion = np.zeros(8)
        for i, name in enumerate(FISHEYE_COEFFICIENTS if fisheye else COEFFICIENTS):
            distortion[i] = float(frame.get(name) or 0.0)
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        raise ReifyError(f"{where} has no proper size or focal length (fl_x or camera_angle_x).", "Export the poses again.") from None
    return Lens(K, (width, height), distortion, fisheye)


def _size_of(frame: Mapping[str, Any], image: Path) -> tuple[int, int]:
    if frame.get("w") and frame.get("h"):
        width, height = int(frame["w"]), int(frame["h"])
        if not (0 < width < LARGEST_SIDE_PX and 0 < height < LARGEST_SIDE_PX):
            raise ValueError("no proper size")
        return width, height
    if image.suffix.lower() == ".exr":
        info = images.probe(image)
        return info.width, info.height
    with images.open_image(image) as header:
        return header.size


def _read_points(documents: Sequence[tuple[Path, Mapping[str, Any]]]) -> Points | None:
    for path, document in documents:
        name = document.get("ply_file_path")
        if isinstance(name, str) and (path.parent / name).is_file():
            return points_ply.read_points_ply(path.parent / name)
    return None
