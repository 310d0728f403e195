"""What the user hands in - folders, picture files, videos, camera files of any program - to a Capture."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import ReifyError
from ..formats import endings, sniff
from ..formats.cameras import CameraFile
from ..formats.names import Finder, examples
from ..formats.posed import Described, Finders, Posed, capital, counted, resolve
from ..jobs.job import Job
from ..reading import exists, is_file, is_folder, is_locked
from ..settings import option
from ..values import Capture, Photo, Photos
from . import depth, listing, masks, nearby, panorama, quality, roles
from .account import KINDS, Account, nothing_in
from .nearby import Candidate
from .posed import to_capture, without_cameras
from .readable import taken
from .roles import Contents

FEWEST_PHOTOS = 3
FEWEST_TO_HOLD_OUT = 8
# Names that say nothing of what was photographed.
GENERIC = (
    *roles.PICTURE_FOLDERS,
    *nearby.MODEL_FOLDERS,
    "transforms",
    "transforms_train",
    "metadata",
    "odometry",
    "images",
    "points3d",
    "bundle",
)


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
            "learned": "As auto; photos without a mask get one from a pretrained network; needs torch and the weights of ISNet",
            "ignore": "What is black in a mask is left out of the comparison with the photos",
            "off": "Transparency and masks are not used",
        },
    )
    video_frames: int = option(80, "Number of sharp frames that are picked from a video", low=3, high=2000)
    weak_photos: str = option(
        "keep",
        "What becomes of photos that are blurred, too dark or bright, or copies of others, measured against the rest of the capture",
        choices={"keep": "They are used, and named in the report", "leave_out": "They are left out"},
    )
    outside_paths: bool = option(
        False, "Also use pictures anywhere on this computer that a camera file names by their whole path", advanced=True
    )
    hold_out: int = option(
        8, "Keep every n-th photo back to measure the quality, 0 uses all photos for the result", low=0, high=1000, advanced=True
    )


def read_photos(photos: Photos, settings: CaptureSettings, *, job: Job) -> Capture:
    """The photos of all sources with what is known of them, cameras included where they lie in, beside or among the sources.

    Panoramas come as perspective views. Pictures that can't be read are skipped with a warning, and whatever isn't used is counted in the
    report. Raises ReifyError where a source doesn't exist or can't be read, and where fewer than three different photos are left.
    """
    reader = _Reader(settings, job)
    try:
        with job.span(0.1 if settings.masks == "learned" else 0.9):
            capture = reader.read_all(photos.sources)
    except PermissionError as error:
        raise ReifyError(
            f"There is no permission to read {error.filename}.", "Change its permissions, or copy the photos elsewhere."
        ) from error
    fitting, misfits = masks.without_misfits(capture.photos)
    capture = replace(capture, photos=fitting)
    reader.account.misfits(misfits)
    name = photos.name or (_name_of(photos.sources[0]) if photos.sources else "")
    areas = panorama.areas_of(capture.photos)
    if panoramas := sum(area is not None for area in areas):
        with job.span(1.0):
            capture = panorama.cut(capture, areas, job.folder / "panoramas", job.progress, reader.account.warn)
        job.record_choice("panoramas", f"{panoramas} cut into {len(panorama.FACES)} views each")
        job.metric("panoramas", panoramas)
    if len(capture.photos) < FEWEST_PHOTOS:
        raise _too_few(len(capture.photos), reader.account.warnings)
    if capture.cameras is None:
        frames, ordered = (capture.photos, True) if capture.ordered else listing.number_frames(capture.photos, name)
        capture = replace(capture, photos=frames, ordered=ordered)
    if settings.masks == "learned":
        from .learned_masks import masked

        with job.span(1.0):
            capture = replace(capture, photos=masked(capture.photos, job.folder / "masks", job=job))
    with job.span(1.0):
        found = quality.faults(quality.look_at(capture.photos, job.progress))
    leave_out = settings.weak_photos == "leave_out" and len(capture.photos) - len(found) >= FEWEST_PHOTOS
    reader.account.weak([(capture.photos[index].name, what) for index, what in found.items()], len(capture.photos), leave_out)
    if leave_out:
        capture = taken(capture, [index for index in range(len(capture.photos)) if index not in found])
    job.metric("photos", len(capture.photos))
    reader.account.report()
    test = capture.test or _held_out(len(capture.photos), settings.hold_out)
    return replace(capture, name=name, test=test, warnings=tuple(reader.account.warnings))


def listed_photos(sources: Sequence[Path], settings: CaptureSettings, *, job: Job) -> tuple[Photo, ...]:
    """The photos among the sources as they would be read, without their cameras and without frames of videos: to be looked at before a job.

    Raises ReifyError where a source can't be read.
    """
    reader = _Reader(settings, job)
    sources = [source.expanduser().absolute() for source in sources]
    try:
        contents = [roles.sort_out(source) for source in sources if is_folder(source)]
        pictures = [path for path in sources if is_file(path) and endings.has(path, (*endings.PICTURES, *endings.RAW))]
        if pictures:
            contents.insert(0, _as_contents(pictures))
        return tuple(photo for part in contents if part.photos for photo in reader.read_files(part).photos)
    except OSError as error:
        raise ReifyError(f"{error.filename} can't be read.", "Check the path.") from error


class _Reader:
    """Reads sources for one job, and keeps account of what isn't used."""

    def __init__(self, settings: CaptureSettings, job: Job) -> None:
        self.settings = settings
        self.job = job
        self.account = Account(job)
        black_is_empty = {"auto": None, "learned": None, "subject": True, "ignore": False, "off": None}[settings.masks]
        self.masks = masks.Masks(settings.masks != "off", black_is_empty)

    def read_all(self, sources: Sequence[Path]) -> Capture:
        sources = [source.expanduser().absolute() for source in sources]
        for source in sources:
            if is_locked(source):
                raise PermissionError(errno.EACCES, "", str(source))
            if not exists(source):
                raise ReifyError(f"{source} doesn't exist.", "Check the path.")
        files = [path for path in sources if is_file(path)]
        pictures = [path for path in files if endings.has(path, (*endings.PICTURES, *endings.RAW))]
        videos = [path for path in files if endings.has(path, endings.VIDEOS)]
        given = [self._given(path) for path in files if path not in {*pictures, *videos}]
        if len(sources) == len(videos) == 1 and (recording := nearby.recording_of(videos[0])) is not None:
            given, videos = [recording], []
        contents = [roles.sort_out(source) for source in sources if is_folder(source)]
        folders = [part for part in contents if _holds_pictures(part)]
        for part in contents:
            if part not in folders:
                given += self._cameras_of_model_folder(part)
        if pictures:
            folders.insert(0, _as_contents(pictures))
        if given:
            return self.read_given(given, folders, videos)
        chosen = set(pictures)
        parts = [self.read_files(part) if set(part.photos) <= chosen and chosen else self.read_folder(part) for part in folders]
        return self.join([*parts, *self.read_videos(videos)])

    def read_given(self, given: Sequence[CameraFile], folders: Sequence[Contents], videos: Sequence[Path]) -> Capture:
        """The photos of camera files that are sources themselves: among the other sources, or around the first camera file."""
        if videos:
            self.account.videos(videos, told=False)
            self.account.warn(f"Videos can't be used together with given cameras: {len(videos)} were left out, such as {videos[0].name}.")
        found = [(camera_file, 0) for camera_file in dict.fromkeys(given)]
        pools = list(folders)
        if not pools:
            place = given[0].path if given[0].path.is_dir() else given[0].path.parent
            root = nearby.capture_root(place)
            pools = [roles.sort_out(root)]
            if root == place and not pools[0].pictures and not pools[0].videos:  # a model in a folder of any name, beside its pictures
                pools = [roles.sort_out(root.parent)]
        problems: list[str] = []
        candidates = nearby.examine(found, lambda described: self.finders(pools, described), problems.append)
        if not candidates:
            raise ReifyError(problems[0] if problems else "The chosen files hold no cameras.", "Choose other files, or export them again.")
        for problem in problems:
            self.account.warn(f"{problem} It isn't used.")
        return self.posed(candidates[0], candidates[1:], pools)

    def read_folder(self, contents: Contents) -> Capture:
        found = list(nearby.camera_files(contents.root))
        problems: list[str] = []
        candidates = nearby.examine(found, lambda described: self.finders([contents], described), problems.append)
        for problem in problems:
            self.account.warn(f"{problem} It isn't used.")
        best = candidates[0] if candidates else None
        if best is not None and contents.photos and not self.settings.use_given_cameras:
            self.choose_cameras(f"found from the photos, though {best.described.title} gives some")
            return _with_split(self.read_files(contents), best)
        if best is not None and _is_worth_it(best, contents):
            try:
                return self.posed(best, candidates[1:], [contents])
            except ReifyError as error:
                if not contents.photos and not contents.videos:
                    raise
                self.account.warn(f"{error.what} The cameras are found from the photos instead.")
        elif best is not None and (best.count or best.distance < nearby.BESIDE):
            title = capital(best.described.title)
            self.account.warn(f"{title} isn't used, because it knows {best.count} of the {len(contents.photos)} photos.")
        if contents.photos:
            self.choose_cameras("none lie in or beside the folder; they are found from the photos")
            capture = self.read_files(contents)
            self.account.videos(contents.videos)
            return capture
        if not contents.videos:
            raise nothing_in(contents)
        self.account.folder(contents, masks_wanted=self.masks.wanted)
        return self.join(self.read_videos(contents.videos))

    def read_files(self, contents: Contents) -> Capture:
        assigned = self.assigned([contents], contents.photos)
        different = listing.distinct(contents.photos, self.job.progress, self.account.warn)
        photos = listing.photos_of(different, contents.photo_root, assigned, self.masks, self.job.progress, self.account.warn)
        self.account.folder(contents, masks_wanted=self.masks.wanted)
        return Capture("", tuple(photos))

    def read_videos(self, videos: Sequence[Path]) -> list[Capture]:
        from . import video

        captures = []
        for number, path in enumerate(videos):
            with self.job.span((number + 1) / len(videos)):
                folder = self.job.folder / f"frames-{number}"
                frames = video.pick_frames(path, folder, self.settings.video_frames, self.job.progress)
            self.job.record_choice("frames", f"{len(frames)} sharp frames of {path.name}")
            captures.append(Capture("", tuple(frames), ordered=True))
        return captures

    def posed(self, best: Candidate, others: Sequence[Candidate], pools: Sequence[Contents]) -> Capture:
        """The photos that a camera file knows; its world is the capture's."""
        described = best.described
        if described.video is not None:
            found = self._frames_of(described)
        else:
            with self.job.span(0.3):
                found = resolve(described, self.finders(pools, described))
        with self.job.span(0.5):
            found, depth_said = depth.with_depth(found, self.job.progress)
        if depth_said:
            self.job.record_choice("depth", depth_said)
        if found.similar:
            self.job.record_choice("names", f"{counted(len(found.similar), 'picture')} found by another name: {examples(found.similar)}")
        assigned = self.assigned(pools, found.images) if not any(found.masks) else masks.Assigned()
        capture = to_capture(found, assigned, self.masks, self.job.progress, self.account.warn)
        used = {*found.images, *(path for path in (*found.depths, *found.masks) if path)}
        photos = {path for part in pools for path in part.photos}
        of_copies = {path.stem.lower() for path in used - photos}  # Polycam's corrected pictures, in place of the first ones
        without = [path for path in sorted(photos - used) if path.stem.lower() not in of_copies]
        total = len(capture.photos) + len(without)
        self.choose_cameras(f"{described.title}, of {len(capture.photos)} of {counted(total, 'photo')}{_other_cameras(best, others)}")
        self.account.photos_without_camera(without, described.title, total)
        self.account.copies(len(photos - used) - len(without))
        for part in pools:
            weighed = part.confidences if depth.USED in depth_said else ()
            self.account.folder(part, used | set(weighed), self.masks.wanted)
            self.account.videos([path for path in part.videos if path != described.video], told=False)
        return capture if self.settings.use_given_cameras else without_cameras(capture)

    def finders(self, pools: Sequence[Contents], described: Described) -> Finders:
        return nearby.finders(pools, described, self.settings.outside_paths)

    def _frames_of(self, described: Described) -> Posed:
        from . import video

        assert described.video is not None
        with self.job.span(0.4):
            frames = video.pick_frames(described.video, self.job.folder / "frames", self.settings.video_frames, self.job.progress)
        self.job.record_choice("frames", f"{len(frames)} sharp frames of {described.video.name}")
        of_number = {int(shot.name): shot for shot in described.shots}
        pictures = {f"frame {photo.frame}": photo.path for photo in frames}
        shots = [replace(of_number[photo.frame], name=photo.path.name) for photo in frames if photo.frame in of_number]
        depths = [path for path in described.path.parent.rglob("*") if path.parent.name.lower() in roles.DEPTH_FOLDERS]
        finders = Finders(Finder(pictures.values()), depths=Finder(depths, [described.path.parent]))
        return resolve(replace(described, shots=tuple(shots), folders=(self.job.folder / "frames",)), finders)

    def assigned(self, pools: Sequence[Contents], photos: Sequence[Path]) -> masks.Assigned:
        """Whose the masks in and beside the folders are; those that belong to nobody are told."""
        if not self.masks.wanted:
            return masks.Assigned()
        of_photo: dict[Path, Path] = {}
        unused: list[str] = []
        for part in pools:
            own = [path for path in photos if path.is_relative_to(part.root)]
            for root, found in ((part.root, part.masks), (part.root.parent, roles.masks_beside(part.root))):
                said = masks.assign(found, own, root)
                of_photo = {**said.of_photo, **of_photo}
                unused += said.unused
        self.account.masks(unused, [path for path in photos if path not in of_photo], len(photos))
        return masks.Assigned(of_photo, tuple(unused))

    def choose_cameras(self, how: str) -> None:
        self.job.record_choice("cameras", how)

    def join(self, parts: Sequence[Capture]) -> Capture:
        if not parts:
            raise ReifyError("No photos were given.", f"Choose a folder of {KINDS} photos.")
        if len(parts) == 1:
            return parts[0]
        if any(part.cameras is not None for part in parts):
            self.choose_cameras("found from the photos, because there are several sources")
            self.account.warn("The given cameras aren't used: they stand in worlds of their own, and there are several sources.")
        photos = [photo for part in parts for photo in part.photos]
        return Capture("", tuple(_with_unique_names(photos)))

    def _given(self, path: Path) -> CameraFile:
        found = nearby.given_file(path)
        if found is None:
            kind = sniff.kind_of(path)
            raise ReifyError(
                f"{path.name} is a {kind}, which isn't read."
                if kind
                else f"{path.name} is no picture, video or camera file that Reify knows.",
                f"Choose a folder of {KINDS} photos.",
            )
        return found

    def _cameras_of_model_folder(self, contents: Contents) -> list[CameraFile]:
        """The camera files in a folder without pictures."""
        found = [camera_file for camera_file, _ in nearby.camera_files(contents.root, below_only=True)]
        if not found:
            raise nothing_in(contents)
        return found


