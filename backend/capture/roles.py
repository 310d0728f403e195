"""What the files of a folder are: photos, masks, depth maps, previews, copies, videos and others.

Names tell, and folders: a word such as `depth` counts where the rest of the name is that of a picture, or where a folder is called so.
Whatever isn't used stands in `Contents.left_out` with its reason, so that it can be counted.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..formats import depth, endings, images
from ..reading import is_file, is_folder, walk
from .order import natural_key

PICTURE_FOLDERS = ("images", "input", "rgb", "color", "photos", "pictures", "imgs", "frames")
MASK_FOLDERS = (
    "mask",
    "masks",
    "dynamic_masks",
    "object_masks",
    "matte",
    "mattes",
    "alpha",
    "seg",
    "segmentation",
    "segmentations",
    "silhouettes",
)
DEPTH_FOLDERS = ("depth", "depths", "depth_map", "depth_maps", "depthmaps", "depth_images", "disparity", "disparities")
CONFIDENCE_FOLDERS = ("confidence", "confidences", "conf", "confidence_maps")
# Words that photos may also be sorted by; such a folder counts only where the same names lie elsewhere.
NORMAL_FOLDERS = ("normal", "normals", "normal_maps")
INFRARED_FOLDERS = ("ir", "infrared", "infra", "infra1", "infra2")
PREVIEW_FOLDERS = ("preview", "previews", "thumb", "thumbs", "thumbnail", "thumbnails")
WORDS = {
    "masks": "dynamic_mask|mask|msk|matte|alpha|seg|segmentation|silhouette",
    "depth maps": "depthcolorized|depth_colorized|aligned_depth|depthmap|depth|disparity|disp",
    "confidence maps": "confidence|conf",
    "normal maps": "normals|normal",
    "infrared pictures": "infrared|infra1|infra2|infra|ir",
    "previews": "thumbnail|thumb|preview",
}
PREFIX = {what: re.compile(rf"({words})(?:[_\-. ]+|(?=\d))(.+)") for what, words in WORDS.items()}
SUFFIX = {what: re.compile(rf"(.+?)[_\-. ]+({words})(?:[_\-. ]\d+)?") for what, words in WORDS.items()}
COLOR = re.compile(r"^(color|colour|rgb|image|img|frame)[_\-. ]*|[_\-. ](color|colour|rgb)$")
LONE_PREVIEWS = ("thumbnail", "thumb", "preview", "poster", "contact_sheet", "contactsheet")
COPY = re.compile(
    rf"(?P<sized>{'|'.join(PICTURE_FOLDERS)})_\d+|(?P<of>.+)_(small|low|half|resized|undistorted)|(corrected|resized|undistorted|small)_(?P<first>.+)"
)
MASKS, DEPTHS, CONFIDENCES, NORMALS, INFRARED, PREVIEWS = WORDS
COPIES, STRAY, LIVE, TWINS = (
    "copies in another size or form",
    "pictures beside the folder of photos",
    "films of Live Photos",
    "RAW and HEIC files beside their JPEGs",
)
VIDEOS, UNREAD, OTHERS = "videos", "pictures in a format that isn't read", "other files"
SAME_SHARE = 0.5  # of a folder's names that lie in another one, for it to hold copies
STRAY_SHARE = 0.1  # of the photos, up to which pictures beside their folder don't belong to them
MOST_FILES = 300_000  # that are looked at


@dataclass(frozen=True)
class Contents:
    """The files of a folder, sorted out; all in natural order."""

    root: Path
    photos: tuple[Path, ...] = ()  # what to use where no camera file says otherwise
    pictures: tuple[Path, ...] = ()  # photos, and what else a camera file may name: copies, previews, pictures beside the folder
    masks: tuple[Path, ...] = ()
    depths: tuple[Path, ...] = ()
    confidences: tuple[Path, ...] = ()
    videos: tuple[Path, ...] = ()
    unread: tuple[Path, ...] = ()  # RAW and others
    left_out: dict[str, tuple[Path, ...]] = field(default_factory=dict)  # reason -> files

    @property
    def photo_root(self) -> Path:
        """The folder that the photos' names count from: `images` where all lie in there."""
        for name in {path.relative_to(self.root).parts[0] for path in self.photos}:
            if _plain(name) in PICTURE_FOLDERS and all(path.is_relative_to(self.root / name) for path in self.photos):
                return self.root / name
        return self.root


def files_in(folder: Path) -> list[Path]:
    """All visible, regular files of a folder and its subfolders, in natural order; raises OSError where one of them can't be listed."""
    found: list[Path] = []
    for place, folders, names in walk(folder, strict=True):
        folders[:] = [name for name in folders if not endings.is_hidden(name)]
        found += [place / name for name in names if not endings.is_hidden(name)]
        if len(found) > MOST_FILES:
            break
    return sorted(found, key=lambda path: natural_key(path.relative_to(folder).as_posix()))


