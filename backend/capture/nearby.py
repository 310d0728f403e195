"""Camera files in and around what the user chose: in the folder and below, beside it where it holds only pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ReifyError
from ..formats import endings
from ..formats.cameras import CameraFile, camera_file_at, camera_files_in
from ..formats.names import Finder, Located
from ..formats.posed import Described, Finders
from ..reading import is_file, is_folder
from .roles import DEPTH_FOLDERS, MASK_FOLDERS, PICTURE_FOLDERS, Contents
from .used import used_files

DEEPEST = 4  # folders below the chosen one: d/scan/dense/0/sparse
MOST_BESIDE = 64  # folders beside the chosen one that are looked into
MOST_BELOW = 2000
# What folders of camera models are called; above them lies the capture that they are of.
MODEL_FOLDERS = (
    "sparse", "colmap", "dense", "distorted", "undistorted", "model", "models", "cameras", "poses", "reconstruction", "text", "txt", "bin",
    "keyframes", "corrected_cameras", "aligned", "geo", "colmap_text",
)  # fmt: skip
NEARLY = 0.8  # of the most pictures: a nearer camera file with as many is preferred
BESIDE = 10  # added to the distance of what doesn't lie in the chosen folder


@dataclass(frozen=True)
class Candidate:
    """A camera file that is there, and how many pictures it knows."""

    described: Described
    distance: int  # folders between it and the chosen one
    located: Located

    @property
    def count(self) -> int:
        """Pictures that it gives a camera to; frames, where its pictures are in a video."""
        return len(self.described.shots) if self.described.video is not None else self.located.count


def camera_files(chosen: Path, below_only: bool = False) -> Iterator[tuple[CameraFile, int]]:
    """Camera files in and around a folder, each with its distance; folders that can't be listed are passed over."""
    seen: set[Path] = set()
    for folder, distance in _folders(chosen, below_only):
        try:
            found = camera_files_in(folder)
        except OSError:
            continue
        for camera_file in found:
            if camera_file.path not in seen:
                seen.add(camera_file.path)
                yield camera_file, distance


def given_file(path: Path) -> CameraFile | None:
    """The camera file that a source is, None where it is none."""
    try:
        return camera_file_at(path)
    except OSError:
        return None


def capture_root(path: Path) -> Path:
    """The folder of the capture that a camera file belongs to: above `sparse/0`, `model` and the like."""
    folder = path if path.is_dir() else path.parent
    while folder.name.isdecimal() or folder.name.lower() in MODEL_FOLDERS:
        if folder.parent == folder:
            break
        folder = folder.parent
    return folder


def examine(
    found: Sequence[tuple[CameraFile, int]], finders_for: Callable[[Described], Finders], problem: Callable[[str], None]
) -> list[Candidate]:
    """What the camera files know of the pictures, the best first; those that can't be read are told to `problem`."""
    candidates = []
    for camera_file, distance in found:
        try:
            described = camera_file.format.describe(camera_file.path)
        except ReifyError as error:
            if distance < BESIDE:  # what lies beside the chosen folder may have nothing to do with it
                problem(error.what)
            continue
        names = [] if described.video is not None else [shot.name for shot in described.shots]
        candidates.append(Candidate(described, distance, finders_for(described).pictures.find(names)))
    most = max((candidate.count for candidate in candidates), default=0)

    # Of equals the one wins that calls the pictures by their names, then the first format.
    def merit(one: Candidate) -> tuple[bool, int, int, int]:
        return one.count < NEARLY * most or one.count == 0, one.distance, -one.count, len(one.located.similar)

    return sorted(candidates, key=merit)


def recording_of(video: Path) -> CameraFile | None:
    """The camera file beside a video that has the poses of its frames; None where there is none."""
    for found in camera_files_in(video.parent):
        try:
            if found.format.describe(found.path).video == video:
                return found
        except ReifyError:
            continue
    return None


