"""Posed pictures: what a camera file of any program says, and the pictures on this disk that it says it of.

A reader turns its file into `Described`: shots as the file names them. `resolve` looks the pictures up and leaves out what is damaged:
one bad frame, an odd lens or a missing picture never costs the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..geometry import quaternions
from ..values import Array, Cameras, Points
from . import endings, images
from .names import Finder, Located, examples
from .text import printable

LARGEST_SIDE_PX = 1_000_000
DAMAGED = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError)  # what an entry of any wrong form raises
WIDEST_DEG = 160.0  # of a perspective camera; beyond that a focal length isn't in pixels


@dataclass(frozen=True, eq=False)
class Lens:
    """How one camera projects, in the terms of `Cameras`."""

    K: Array  # [3,3]
    size_px: tuple[int, int]  # width and height
    distortion: Array  # [8]
    fisheye: bool
    panorama: bool = False  # equirectangular, all around; K, distortion and `fisheye` say nothing then


@dataclass(frozen=True, eq=False)
class Shot:
    """One picture as a camera file describes it."""

    name: str  # of the picture
    cam_from_world: Array  # [4,4], OpenCV axes, in a Z-up world
    lens: Lens | Callable[[int, int], Lens]  # or what makes it from the picture's width and height; raises ValueError with the reason
    mask: str = ""  # name of the picture that is black where this one isn't to be looked at
    depth: str = ""  # name of the depth map
    split: str = ""  # "train", "test", or "" where the file doesn't say


@dataclass(frozen=True, eq=False)
class Described:
    """What a camera file says, before its pictures are looked up."""

    title: str  # for the user, inside a sentence: "the COLMAP model in sparse/0"
    path: Path  # file or folder
    shots: tuple[Shot, ...]
    problems: tuple[str, ...] = ()  # what in the file was damaged and left out
    notes: tuple[str, ...] = ()  # what else a user should know, a sentence each
    points: Callable[[], Points | None] = lambda: None  # sparse points, positions in double precision; raises ReifyError
    folders: tuple[Path, ...] = ()  # that the pictures' names may count from, the likeliest first
    metric: bool = False  # the unit is the meter
    depth_unit: float = 0.001  # of integer depth maps, in the file's unit of length
    video: Path | None = None  # shots are frames of it, and their names the frames' numbers


@dataclass(frozen=True, eq=False)
class Posed:
    """Pictures with their cameras in a Z-up world; picture i belongs to camera i. Sizes are as the file has them, before EXIF."""

    images: tuple[Path, ...]  # all of them exist
    names: tuple[str, ...]  # as the file calls them, or where they were found
    cameras: Cameras
    panoramas: tuple[bool, ...] = ()
    masks: tuple[Path | None, ...] = ()
    depths: tuple[Path | None, ...] = ()
    depth_unit: float = 0.001
    test: tuple[int, ...] | None = None  # None where the file has no split
    points: Points | None = None  # positions in double precision
    missing: tuple[str, ...] = ()  # pictures that the file names and that don't exist
    similar: tuple[str, ...] = ()  # pictures that were found by another name than the file's
    notes: tuple[str, ...] = ()  # what was left out, and why: a sentence each
    metric: bool = False


@dataclass(frozen=True)
class Finders:
    """Where the files are looked up that a camera file names."""

    pictures: Finder
    masks: Finder = field(default_factory=lambda: Finder(()))
    depths: Finder = field(default_factory=lambda: Finder(()))

    @staticmethod
    def below(root: Path, folders: Sequence[Path] = ()) -> Finders:
        """All pictures and depth maps in a folder and its subfolders."""
        visible = (path for path in sorted(root.rglob("*")) if not any(map(endings.is_hidden, path.relative_to(root).parts)))
        files = [path for path in visible if path.is_file()]
        pictures = [path for path in files if endings.has(path, endings.PICTURES)]
        maps = [path for path in files if endings.has(path, (*endings.PICTURES, *endings.DEPTH))]
        return Finders(*(Finder(found, folders, within=[root]) for found in (pictures, pictures, maps)))


def resolve(described: Described, finders: Finders) -> Posed:
    """The shots whose pictures exist and whose numbers are sound; raises ReifyError with the first reason where there are none."""
    located = finders.pictures.find([shot.name for shot in described.shots])
    notes = [*described.notes, *located.notes()]
    if described.shots and len(located.outside) == len(described.shots):
        what = f"The pictures that {described.title} names lie outside of its folder; {located.outside[0]} is the first."
        raise ReifyError(what, "Choose the folder with the pictures, too, or switch Outside Paths on.")
    if described.shots and not located.count:
        first = [*located.missing, *located.unclear][0]
        what = f"None of the {len(described.shots)} pictures that {described.title} names exists; {first} is the first."
        raise ReifyError(what, "Choose the folder with the pictures, too.")
    problems = list(described.problems)
    kept: list[tuple[Shot, Path, Lens]] = []
    for shot, path in zip(described.shots, located.paths, strict=True):
        if path is None:
            continue
        try:
            kept.append((shot, path, _sound(shot, path)))
        except DAMAGED as error:
            problems.append(f"{printable(shot.name)}: {error}")
    kept, odd = _of_one_kind(kept)
    problems += odd
    if not kept:
        reason = problems[0] if problems else "it has no pictures"
        raise ReifyError(f"{capital(described.title)} is damaged: {reason}.", "Export it again.")
    if problems:
        notes.append(f"Skipped: {len(problems)} damaged pictures of {described.title} ({examples(problems)}).")
    points, problem = _points_of(described)
    photos = {path for _, path, _ in kept}
    masks, depths = (_find_others([getattr(shot, kind) for shot, _, _ in kept], finder, photos) for kind, finder in _others(finders))
    notes += [*problem, *_notes_on("mask", masks), *_notes_on("depth", depths)]
    splits = [shot.split for shot, _, _ in kept]
    return Posed(
        images=tuple(path for _, path, _ in kept),
        names=_unique([_name_of(path, described, finders) for _, path, _ in kept]),
        cameras=_cameras_of(kept),
        panoramas=tuple(lens.panorama for _, _, lens in kept),
        masks=masks.paths,
        depths=depths.paths,
        depth_unit=described.depth_unit,
        test=tuple(i for i, split in enumerate(splits) if split == "test") if "test" in splits else None,
        points=points,
        missing=located.missing,
        similar=located.similar,
        notes=tuple(notes),
        metric=described.metric,
    )


def capital(text: str) -> str:
    """The text as a sentence begins."""
    return text[:1].upper() + text[1:]


def counted(count: int, what: str) -> str:
    """A number of things: "1 photo", "2 photos"."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def pinhole_matrix(fx: float, fy: float, cx: float, cy: float) -> Array:
    """K [3,3]."""
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