def sort_out(root: Path) -> Contents:
    """What the files of a folder are; raises OSError where it can't be listed."""
    files = files_in(root)
    unreadable = (*(() if images.reads_heif() else endings.HEIF), *(() if images.reads_raw() else endings.RAW))
    pictures = [path for path in files if endings.has(path, (*endings.PICTURES, *endings.RAW)) and not endings.has(path, unreadable)]
    stills = {(path.parent, path.stem.lower()) for path in files if endings.has(path, (*endings.PICTURES, *endings.RAW))}
    left: dict[str, list[Path]] = defaultdict(list)
    by_name = _by_folder_and_name(pictures, root)
    deep = _depth_by_content([path for path in pictures if path not in by_name])
    by_name |= {path: DEPTHS for path in pictures if path in deep}
    for path, what in by_name.items():
        left[what].append(path)
    plain = [path for path in pictures if path not in by_name]
    plain, left[TWINS] = _without_twins(plain)
    for find in (_copies, _previews, _stray):
        what, rest = find(plain, root)
        taken = set(rest)
        left[what] += rest
        plain = [path for path in plain if path not in taken]
    videos: list[Path] = []
    for path in files:
        if endings.has(path, endings.VIDEOS):
            (left[LIVE] if (path.parent, path.stem.lower()) in stills else videos).append(path)
    read = {(path.parent, path.stem.lower()) for path in pictures}
    unread = [path for path in files if endings.has(path, (*unreadable, *endings.UNREAD_PICTURES, *endings.UNREAD_VIDEOS))]
    left[TWINS] += [path for path in unread if (path.parent, path.stem.lower()) in read]
    unread = [path for path in unread if (path.parent, path.stem.lower()) not in read]
    left[DEPTHS] += [path for path in files if endings.has(path, endings.DEPTH)]
    known = {*pictures, *videos, *unread, *left[TWINS], *left[LIVE], *left[DEPTHS]}
    left[OTHERS] = [path for path in files if path not in known]
    return Contents(
        root=root,
        photos=tuple(plain),
        pictures=tuple(path for path in pictures if path not in by_name or by_name[path] == PREVIEWS),
        masks=tuple(left.pop(MASKS, ())),
        depths=tuple(left.pop(DEPTHS, ())),
        confidences=tuple(left.pop(CONFIDENCES, ())),
        videos=tuple(videos),
        unread=tuple(unread),
        left_out={what: tuple(rest) for what, rest in left.items() if rest},
    )


def masks_beside(folder: Path) -> list[Path]:
    """The pictures in folders of masks that lie beside a folder."""
    places = [entry for entry in folder.parent.iterdir() if is_folder(entry) and entry != folder and _plain(entry.name) in MASK_FOLDERS]
    return [path for place in places for path in files_in(place) if endings.has(path, endings.PICTURES)]


def masks_in(folder: Path, photos: Sequence[Path]) -> list[Path]:
    """The masks of some photos of a folder: beside them by their names, and in its own folder of masks."""
    visible = (path for path in folder.iterdir() if not endings.is_hidden(path.name))
    beside = [path for path in visible if endings.has(path, endings.PICTURES) and is_file(path)]
    stems = {photo.stem.lower() for photo in photos}
    named = [path for path in beside if (found := decoration(path.stem)) is not None and found[0] == MASKS and found[2] in stems]
    return [*named, *masks_beside(folder / "itself")]


def decoration(stem: str) -> tuple[str, str, str] | None:
    """What a name says that a picture is, the word for it, and the rest of the name: "0.depth" is ("depth maps", "depth", "0")."""
    lower = _without_ending(stem.lower())
    for what in WORDS:
        if match := PREFIX[what].fullmatch(lower):
            return what, match[1], _without_ending(match[2])
        if match := SUFFIX[what].fullmatch(lower):
            return what, match[2], _without_ending(match[1])
    return None


def without_color_word(stem: str) -> str:
    """color_000001 and rgb_000001 are the pictures of depth_000001."""
    return COLOR.sub("", stem.lower())


def mask_tail(path: Path, root: Path) -> Path | None:
    """A path as it stands to its folder of masks: masks/left/a.png -> left/a.png; None where it lies in none."""
    parts = path.relative_to(root).parts
    for number, part in enumerate(parts[:-1]):
        if _plain(part) in MASK_FOLDERS:
            return Path(*parts[:number], *parts[number + 1 :])
    return None


def _without_ending(name: str) -> str:
    """IMG.jpg.mask.png is the mask of IMG.jpg."""
    return name.rpartition(".")[0] if endings.has(Path(name), endings.PICTURES) else name


def _plain(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.lower())