def _as_contents(pictures: Sequence[Path]) -> Contents:
    """Picture files that were chosen one by one, with the masks that lie beside them."""
    root = pictures[0].parent
    while not all(path.is_relative_to(root) for path in pictures):
        root = root.parent
    folders = dict.fromkeys(path.parent for path in pictures)
    beside = [path for folder in folders for path in roles.masks_in(folder, pictures)]
    chosen = set(pictures)
    return Contents(
        root=root,
        photos=tuple(dict.fromkeys(pictures)),
        pictures=tuple(pictures),
        masks=tuple(path for path in beside if path not in chosen),
    )


def _holds_pictures(contents: Contents) -> bool:
    return bool(contents.pictures or contents.videos or contents.unread)


def _is_worth_it(best: Candidate, contents: Contents) -> bool:
    """Whether a camera file gives enough: what lies beside the folder must know most of the pictures to belong to them."""
    if best.described.video is not None:
        return best.distance < nearby.BESIDE
    if best.distance < nearby.BESIDE:
        return best.count >= FEWEST_PHOTOS or (best.count > 0 and best.count >= len(contents.photos)) or not contents.photos
    return best.count >= FEWEST_PHOTOS and 2 * best.count >= len(contents.photos)


def _with_split(capture: Capture, known: Candidate) -> Capture:
    """The capture with those photos held out that a camera file holds out."""
    shots = zip(known.described.shots, known.located.paths, strict=False)
    held_out = {path for shot, path in shots if shot.split == "test"}
    return replace(capture, test=tuple(i for i, photo in enumerate(capture.photos) if photo.path in held_out))


