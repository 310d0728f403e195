"""COLMAP models, text and binary, of COLMAP 3 and 4.

Poses are world-to-camera quaternions w x y z and translations with OpenCV axes. A COLMAP world has no fixed up; it is turned from y
down, which holds where the first camera was level, to Z up, and back in writing. COLMAP 4 adds rigs and frames in files of
their own; the composed poses stay in images.bin, so they aren't needed here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..files import writing
from ..geometry import axes, quaternions
from ..values import Array, Cameras, Points
from .posed import Lens, Posed, cameras_of, pinhole_matrix

PARAMETER_COUNT = {  # in the order of COLMAP's numbers for them, from 0
    "SIMPLE_PINHOLE": 3, "PINHOLE": 4, "SIMPLE_RADIAL": 4, "RADIAL": 5, "OPENCV": 8, "OPENCV_FISHEYE": 8, "FULL_OPENCV": 12, "FOV": 5,
    "SIMPLE_RADIAL_FISHEYE": 4, "RADIAL_FISHEYE": 5, "THIN_PRISM_FISHEYE": 12, "RAD_TAN_THIN_PRISM_FISHEYE": 16, "SIMPLE_DIVISION": 4,
    "DIVISION": 5, "SIMPLE_FISHEYE": 3, "FISHEYE": 4, "EUCM": 6, "EQUIRECTANGULAR": 2,
}  # fmt: skip
MODELS = tuple(PARAMETER_COUNT)
# Which coefficients of Cameras.distortion a model's parameters behind the principal point are; absent models aren't supported.
COEFFICIENTS = {
    "SIMPLE_PINHOLE": [], "PINHOLE": [], "SIMPLE_RADIAL": [0], "RADIAL": [0, 1], "OPENCV": [0, 1, 2, 3], "FULL_OPENCV": [*range(8)],
    "SIMPLE_FISHEYE": [], "FISHEYE": [], "SIMPLE_RADIAL_FISHEYE": [0], "RADIAL_FISHEYE": [0, 1], "OPENCV_FISHEYE": [0, 1, 2, 3],
}  # fmt: skip
ONE_FOCAL = ("SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "SIMPLE_FISHEYE", "SIMPLE_RADIAL_FISHEYE", "RADIAL_FISHEYE")


def is_model(folder: Path) -> bool:
    """True where a folder holds a model: cameras and images, both as .bin or both as .txt."""
    return _suffix(folder) is not None


def read_colmap(folder: Path, image_folders: Sequence[Path]) -> Posed:
    """Posed pictures and sparse points of a model, sorted by name; missing ones are left out.

    The pictures are taken from that one of `image_folders` which has most of them, the first one of equals.

    Raises ReifyError where the model is damaged, empty, has cameras that can't be undistorted, or all pictures miss.
    """
    suffix = _suffix(folder)
    if suffix is None:
        raise ReifyError(f"{folder} holds no COLMAP model.", "Choose the folder with cameras.bin and images.bin.")
    try:
        lenses = _read_cameras_text(folder) if suffix == ".txt" else _read_cameras_binary(folder)
        poses = sorted(_read_images_text(folder) if suffix == ".txt" else _read_images_binary(folder))
        points = _read_points_text(folder) if suffix == ".txt" else _read_points_binary(folder)
        lens_of_image = [lenses[camera] for _, camera, _, _ in poses]
        if not all(any(quat) for _, _, quat, _ in poses):
            raise ValueError("an image has no rotation")
    except OSError as error:
        raise ReifyError(f"The COLMAP model in {folder} can't be read: {error.strerror or error}.", "Check the folder.") from error
    except (struct.error, ValueError, IndexError, KeyError, MemoryError, OverflowError) as error:
        raise ReifyError(f"The COLMAP model in {folder} is damaged ({error}).", "Export it again.") from error
    names = [name for name, *_ in poses]
    image_folder = max(image_folders, key=lambda place: sum((place / name).is_file() for name in names))
    here = [i for i, name in enumerate(names) if (image_folder / name).is_file()]
    missing = tuple(name for name in names if not (image_folder / name).is_file())
    if not poses:
        raise ReifyError(f"The COLMAP model in {folder} has no images.", "Choose a model in which images were registered.")
    if not here:
        what = f"None of the {len(missing)} pictures of the COLMAP model in {folder} exists; {missing[0]} is the first."
        raise ReifyError(what, "Put them into a folder called images.")
    cam_from_colmap = np.tile(np.eye(4), (len(here), 1, 1))
    cam_from_colmap[:, :3, :3] = quaternions.to_matrices(np.array([poses[i][2] for i in here]))
    cam_from_colmap[:, :3, 3] = [poses[i][3] for i in here]
    cameras = cameras_of(cam_from_colmap @ axes.Z_UP_FROM_Y_DOWN.T, [lens_of_image[i] for i in here], f"The COLMAP model in {folder.name}")
    return Posed(
        images=tuple(image_folder / names[i] for i in here),
        names=tuple(names[i] for i in here),
        cameras=cameras,
        masks=(None,) * len(here),
        points=Points(axes.move_points(points.xyz, axes.Z_UP_FROM_Y_DOWN), points.rgb) if points else None,
        missing=missing,
    )


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


def _suffix(folder: Path) -> str | None:
    for suffix in (".bin", ".txt"):
        if all((folder / f"{name}{suffix}").is_file() for name in ("cameras", "images")):
            return suffix
    return None


def _lens(model: str, width: int, height: int, values: Sequence[float]) -> Lens:
    if model not in COEFFICIENTS:
        raise ReifyError(f"The COLMAP camera model {model} isn't supported.", "Undistort the model with COLMAP's image_undistorter.")
    if width <= 0 or height <= 0 or len(values) != PARAMETER_COUNT[model]:
        raise ValueError("a camera has no proper size or parameters")
    fx, fy, cx, cy, *rest = (values[0], *values) if model in ONE_FOCAL else values
    distortion = np.zeros(8)
    distortion[COEFFICIENTS[model]] = rest
    return Lens(pinhole_matrix(fx, fy, cx, cy), (width, height), distortion, "FISHEYE" in model)


Pose = tuple[str, int, tuple[float, ...], tuple[float, ...]]  # image's name, camera's id, quaternion, translation


def _read_cameras_binary(folder: Path) -> dict[int, Lens]:
    data = (folder / "cameras.bin").read_bytes()
    (count,), at = struct.unpack_from("<Q", data), 8
    lenses = {}
    for _ in range(count):
        camera, model_id, width, height = struct.unpack_from("<IiQQ", data, at)
        model = MODELS[model_id] if 0 <= model_id < len(MODELS) else f"number {model_id}"
        values = struct.unpack_from(f"<{PARAMETER_COUNT.get(model, 0)}d", data, at + 24)
        lenses[camera] = _lens(model, width, height, values)
        at += 24 + 8 * len(values)
    return lenses


def _read_images_binary(folder: Path) -> Iterator[Pose]:
    data = (folder / "images.bin").read_bytes()
    (count,), at = struct.unpack_from("<Q", data), 8
    for _ in range(count):
        _, *pose, camera = struct.unpack_from("<I7dI", data, at)
        end = data.index(b"\0", at + 64)
        (observations,) = struct.unpack_from("<Q", data, end + 1)
        yield data[at + 64 : end].decode("utf-8"), camera, tuple(pose[:4]), tuple(pose[4:])
        at = end + 9 + 24 * observations
    if at > len(data):
        raise ValueError("images.bin is cut off")


def _read_points_binary(folder: Path) -> Points | None:
    path = folder / "points3D.bin"
    if not path.is_file():
        return None
    data = path.read_bytes()
    (count,), at = struct.unpack_from("<Q", data), 8
    if count * 51 > len(data):
        raise ValueError("points3D.bin is cut off")
    xyz, rgb = np.empty((count, 3), np.float32), np.empty((count, 3), np.uint8)
    unpack = struct.Struct("<Q3d3BdQ").unpack_from
    for i in range(count):
        _, x, y, z, r, g, b, _, track = unpack(data, at)
        xyz[i], rgb[i] = (x, y, z), (r, g, b)
        at += 51 + 8 * track
    if at > len(data):
        raise ValueError("points3D.bin is cut off")
    return Points(xyz, rgb)


def _read_cameras_text(folder: Path) -> dict[int, Lens]:
    lenses = {}
    for line in _lines(folder / "cameras.txt"):
        camera, model, width, height, *values = line.split()
        lenses[int(camera)] = _lens(model, int(width), int(height), [float(value) for value in values])
    return lenses


def _read_images_text(folder: Path) -> Iterator[Pose]:
    # Two lines an image, the second one with its points, which may be empty.
    lines = [line for line in (folder / "images.txt").read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    for line in lines[::2]:
        if not line.strip():
            continue
        _, *numbers, name = line.strip().split(maxsplit=9)
        yield name, int(numbers[7]), tuple(map(float, numbers[:4])), tuple(map(float, numbers[4:7]))


def _read_points_text(folder: Path) -> Points | None:
    path = folder / "points3D.txt"
    if not path.is_file():
        return None
    rows = np.array([line.split(maxsplit=7)[1:7] for line in _lines(path)], dtype=np.float64).reshape(-1, 6)
    return Points(rows[:, :3].astype(np.float32), rows[:, 3:].astype(np.uint8))


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#")]


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