def perspective(fx: float, fy: float, cx: float, cy: float, size_px: tuple[int, int], distortion: Sequence[float] = ()) -> Lens:
    """A lens with OpenCV's coefficients, as many as are given."""
    return Lens(pinhole_matrix(fx, fy, cx, cy), size_px, np.array([*distortion, *[0.0] * (8 - len(distortion))]), False)


def quat_pose(xyzw: Sequence[float], place: Sequence[float]) -> Array:
    """A pose [3,4] from a quaternion x y z w and a position; raises ValueError where that is none."""
    x, y, z, w = xyzw
    if not np.isfinite([*xyzw, *place]).all() or not any(xyzw):
        raise ValueError("it has no proper pose")
    return np.column_stack([quaternions.to_matrices(np.array([[w, x, y, z]], np.float64))[0], np.asarray(place, np.float64)])


def cam_from_world_of(pose: Array) -> Array:
    """The inverse of a camera's pose [3,4] or [4,4] (world_from_cam, OpenCV axes), made rigid.

    Raises ValueError where the numbers aren't those of a pose.
    """
    pose = np.asarray(pose, dtype=np.float64)
    if pose.shape not in ((3, 4), (4, 4)) or not np.isfinite(pose).all():
        raise ValueError("it has no proper pose")
    u, sizes, vt = np.linalg.svd(pose[:3, :3])
    if sizes[2] < 1e-9 * sizes[0] or sizes[0] == 0 or np.linalg.det(u @ vt) < 0:
        raise ValueError("its pose is flat or mirrored")
    out = np.eye(4)
    out[:3, :3] = (u @ vt).T
    out[:3, 3] = -out[:3, :3] @ pose[:3, 3]
    return out


def _others(finders: Finders) -> tuple[tuple[str, Finder], ...]:
    return ("mask", finders.masks), ("depth", finders.depths)


