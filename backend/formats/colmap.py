"""COLMAP models, text and binary, of COLMAP 3 and 4.

Poses are world-to-camera quaternions w x y z and translations with OpenCV axes. A COLMAP world has no fixed up; it is turned from y
down, which holds where the first camera was level, to Z up, and back in writing. COLMAP 4 adds rigs and frames in files of
their own; the composed poses stay in images.bin, so they aren't needed here.

Exporters of other programs are careless: files in capitals, images.txt without its second lines, byte order marks, names with folders of
another computer. What is sound of a model is read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..files import writing
from ..geometry import axes, quaternions
from ..values import Array, Cameras, Points
from . import points_ply
from .names import Finder
from .posed import Described, Finders, Lens, Posed, Shot, capital, pinhole_matrix, resolve
from .text import decoded, printable, read_text

PARAMETER_COUNT = {  # in the order of COLMAP's numbers for them, from 0
    "SIMPLE_PINHOLE": 3, "PINHOLE": 4, "SIMPLE_RADIAL": 4, "RADIAL": 5, "OPENCV": 8, "OPENCV_FISHEYE": 8, "FULL_OPENCV": 12, "FOV": 5,
    "SIMPLE_RADIAL_FISHEYE": 4, "RADIAL_FISHEYE": 5, "THIN_PRISM_FISHEYE": 12, "RAD_TAN_THIN_PRISM_FISHEYE": 16, "SIMPLE_DIVISION": 4,
    "DIVISION": 5, "SIMPLE_FISHEYE": 3, "FISHEYE": 4, "EUCM": 6, "EQUIRECTANGULAR": 2,
}  # fmt: skip
MODELS = tuple(PARAMETER_COUNT)
PANORAMA = "EQUIRECTANGULAR"
# Which coefficients of Cameras.distortion a model's parameters behind the principal point are; absent models aren't supported.
COEFFICIENTS = {
    "SIMPLE_PINHOLE": [], "PINHOLE": [], "SIMPLE_RADIAL": [0], "RADIAL": [0, 1], "OPENCV": [0, 1, 2, 3], "FULL_OPENCV": [*range(8)],
    "SIMPLE_FISHEYE": [], "FISHEYE": [], "SIMPLE_RADIAL_FISHEYE": [0], "RADIAL_FISHEYE": [0, 1], "OPENCV_FISHEYE": [0, 1, 2, 3],
}  # fmt: skip
ONE_FOCAL = ("SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "SIMPLE_FISHEYE", "SIMPLE_RADIAL_FISHEYE", "RADIAL_FISHEYE")


PICTURE_PLACES = ("images", "input", "rgb", "color", "photos", "")  # beside a model or above it, the likeliest first


def find(folder: Path, files: dict[str, str]) -> list[Path]:
    """The folder itself where it holds a model; `files` are the names of its files by their lower case."""
    return [folder] if _suffix_of(files, "cameras") and _suffix_of(files, "images") else []


def is_model(folder: Path) -> bool:
    """True where a folder holds a model: cameras and images, as .bin or as .txt."""
    return bool(find(folder, _files_of(folder)))


def describe(folder: Path) -> Described:
    """What a model says, sorted by name; raises ReifyError where nothing in it is sound."""
    files = _files_of(folder)
    if not find(folder, files):
        raise ReifyError(f"{folder} holds no COLMAP model.", "Choose the folder with cameras.bin and images.bin.")
    title = f"the COLMAP model in {_short(folder)}"
    problems: list[str] = []
    try:
        lenses = _cameras(folder, files, problems)
        poses = _images(folder, files, problems)
    except OSError as error:
        raise ReifyError(f"{capital(title)} can't be read: {error.strerror or error}.", "Check the folder.") from error
    shots = []
    for name, camera, quat, translation in sorted(poses):
        lens = lenses.get(camera, f"camera {camera} isn't there")
        if isinstance(lens, str):
            problems.append(f"{printable(name)}: {lens}")
        elif not (np.isfinite([*quat, *translation]).all() and any(quat)):
            problems.append(f"{printable(name)}: it has no proper pose")
        else:
            shots.append(Shot(name, _pose(quat, translation), lens))
    if not shots and any("isn't supported" in problem for problem in problems):
        raise ReifyError(f"{capital(title)} can't be used: {problems[-1]}.", "Undistort the model with COLMAP's image_undistorter.")
    if not shots and problems:
        raise ReifyError(f"{capital(title)} is damaged ({problems[0]}).", "Export it again.")
    if not shots:
        raise ReifyError(f"{capital(title)} has no images.", "Choose a model in which images were registered.")
    above = [folder, *folder.absolute().parents[:3]]
    # A model that still has the lens's distortion belongs to the pictures as they were taken.
    places = ("input", *PICTURE_PLACES) if "distorted" in folder.parts else PICTURE_PLACES
    return Described(
        title=title,
        path=folder,
        shots=tuple(shots),
        problems=tuple(problems),
        points=partial(_points, folder, files),
        folders=tuple(place / name for place in above for name in dict.fromkeys(places)),
    )


def read_colmap(folder: Path, image_folders: Sequence[Path]) -> Posed:
    """Posed pictures and sparse points of a model, sorted by name, from that one of `image_folders` which has most of them.

    Missing pictures and damaged entries are left out and named in `notes`. Raises ReifyError where nothing is left.
    """
    described = describe(folder)
    found = [path for place in image_folders if place.is_dir() for path in sorted(place.rglob("*")) if path.is_file()]
    return resolve(described, Finders(Finder(found, image_folders, within=image_folders)))


def write_colmap(cameras: Cameras, names: Sequence[str], folder: Path, points: Points | None = None, text: bool = False) -> None:
    """Write a model with one COLMAP camera for each different lens; raises ReifyError where the disk refuses."""
    lenses, camera_of_image = np.unique(
        np.hstack([cameras.size_px, cameras.K[:, [0, 1, 0, 1], [0, 1, 2, 2]], cameras.distortion]), axis=0, return_inverse=True
    )
    cam_from_colmap = cameras.cam_from_world @ axes.Z_UP_FROM_Y_DOWN
    quats = quaternions.from_matrices(cam_from_colmap[:, :3, :3])
    images = list(zip(quats, cam_from_colmap[:, :3, 3], camera_of_image.ravel() + 1, names, strict=True))
    xyz = axes.move_points(points.xyz, axes.Z_UP_FROM_Y_DOWN.T) if points else np.empty((0, 3))
    rgb = points.rgb if points and points.rgb is not None else np.full((len(xyz), 3), 128, np.uint8)
    parts = {
        "cameras": _cameras_text(lenses, cameras.fisheye) if text else _cameras_binary(lenses, cameras.fisheye),
        "images": _images_text(images) if text else _images_binary(images),
        "points3D": _points_text(xyz, rgb) if text else _points_binary(xyz, rgb),
    }
    for name, content in parts.items():
        with writing(folder / f"{name}{'.txt' if text else '.bin'}") as partial:
            partial.write_bytes(content)


def _files_of(folder: Path) -> dict[str, str]:
    return {path.name.lower(): path.name for path in folder.iterdir() if path.is_file()} if folder.is_dir() else {}


def _suffix_of(files: dict[str, str], part: str) -> str:
    return next((suffix for suffix in (".bin", ".txt") if f"{part.lower()}{suffix}" in files), "")


def _short(folder: Path) -> str:
    return "/".join(folder.absolute().parts[-2:])


def _pose(quat: Sequence[float], translation: Sequence[float]) -> Array:
    cam_from_colmap = np.eye(4)
    cam_from_colmap[:3, :3] = quaternions.to_matrices(np.array([quat], dtype=np.float64))[0]
    cam_from_colmap[:3, 3] = translation
    return cam_from_colmap @ axes.Z_UP_FROM_Y_DOWN.T


def _lens(model: str, width: int, height: int, values: Sequence[float]) -> Lens | str:
    """The lens, or why there is none."""
    if model not in COEFFICIENTS and model != PANORAMA:
        return f"the COLMAP camera model {model} isn't supported"
    if width <= 0 or height <= 0 or len(values) != PARAMETER_COUNT[model]:
        return "its camera has no proper size or parameters"
    if model == PANORAMA:
        return Lens(np.eye(3), (width, height), np.zeros(8), fisheye=False, panorama=True)
    fx, fy, cx, cy, *rest = (values[0], *values) if model in ONE_FOCAL else values
    distortion = np.zeros(8)
    distortion[COEFFICIENTS[model]] = rest
    return Lens(pinhole_matrix(fx, fy, cx, cy), (width, height), distortion, "FISHEYE" in model)


Pose = tuple[str, int, tuple[float, ...], tuple[float, ...]]  # image's name, camera's id, quaternion, translation


def _cameras(folder: Path, files: dict[str, str], problems: list[str]) -> dict[int, Lens | str]:
    suffix = _suffix_of(files, "cameras")
    path = folder / files[f"cameras{suffix}"]
    return _cameras_in_text(path, problems) if suffix == ".txt" else _cameras_in_binary(path, problems)


def _images(folder: Path, files: dict[str, str], problems: list[str]) -> list[Pose]:
    suffix = _suffix_of(files, "images")
    path = folder / files[f"images{suffix}"]
    return list(_images_in_text(path, problems) if suffix == ".txt" else _images_in_binary(path, problems))


def _cameras_in_binary(path: Path, problems: list[str]) -> dict[int, Lens | str]:
    data, at, lenses = path.read_bytes(), 8, {}
    try:
        (count,) = struct.unpack_from("<Q", data)
        for _ in range(count):
            camera, model_id, width, height = struct.unpack_from("<IiQQ", data, at)
            if not 0 <= model_id < len(MODELS):
                raise ValueError(f"it has a camera model of number {model_id}")
            values = struct.unpack_from(f"<{PARAMETER_COUNT[MODELS[model_id]]}d", data, at + 24)
            lenses[camera] = _lens(MODELS[model_id], width, height, values)
            at += 24 + 8 * len(values)
    except (struct.error, ValueError, OverflowError) as error:
        problems.append(f"{path.name} is cut off or damaged ({error})")
    return lenses


def _images_in_binary(path: Path, problems: list[str]) -> Iterator[Pose]:
    data, at = path.read_bytes(), 8
    try:
        (count,) = struct.unpack_from("<Q", data)
        for _ in range(count):
            _, *pose, camera = struct.unpack_from("<I7dI", data, at)
            end = data.index(b"\0", at + 64)
            (observations,) = struct.unpack_from("<Q", data, end + 1)
            yield decoded(data[at + 64 : end]), camera, tuple(pose[:4]), tuple(pose[4:])
            at = end + 9 + 24 * observations
            if at > len(data):
                raise ValueError("an image's points are missing")
    except (struct.error, ValueError, OverflowError) as error:
        problems.append(f"{path.name} is cut off or damaged ({error})")


def _points(folder: Path, files: dict[str, str]) -> Points | None:
    """Sparse points, positions in double precision; of a points3D.ply, as 3DGS trainers leave it, where there is nothing else."""
    suffix = _suffix_of(files, "points3D")
    try:
        if suffix == ".bin":
            points = _points_in_binary((folder / files["points3d.bin"]).read_bytes())
        elif suffix == ".txt":
            points = _points_in_text(folder / files["points3d.txt"])
        elif "points3d.ply" in files:
            points = points_ply.read_points_ply(folder / files["points3d.ply"])
        else:
            return None
    except (struct.error, ValueError, IndexError, MemoryError, OverflowError, OSError) as error:
        raise ReifyError(f"points3D is damaged ({error}).", "Export the model again.") from error
    return Points(axes.move_points(points.xyz, axes.Z_UP_FROM_Y_DOWN), points.rgb) if len(points) else None


def _points_in_binary(data: bytes) -> Points:
    (count,), at = struct.unpack_from("<Q", data), 8
    if count * 51 > len(data):
        raise ValueError("it is cut off")
    xyz, rgb = np.empty((count, 3), np.float64), np.empty((count, 3), np.uint8)
    unpack = struct.Struct("<Q3d3BdQ").unpack_from
    for i in range(count):
        _, x, y, z, r, g, b, _, track = unpack(data, at)
        xyz[i], rgb[i] = (x, y, z), (r, g, b)
        at += 51 + 8 * track
    if at > len(data):
        raise ValueError("it is cut off")
    return Points(xyz, rgb)


def _points_in_text(path: Path) -> Points:
    rows, lines = [], _lines(path)
    for line in lines:
        fields = line.split(maxsplit=7)
        if len(fields) >= 7 and _numbers(fields[1:7]):
            rows.append([float(value) for value in fields[1:7]])
    if lines and not rows:
        raise ValueError("no line is that of a point")
    table = np.array(rows, np.float64).reshape(-1, 6)
    return Points(table[:, :3], np.clip(table[:, 3:], 0, 255).astype(np.uint8))


def _cameras_in_text(path: Path, problems: list[str]) -> dict[int, Lens | str]:
    lenses = {}
    for line in _lines(path):
        try:
            camera, model, width, height, *values = line.split()
            lenses[int(camera)] = _lens(model, int(float(width)), int(float(height)), [float(value) for value in values])
        except (ValueError, OverflowError):
            problems.append(f"a line of {path.name} isn't understood: {printable(line[:40])}")
    return lenses


def _images_in_text(path: Path, problems: list[str]) -> Iterator[Pose]:
    """Poses of images.txt, told from the lines of observations between them by what they hold: those are often empty or missing."""
    before_was_pose = False
    for line in _lines(path):
        fields = line.split(maxsplit=9)
        is_pose = len(fields) == 10 and fields[0].isdecimal() and fields[8].isdecimal() and _numbers(fields[1:8])
        if is_pose and _numbers(fields[9].split()):  # all numbers: observations, or a picture that is called "17"
            is_pose = len(fields[9].split()) == 1 and not before_was_pose
        if is_pose:
            yield fields[9].strip(), int(fields[8]), tuple(map(float, fields[1:5])), tuple(map(float, fields[5:8]))
        elif not _numbers(line.split()) or len(line.split()) % 3:
            problems.append(f"a line of {path.name} isn't understood: {printable(line[:40])}")
        before_was_pose = is_pose


def _numbers(fields: Sequence[str]) -> bool:
    try:
        return bool([float(field) for field in fields])
    except ValueError:
        return False


def _lines(path: Path) -> list[str]:
    return [line for line in map(str.strip, read_text(path).split("\n")) if line and not line.startswith("#")]


def _model_of(distortion: Array, fisheye: bool) -> tuple[str, list[int]]:
    if fisheye:
        return "OPENCV_FISHEYE", [0, 1, 2, 3]
    model = "FULL_OPENCV" if distortion[4:].any() else "OPENCV" if distortion.any() else "PINHOLE"
    return model, COEFFICIENTS[model]


def _camera_rows(lenses: Array, fisheye: bool) -> Iterator[tuple[int, str, int, int, list[float]]]:
    for i, (width, height, fx, fy, cx, cy, *distortion) in enumerate(lenses.tolist()):
        model, coefficients = _model_of(np.array(distortion), fisheye)
        yield i + 1, model, int(width), int(height), [fx, fy, cx, cy, *(distortion[k] for k in coefficients)]


def _cameras_binary(lenses: Array, fisheye: bool) -> bytes:
    rows = [
        struct.pack(f"<IiQQ{len(values)}d", number, MODELS.index(model), width, height, *values)
        for number, model, width, height, values in _camera_rows(lenses, fisheye)
    ]
    return struct.pack("<Q", len(rows)) + b"".join(rows)


def _images_binary(images: Sequence[tuple[Array, Array, int, str]]) -> bytes:
    rows = [
        struct.pack("<I7dI", i + 1, *quat, *translation, camera) + name.encode("utf-8") + struct.pack("<BQ", 0, 0)
        for i, (quat, translation, camera, name) in enumerate(images)
    ]
    return struct.pack("<Q", len(rows)) + b"".join(rows)


def _points_binary(xyz: Array, rgb: Array) -> bytes:
    kinds = [("id", "<u8"), ("xyz", "<f8", 3), ("rgb", "u1", 3), ("error", "<f8"), ("track", "<u8")]
    rows = np.zeros(len(xyz), dtype=kinds)
    rows["id"], rows["xyz"], rows["rgb"] = np.arange(1, len(xyz) + 1), xyz, rgb
    return struct.pack("<Q", len(rows)) + rows.tobytes()


def _cameras_text(lenses: Array, fisheye: bool) -> bytes:
    rows = [f"{n} {model} {w} {h} {' '.join(map(repr, values))}\n" for n, model, w, h, values in _camera_rows(lenses, fisheye)]
    return "".join(["# CAMERA_ID MODEL WIDTH HEIGHT PARAMS[]\n", *rows]).encode()


def _images_text(images: Sequence[tuple[Array, Array, int, str]]) -> bytes:
    rows = [
        f"{i + 1} {' '.join(map(repr, [*quat.tolist(), *translation.tolist()]))} {camera} {name}\n\n"
        for i, (quat, translation, camera, name) in enumerate(images)
    ]
    return "".join(["# IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME, then POINTS2D[] as (X, Y, POINT3D_ID)\n", *rows]).encode()


def _points_text(xyz: Array, rgb: Array) -> bytes:
    points = enumerate(zip(xyz.tolist(), rgb.tolist(), strict=True))
    rows = [f"{i + 1} {x!r} {y!r} {z!r} {r} {g} {b} 0\n" for i, ((x, y, z), (r, g, b)) in points]
    return "".join(["# POINT3D_ID X Y Z R G B ERROR TRACK[]\n", *rows]).encode()