def _by_folder_and_name(pictures: Sequence[Path], root: Path) -> dict[Path, str]:
    """The pictures that aren't photos, by what their folder or their name says."""
    decorated = {path: found for path in pictures if (found := decoration(path.stem)) is not None}
    bare = {key for path in pictures if path not in decorated for key in (path.stem.lower(), without_color_word(path.stem))}
    folders_of: dict[str, set[Path]] = defaultdict(set)
    for path in pictures:
        folders_of[path.stem.lower()].add(path.parent)
    out = {}
    for path in pictures:
        what = _by_folder(path.relative_to(root).parts[:-1])
        if what in (NORMALS, INFRARED, PREVIEWS) and len(folders_of[path.stem.lower()]) == 1:
            what = ""
        if not what and path in decorated and decorated[path][2] in bare:
            what = decorated[path][0]
        if what:
            out[path] = what
    return out


def _by_folder(folders: Sequence[str]) -> str:
    kinds = (
        (MASK_FOLDERS, MASKS),
        (DEPTH_FOLDERS, DEPTHS),
        (CONFIDENCE_FOLDERS, CONFIDENCES),
        (NORMAL_FOLDERS, NORMALS),
        (INFRARED_FOLDERS, INFRARED),
        (PREVIEW_FOLDERS, PREVIEWS),
    )
    plain = {_plain(name) for name in folders}
    return next((what for names, what in kinds if plain & set(names)), "")


def _depth_by_content(pictures: Sequence[Path]) -> set[Path]:
    """EXR files without colors, and one-channel pictures of 16 or 32 bits whose name a picture in color has, too."""
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for path in pictures:
        by_stem[without_color_word(path.stem)].append(path)
    suspects = [
        path for path in pictures if path.suffix.lower() in (".png", ".tif", ".tiff") and len(by_stem[without_color_word(path.stem)]) > 1
    ]
    deep = {path for path in suspects if depth.is_deep_gray(path)}
    maps = {path for path in deep if any(other not in deep for other in by_stem[without_color_word(path.stem)])}
    return maps | {path for path in pictures if path.suffix.lower() == ".exr" and not depth.has_colors(path)}


def _without_twins(pictures: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """RAW and HEIC files lie beside the JPEGs that were made of them."""
    twins: set[Path] = set()
    for first in (endings.HEIF, endings.RAW):
        others = {(path.parent, path.stem.lower()) for path in pictures if not endings.has(path, (*first, *endings.RAW))}
        twins |= {path for path in pictures if endings.has(path, first) and (path.parent, path.stem.lower()) in others}
    return [path for path in pictures if path not in twins], [path for path in pictures if path in twins]


def _copies(pictures: Sequence[Path], root: Path) -> tuple[str, list[Path]]:
    """Pictures in folders that hold those of another folder once more: images_2 beside images, dense/0/images beside images."""
    stems: dict[Path, set[str]] = defaultdict(set)
    for path in pictures:
        stems[path.parent].add(path.stem.lower())
    copies = {folder for folder in stems if any(_repeats(folder, other, stems, root) for other in stems if other != folder)}
    return COPIES, [path for path in pictures if path.parent in copies]


def _repeats(folder: Path, other: Path, stems: dict[Path, set[str]], root: Path) -> bool:
    mine, theirs = (tuple(map(_plain, place.relative_to(root).parts)) for place in (folder, other))
    if len(stems[folder] & stems[other]) < SAME_SHARE * len(stems[folder]):
        return False
    derived = tuple(_without_derived(mine))
    if derived != mine and derived == theirs:
        return True
    return mine[:-1] == theirs[:-1] and mine[-1:] == ("images",) and theirs[-1:] == ("input",)  # 3DGS's convert.py: undistorted


def _without_derived(parts: Sequence[str]) -> Iterable[str]:
    inside_dense = False
    for part in parts:
        if part in ("dense", "undistorted") or (inside_dense and part.isdecimal()):
            inside_dense = True
            continue
        match = COPY.fullmatch(part)
        yield (match["sized"] or match["of"] or match["first"]) if match else part


def _previews(pictures: Sequence[Path], root: Path) -> tuple[str, list[Path]]:
    found = [path for path in pictures if _plain(path.stem) in LONE_PREVIEWS]
    return PREVIEWS, found if len(pictures) - len(found) >= 3 else []


def _stray(pictures: Sequence[Path], root: Path) -> tuple[str, list[Path]]:
    """The few pictures beside a folder that is called as folders of photos are."""
    inside: dict[str, int] = defaultdict(int)
    for path in pictures:
        first, *deeper = path.relative_to(root).parts
        if deeper and _plain(first) in PICTURE_FOLDERS:
            inside[first] += 1
    if not inside:
        return STRAY, []
    within = max(inside, key=lambda name: inside[name])
    beside = [path for path in pictures if not path.is_relative_to(root / within)]
    few = len(beside) <= max(2, STRAY_SHARE * inside[within])
    return STRAY, beside if few and inside[within] >= 3 else []
