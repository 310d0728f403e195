"""What the user hands in - folders, picture files, a video, a COLMAP model, a transforms.json - to a Capture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import ReifyError
from ..jobs.job import Job
from ..settings import option
from ..values import Capture, Photo, Photos
from . import listing

FEWEST_PHOTOS = 3
FEWEST_TO_HOLD_OUT = 8
KINDS = "JPEG, PNG, TIFF, WebP or EXR"


@dataclass(frozen=True)
class CaptureSettings:
    """How the input is read."""

    use_given_cameras: bool = option(True, "Use the cameras that come with the photos instead of finding them again")
    masks: str = option(
        "auto",
        "What transparent pixels and masks beside the photos are used for",
        choices={
            "auto": "Masks beside the photos cut out the subject, those that a transforms.json names hide what is to be ignored",
            "subject": "What is transparent, or black in a mask, is empty space around the subject",
            "ignore": "What is black in a mask is left out of the comparison with the photos",
            "off": "Transparency and masks are not used",
        },
    )
    video_frames: int = option(80, "Number of sharp frames that are picked from a video", low=3, high=2000)
    hold_out: int = option(
        8, "Keep every n-th photo back to measure the quality, 0 uses all photos for the result", low=0, high=1000, advanced=True
    )


def read_photos(photos: Photos, settings: CaptureSettings, *, job: Job) -> Capture:
    """The photos of all sources with what is known of them, cameras included where exactly one source brings them.

    Pictures that can't be read are skipped with a warning. Raises ReifyError where a source doesn't exist or can't be read, and
    where fewer than three different photos are left.
    """
    reader = _Reader(settings, job)
    try:
        capture = reader.read_all(photos.sources)
    except PermissionError as error:
        raise ReifyError(
            f"There is no permission to read {error.filename}.", "Change its permissions, or copy the photos elsewhere."
        ) from error
    name = photos.name or (_name_of(photos.sources[0]) if photos.sources else "")
    if len(capture.photos) < FEWEST_PHOTOS:
        raise _too_few(len(capture.photos), reader.warnings)
    if capture.cameras is None:
        frames, ordered = (capture.photos, True) if capture.ordered else listing.number_frames(capture.photos, name)
        capture = replace(capture, photos=frames, ordered=ordered)
    job.metric("photos", len(capture.photos))
    test = capture.test or _held_out(len(capture.photos), settings.hold_out)
    return replace(capture, name=name, test=test, warnings=tuple(reader.warnings))


class _Reader:
    """Reads sources for one job and gathers the warnings."""

    def __init__(self, settings: CaptureSettings, job: Job) -> None:
        self.settings = settings
        self.job = job
        self.warnings: list[str] = []
        black_is_empty = {"auto": None, "subject": True, "ignore": False, "off": None}[settings.masks]
        self.masks = listing.Masks(settings.masks != "off", black_is_empty)

    def warn(self, text: str) -> None:
        self.warnings.append(text)
        self.job.warn(text)

    def progress(self, fraction: float, text: str) -> None:
        self.job.progress(fraction, text)

    def read_all(self, sources: Sequence[Path]) -> Capture:
        sources = [source.expanduser().absolute() for source in sources]
        pictures = [path for path in sources if path.is_file() and listing.is_picture(path)]
        parts = [self.read_files(pictures)] if pictures else []
        others = [source for source in sources if source not in pictures]
        return self.join([*parts, *(self.read(source, i) for i, source in enumerate(others))])

    def read(self, source: Path, number: int) -> Capture:
        from . import posed, video

        if not source.exists():
            raise ReifyError(f"{source} doesn't exist.", "Check the path.")
        read_cameras = posed.find(source) if source.is_dir() else posed.find_file(source)
        if read_cameras is not None:
            root = source if source.is_dir() else source.parent
            capture = posed.to_capture(read_cameras(), "", root, self.masks, self.progress, self.warn)
            return capture if self.settings.use_given_cameras else posed.without_cameras(capture)
        if source.is_dir():
            return self.read_folder(source, number)
        if listing.is_video(source):
            folder = self.job.folder / f"frames-{number}"
            frames = video.pick_frames(source, folder, self.settings.video_frames, self.progress)
            self.job.choose("frames", f"{len(frames)} sharp frames of {source.name}")
            return Capture("", tuple(frames), ordered=True)
        raise ReifyError(f"{source.name} is no picture, video or camera file that Reify knows.", f"Choose a folder of {KINDS} photos.")

    def read_folder(self, folder: Path, number: int) -> Capture:
        root = listing.picture_folder(folder)
        files = listing.files_in(root)
        pictures = listing.without_masks([path for path in files if listing.is_picture(path)], root)
        if unreadable := [path for path in files if path.suffix.lower() in listing.UNREADABLE_SUFFIXES]:
            self.warn(f"Skipped: {len(unreadable)} files such as {unreadable[0].name}, a format that isn't read. Convert them to JPEG.")
        if pictures:
            return self.read_files(pictures, root)
        videos = [path for path in files if listing.is_video(path)]
        if not videos:
            raise ReifyError(f"There are no photos in {folder}.", f"Choose a folder that holds {KINDS} photos, or a video.")
        return self.join([self.read(path, 100 * number + i) for i, path in enumerate(videos)])

    def read_files(self, paths: Sequence[Path], root: Path | None = None) -> Capture:
        root = root or _common_folder(paths)
        different = listing.distinct(paths, self.progress, self.warn)
        return Capture("", tuple(listing.photos_of(different, root, self.masks, self.progress, self.warn)))

    def join(self, parts: Sequence[Capture]) -> Capture:
        if not parts:
            raise ReifyError("No photos were given.", f"Choose a folder of {KINDS} photos.")
        if len(parts) == 1:
            return parts[0]
        if any(part.cameras is not None for part in parts):
            self.warn("The given cameras aren't used: they stand in worlds of their own, and there are several sources.")
        photos = [photo for part in parts for photo in part.photos]
        return Capture("", tuple(_with_unique_names(photos)))


def _with_unique_names(photos: Sequence[Photo]) -> list[Photo]:
    names: set[str] = set()
    renamed = []
    for photo in photos:
        name, number = photo.name, 2
        while name in names:
            name, number = f"{number}/{photo.name}", number + 1
        names.add(name)
        renamed.append(replace(photo, name=name, frame=None))
    return renamed


def _common_folder(paths: Sequence[Path]) -> Path:
    common = paths[0].parent
    while not all(path.is_relative_to(common) for path in paths):
        common = common.parent
    return common


def _held_out(count: int, every: int) -> tuple[int, ...]:
    if every < 2 or count < FEWEST_TO_HOLD_OUT:
        return ()
    return tuple(range(every // 2, count, every))


def _name_of(source: Path) -> str:
    place = source.expanduser().absolute()
    generic = (*listing.PICTURE_FOLDERS, "sparse", "0", "colmap", "transforms")
    if listing.is_picture(place):
        place = place.parent
    while (place.stem if place.is_file() else place.name).lower() in generic and place != place.parent:
        place = place.parent
    return (place.stem if place.is_file() else place.name) or "photos"


def _too_few(count: int, warnings: Sequence[str]) -> ReifyError:
    reason = f" {warnings[-1]}" if warnings else ""
    usable = ["No photo", "Only one photo", "Only two photos"][count]
    what = f"{usable} can be used, and at least {FEWEST_PHOTOS} different ones are needed.{reason}"
    return ReifyError(what, "Take photos from many sides: 20 to 100 give good results.")