def _other_cameras(best: Candidate, others: Sequence[Candidate]) -> str:
    """What the camera files that aren't used know, for the report."""
    known = []
    for other in others:
        place = f" ({other.described.path})" if other.described.title == best.described.title else ""
        known.append(f"{other.described.title}{place} with {counted(other.count, 'photo')}")
    return f"; not used: {examples(known)}" if known else ""


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


def _held_out(count: int, every: int) -> tuple[int, ...]:
    if every < 2 or count < FEWEST_TO_HOLD_OUT:
        return ()
    return tuple(range(every // 2, count, every))


def _name_of(source: Path) -> str:
    place = source.expanduser().absolute()
    if is_file(place) and not endings.has(place, endings.VIDEOS):
        stem = place.stem.lower()
        place = place if nearby.given_file(place) is not None and stem not in GENERIC else place.parent
    while (place.name.lower() in GENERIC or place.name.isdecimal()) and place != place.parent:
        place = place.parent
    return (place.stem if is_file(place) else place.name) or "photos"


def _too_few(count: int, warnings: Sequence[str]) -> ReifyError:
    reason = f" {warnings[-1]}" if warnings else ""
    usable = ["No photo", "Only one photo", "Only two photos"][count]
    what = f"{usable} can be used, and at least {FEWEST_PHOTOS} different ones are needed.{reason}"
    if count == 0 and warnings:
        return ReifyError(what, "Save them as JPEG in full size.")
    return ReifyError(what, "Take photos from many sides: 20 to 100 give good results.")