def finders(contents: Sequence[Contents], described: Described, outside: bool = False) -> Finders:
    """Where a camera file's names are looked up: pictures, masks and depth maps of the chosen folders.

    Absolute names are followed in these and in the capture that the camera file belongs to, and with `outside` on the whole machine.
    """
    roots = [part.root for part in contents]
    folders = [*described.folders, *(root / name for root in roots for name in ("", *PICTURE_FOLDERS))]
    allowed = [folder for folder in folders if any(folder.is_relative_to(root) for root in roots)]
    pictures = [path for part in contents for path in part.pictures]
    masks = [path for part in contents for path in part.masks]
    depths = [path for part in contents for path in part.depths]
    others = [described.path.parent, *roots]
    within = [*roots, capture_root(described.path)]
    return Finders(
        Finder(pictures, allowed, within, outside),
        Finder([*masks, *pictures], others, within, outside),
        Finder(depths, [*others, *(root / name for root in roots for name in DEPTH_FOLDERS)], within, outside),
    )


def _folders(chosen: Path, below_only: bool) -> Iterator[tuple[Path, int]]:
    yield from _below(chosen, 0)
    if below_only or chosen.parent == chosen:
        return
    yield chosen.parent, BESIDE
    beside = sorted(entry for entry in _folders_in(chosen.parent) if entry != chosen)
    for folder in [entry for entry in beside if entry.name.lower() in MODEL_FOLDERS]:
        yield from _below(folder, BESIDE + 1)
    for folder in [entry for entry in beside if entry.name.lower() not in MODEL_FOLDERS][:MOST_BESIDE]:
        if not _holds_pictures(folder):  # else it is another capture, and its cameras are of its own pictures
            yield folder, BESIDE + 2
    if chosen.name.lower() in PICTURE_FOLDERS or chosen.parent.name.lower() in MODEL_FOLDERS:
        yield chosen.parent.parent, 2 * BESIDE


def _below(folder: Path, distance: int) -> Iterator[tuple[Path, int]]:
    """The folder and those below it, level by level, so that the nearest come first."""
    level, count = [folder], 0
    seen: set[str] = set()  # a link may lead up again
    for depth in range(DEEPEST + 1):
        following: list[Path] = []
        for place in level:
            if (real := os.path.realpath(place)) in seen:
                continue
            seen.add(real)
            yield place, distance + depth
            count += 1
            if count > MOST_BELOW:
                return
            following += sorted(_folders_in(place))
        level = following


def _folders_in(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if entry.is_dir() and not endings.is_hidden(entry.name)]
    except OSError:
        return []


def _holds_pictures(folder: Path) -> bool:
    media = (*endings.PICTURES, *endings.VIDEOS, *endings.RAW)
    for number, (_, _, names) in enumerate(os.walk(folder)):
        if number > MOST_BESIDE or any(endings.has(Path(name), media) for name in names):
            return True
    return False


def surroundings(sources: Sequence[Path], check: Callable[[], None] = lambda: None) -> tuple[str, ...]:
    """Size and time of what is read beside the sources themselves, so that a change there is noticed; `check` may raise meanwhile."""
    files: set[Path] = set()
    for source in sources:
        around = source.parent
        if is_file(source) and given_file(source) is not None:
            around = capture_root(source)
            files |= set(used_files(around, check))
        elif is_folder(source):
            root = capture_root(source)
            files |= set(used_files(root, check)) if root != source else set()
            beside = (folder for folder in _folders_in(around) if folder.name.lower() in (*MODEL_FOLDERS, *MASK_FOLDERS))
            files |= {path for folder in beside for path in used_files(folder, check)}
        files |= {path for path in around.glob("*") if endings.has(path, endings.CAMERAS) and is_file(path)}
    stats = ((path, path.stat()) for path in sorted(files))
    return tuple(f"{path} {stat.st_size} {stat.st_mtime_ns}" for path, stat in stats)