def _sound(shot: Shot, path: Path) -> Lens:
    if not np.isfinite(shot.cam_from_world).all():
        raise ValueError("it has no proper pose")
    lens = shot.lens(*_stored_size(path)) if callable(shot.lens) else shot.lens
    if not all(0 < side < LARGEST_SIDE_PX for side in lens.size_px):
        raise ValueError("it has no proper size")
    if lens.panorama:
        return lens
    focal = lens.K[[0, 1], [0, 1]]
    if not (np.isfinite(lens.K).all() and np.isfinite(lens.distortion).all() and (focal > 0).all()):
        raise ValueError("it has no proper focal length")
    width_deg = float(np.degrees(2 * np.arctan(lens.size_px[0] / (2 * focal[0]))))
    if not lens.fisheye and width_deg > WIDEST_DEG:
        raise ValueError(f"its field of view of {width_deg:.0f} degrees is too wide (is the focal length in pixels?)")
    return lens


def _stored_size(path: Path) -> tuple[int, int]:
    try:
        if path.suffix.lower() == ".exr":
            info = images.probe(path)
            return info.width, info.height
        with images.open_image(path) as header:
            return header.size
    except ReifyError as error:
        raise ValueError(error.what) from None


def _of_one_kind(kept: list[tuple[Shot, Path, Lens]]) -> tuple[list[tuple[Shot, Path, Lens]], list[str]]:
    """The shots with the lenses that most have, perspective or fisheye; `Cameras` holds only one kind."""
    kinds = Counter(lens.fisheye for _, _, lens in kept)
    fisheye = max(kinds, key=lambda kind: (kinds[kind], not kind), default=False)
    word = "perspective" if fisheye else "fisheye"
    problems = [f"{printable(shot.name)}: its lens is {word}, and most aren't" for shot, _, lens in kept if lens.fisheye != fisheye]
    return [entry for entry in kept if entry[2].fisheye == fisheye], problems


def _cameras_of(kept: Sequence[tuple[Shot, Path, Lens]]) -> Cameras:
    return Cameras(
        cam_from_world=np.array([shot.cam_from_world for shot, _, _ in kept], dtype=np.float64).reshape(-1, 4, 4),
        K=np.array([lens.K for _, _, lens in kept], dtype=np.float64).reshape(-1, 3, 3),
        size_px=np.array([lens.size_px for _, _, lens in kept], dtype=np.int64).reshape(-1, 2),
        distortion=np.array([lens.distortion for _, _, lens in kept], dtype=np.float64).reshape(-1, 8),
        fisheye=bool(kept and kept[0][2].fisheye),
    )


def _points_of(described: Described) -> tuple[Points | None, list[str]]:
    try:
        points = described.points()
    except ReifyError as error:
        return None, [f"The sparse points of {described.title} aren't used: {error.what}"]
    if points is None or np.isfinite(points.xyz).all():
        return points, []
    sound = np.isfinite(points.xyz).all(axis=1)
    rgb, normals = (None if plane is None else plane[sound] for plane in (points.rgb, points.normals))
    return Points(points.xyz[sound], rgb, normals), [f"Skipped: {np.count_nonzero(~sound)} sparse points without a position."]


def _find_others(names: Sequence[str], finder: Finder, photos: set[Path]) -> Located:
    """Masks or depth maps; a photo of the same name isn't one."""
    named = [name for name in names if name]
    located = finder.find(named)
    sound = [None if path in photos else path for path in located.paths]
    mistaken = [name for name, path, kept in zip(named, located.paths, sound, strict=True) if path is not None and kept is None]
    found = iter(sound)
    return Located(tuple(next(found) if name else None for name in names), (*located.missing, *mistaken), located.unclear)


def _notes_on(what: str, located: Located) -> Iterable[str]:
    lost = (*located.missing, *located.unclear)
    if lost:
        there = located.count
        yield f"The cameras' file names {len(lost) + there} {what} pictures, and {there or 'none'} of them can be used ({examples(lost)})."


def _name_of(path: Path, described: Described, finders: Finders) -> str:
    """How the picture is called in the capture: relative to the first folder that it lies in."""
    for folder in (*described.folders, *finders.pictures.folders):
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return path.name


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{seen[name]}/{name}")
    return tuple(unique)
