"""Where the photos were taken from: structure from motion, or given cameras, brought into an upright, centered world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import folders
from ..device import available_threads
from ..errors import ReifyError
from ..formats.names import examples
from ..jobs.job import Job
from ..settings import option
from ..values import Array, Cameras, Capture, Photo, Points
from . import learned_matches
from .coverage import said_of
from .readable import left_out, unreadable
from .sfm import Model, run_worker
from .sfm_ladder import EXHAUSTIVE_UP_TO, FEW, Rung, rungs
from .sfm_pairs import rescuing_pairs
from .sfm_pictures import mask_name, picture_name, write_pictures
from .silhouettes import shares_inside
from .trust import Verdict, judge, report
from .world import normalize_world

FEWEST = 3  # photos with a camera, for anything that comes after
FEW_PHOTOS = 8  # of which some pair hardly ever overlaps enough
FEW_FEATURES = 60  # less than that in a photo can't be placed
MOST_NAMED = 8  # photos in a warning
LEARNED = 0.8  # fraction of an attempt by networks, once their matches are found
PREPARED = 0.04  # fraction of the stage, once the photos are written as structure from motion wants them
LOOKED_THROUGH = 0.5  # fraction of the stage, once photos with given cameras are decoded
FIRST_RUNG = 0.9  # share of what is left that the first attempt gets: mostly it places all photos
LEAST_FEATURES, PIXELS_A_FEATURE = 1500, 100
MANY = 120  # photos above which fewer features of each are enough, since more photos see every place
PARTNERS = 12  # photos that each one is compared with, where not all are
# Photos up to which one thread places them. With several, COLMAP's first pair, its RANSAC and the sums in bundle adjustment depend on
# which one is faster, so that each run differs a little. One takes no longer for 50 photos; many more need the threads.
REPEATABLE_UP_TO = 100
SAME_FOCAL = 0.01  # relative difference up to which two EXIF focal lengths are one zoom setting
FOR_FEW_PHOTOS = (
    "Take 20 to 60 photos all around the subject, each overlapping the next by more than half; or add a file with the cameras of these; "
    "or use From Picture, which takes one picture, or a front, side and top view."
)
STEPS = {  # of an attempt: the fractions at which each step begins and ends
    "start": (0.0, 0.0),
    "features": (0.0, 0.35),
    "pairs": (0.35, 0.4),
    "matching": (0.4, 0.7),
    "placing": (0.7, 0.95),
    "refining": (0.95, 0.95),
}
TEXTS = {
    "start": "starting",
    "features": "features of photo {done} of {total}",
    "pairs": "comparing photo {done} of {total} with the others",
    "matching": "matching {done} of {total} pairs",
    "placing": "placing photo {done} of {total}",
    "refining": "refining the cameras of {done} photos",
}


@dataclass(frozen=True)
class CameraSettings:
    """How cameras are found."""

    matching: str = option(
        "auto",
        "Which pairs of photos are compared",
        choices={
            "auto": "Photos that look alike, and neighbors where the photos are numbered",
            "sequential": "Neighbors in the order of their names and places seen again, for video",
            "exhaustive": "Every photo with every other, the slowest and safest",
        },
    )
    lens: str = option(
        "auto",
        "Which photos share one set of lens parameters",
        choices={
            "auto": "Photos of the same device, zoom and size, as EXIF tells",
            "shared": "All photos of the same size",
            "separate": "Every photo has its own",
        },
        advanced=True,
    )
    long_side_px: int = option(
        1600, "Size that photos are scaled down to before features are sought", low=320, high=8000, unit="px", advanced=True
    )
    features: int = option(4096, "Most features to keep of one photo", low=256, high=32768, advanced=True)
    retry: bool = option(True, "Try again with finer features and looser limits while photos are left without a camera", advanced=True)
    upright: bool = option(True, "Turn the world upright, center it on the subject and scale it to a radius of 1", advanced=True)


def solve_cameras(capture: Capture, settings: CameraSettings, *, job: Job) -> Capture:
    """The capture with a camera for each photo that is left in it, sparse points, and the world upright and centered.

    Cameras that the capture already has are kept. Otherwise they are found by structure from motion (Schönberger and Frahm, CVPR 2016);
    photos that couldn't be placed go to `unregistered` with a reason. Raises ReifyError where fewer than three can be placed.
    """
    given = capture.cameras is not None
    if given:
        with job.span(LOOKED_THROUGH):
            capture = left_out(capture, unreadable(capture.photos, job), job)
        if "cameras" not in job.report.choices:  # reading the photos says more
            job.record_choice("cameras", "as given with the photos")
    else:
        capture = _structure_from_motion(capture, settings, job)
    job.metric("photos", len(capture.photos) + len(capture.unregistered))
    job.metric("registered", len(capture.photos))
    if settings.upright:
        capture = normalize_world(capture, given=given, job=job)
        assert capture.cameras is not None, "found or given"
        job.record_choice("coverage", " ".join(said_of(capture.cameras, [photo.name for photo in capture.photos])))
    return capture


def _structure_from_motion(capture: Capture, settings: CameraSettings, job: Job) -> Capture:
    if len(capture.photos) < FEWEST:
        raise ReifyError(
            f"Finding cameras needs {FEWEST} photos or more, and here {'is' if len(capture.photos) == 1 else 'are'} {len(capture.photos)}.",
            FOR_FEW_PHOTOS,
        )
    folder = job.folder / "structure_from_motion"
    with job.span(PREPARED):
        sizes, failed = write_pictures(capture.photos, folder, settings.long_side_px, job)
    if failed:  # their pictures are called by their number, so the others are written once more
        capture = left_out(capture, failed, job)
        folders.delete(folder, job.folder)
        with job.span(PREPARED):
            sizes, failed = write_pictures(capture.photos, folder, settings.long_side_px, job)
    with job.span(1.0):
        attempt = _climb(capture, sizes, settings, folder, job)
    model = attempt.model
    _check(model, capture, settings, job)
    assert attempt.verdict is not None
    report(attempt.verdict, job)
    job.record_choice("structure from motion", f"{attempt.rung.name}; {len(model.photos)} of {len(capture.photos)} photos placed")
    job.metric("reprojection_error_px", model.reprojection_error_px)
    solved = _placed(capture, model, sizes)
    job.metric("sparse_points", len(solved.points or ()))
    folders.delete(folder, job.folder)
    return solved


@dataclass(frozen=True, eq=False)
class Attempt:
    """What one rung of the ladder found."""

    model: Model
    rung: Rung
    verdict: Verdict | None  # None where too few photos have a camera

    @property
    def sure(self) -> bool:
        """Whether nothing speaks against its cameras."""
        return self.verdict is not None and not self.verdict.doubts


def better(new: Attempt, old: Attempt) -> bool:
    """Whether an attempt is to be preferred: more photos, of which one with sure cameras counts as much as two with doubtful ones."""
    return len(new.model.photos) * (1 + new.sure) > len(old.model.photos) * (1 + old.sure)


def _climb(capture: Capture, sizes: Array, settings: CameraSettings, folder: Path, job: Job) -> Attempt:
    count = len(capture.photos)
    every_pair = settings.matching == "exhaustive" or (settings.matching == "auto" and count <= FEW)
    # A small picture has few features that differ from their neighbors; more of them only cost time.
    most_features = min(settings.features, max(LEAST_FEATURES, int(sizes.prod(axis=1).max()) // PIXELS_A_FEATURE))
    # Matching two photos costs the square of their features: with these, many photos cost in all as much as MANY do.
    most_features = min(most_features, max(LEAST_FEATURES, int(settings.features * np.sqrt(MANY / count))))
    ladder = rungs(int(sizes.max()), most_features, every_pair)
    if not learned_matches.available(job.environment):
        ladder = tuple(rung for rung in ladder if not rung.learned)
    best: Attempt | None = None
    reached = 0.0
    for number, rung in enumerate(ladder[: len(ladder) if settings.retry else 1]):
        if best is not None and len(best.model.photos) >= rung.below * count:
            continue
        reached += (1.0 - reached) * (FIRST_RUNG if number == 0 else 0.5)
        again = f", attempt {number + 1}" if number else ""
        with job.span(reached):
            model = _attempt(capture, sizes, settings, rung, folder, job, again, best)
        attempt = Attempt(model, rung, _verdict(model, capture, sizes, folder) if len(model.photos) >= FEWEST else None)
        if best is None or better(attempt, best):
            best = attempt
        if number > 0 and _shows_no_parallax(model):
            break  # other features can't change where the photos were taken from
    assert best is not None
    return best


def _attempt(
    capture: Capture,
    sizes: Array,
    settings: CameraSettings,
    rung: Rung,
    folder: Path,
    job: Job,
    again: str = "",
    before: Attempt | None = None,  # the best one so far
) -> Model:
    count = len(capture.photos)
    missing = [] if before is None else sorted(set(range(count)) - set(before.model.photos.tolist()))
    # What most photos agreed on stays; the others are sought in it, which costs a tenth of placing all of them again.
    continued = before is not None and (before.rung.key == rung.key or rung.learned) and 2 * len(missing) < count
    sequential = settings.matching == "sequential" or (settings.matching == "auto" and capture.ordered)
    lenses, camera_of = _lenses(capture.photos, sizes, settings.lens)
    matches = folder / "learned.npz"
    request = {
        "database": str(folder / f"{rung.key}.db"),
        "pictures": str(folder / "pictures"),
        "masks": str(folder / "masks") if any((folder / "masks").iterdir()) else "",
        "images": [
            {"name": picture_name(index), "camera": int(camera), "shot": photo.shot}
            for index, (photo, camera) in enumerate(zip(capture.photos, camera_of, strict=True))
        ],
        "cameras": lenses,
        "threads": available_threads(),
        "placing_threads": 1 if count <= REPEATABLE_UP_TO else available_threads(),
        "features": dict(rung.features),
        "pairing": {
            "all": rung.every_pair and count <= (FEW if 0 < 2 * len(missing) < count else EXHAUSTIVE_UP_TO),
            "partners": PARTNERS,
            "with_all": missing if len(missing) <= PARTNERS else [],  # which at most doubles the pairs
            "overlap": 6 if sequential else 0,
        },
        "matching": dict(rung.matching),
        "verification": dict(rung.verification),
        "mapper": rung.mapper,
        "mapping": dict(rung.mapping),
        "matches": str(matches) if rung.learned else "",
        "base": str(folder / f"{before.rung.key}.db") if rung.learned and before is not None else "",
        "continued": continued,
        "model": str(folder / "model.npz"),
    }

    if rung.learned:
        assert before is not None and before.model.likeness is not None  # other attempts came before, and left photos out
        pairs = rescuing_pairs(before.model.likeness, before.model.photos.tolist())
        job.record_choice("learned matching", f"{len(pairs)} pairs for {examples([capture.photos[index].name for index in missing])}")
        pictures = [folder / "pictures" / picture_name(index) for index in range(count)]
        masks = [folder / "masks" / mask_name(index) for index in range(count)]
        with job.span(LEARNED):
            learned_matches.write_matches(pictures, masks, sizes, pairs, matches, job=job)

    def show(step: str, done: int, total: int) -> None:
        low, high = STEPS[step]
        job.progress(low + (high - low) * done / max(total, 1), TEXTS[step].format(done=done, total=total) + again)

    with job.span(1.0):
        return run_worker(request, folder, job, show)


def _lenses(photos: Sequence[Photo], sizes: Array, sharing: str) -> tuple[list[dict[str, Any]], Array]:
    groups: dict[tuple[Any, ...], int] = {}
    lenses: list[dict[str, Any]] = []
    camera_of = np.zeros(len(photos), np.int64)
    for index, (photo, (width, height)) in enumerate(zip(photos, sizes.tolist(), strict=True)):
        focal_px = None if photo.focal_px is None else photo.focal_px * max(width, height) / max(photo.width, photo.height)
        zoom = None if focal_px is None else round(float(np.log(focal_px)) / SAME_FOCAL)
        key: tuple[Any, ...] = (photo.width, photo.height, photo.device, zoom)
        if sharing != "auto":
            key = (index,) if sharing == "separate" else key[:2]
        lens: dict[str, Any] = {"model": "SIMPLE_RADIAL", "width": width, "height": height, "focal_px": focal_px}
        if photo.rig:  # its lens is known, and where it looks
            key = (photo.rig, photo.cam_from_rig)
            lens |= {"model": "SIMPLE_PINHOLE", "rig": photo.rig, "cam_from_rig": photo.cam_from_rig}
        if key not in groups:
            groups[key] = len(lenses)
            lenses.append(lens)
        camera_of[index] = groups[key]
    return lenses, camera_of


def _placed(capture: Capture, model: Model, sizes: Array) -> Capture:
    photos = tuple(capture.photos[index] for index in model.photos)
    size_px = np.array([(photo.width, photo.height) for photo in photos], np.int64)
    scale = size_px / sizes[model.photos]
    K = model.K.copy()
    K[:, :2] *= scale[:, :, None]
    new_index = {int(old): new for new, old in enumerate(model.photos)}
    cameras = Cameras(cam_from_world=model.cam_from_world, K=K, size_px=size_px, distortion=model.distortion)
    good = _good(model)
    return replace(
        capture,
        photos=photos,
        cameras=cameras,
        points=Points(xyz=model.xyz[good].astype(np.float32), rgb=model.rgb[good]),
        test=tuple(new_index[index] for index in capture.test if index in new_index),
        unregistered={**capture.unregistered, **_reasons(capture, model)},
    )


def _good(model: Model) -> Array:
    """Sparse points [N] bool that three photos see in the same place."""
    return (model.track_length >= 3) & (model.error_px <= 2.0)


def _reasons(capture: Capture, model: Model) -> dict[str, str]:
    placed = set(model.photos.tolist())
    return {photo.name: _reason(model, index) for index, photo in enumerate(capture.photos) if index not in placed}


def _reason(model: Model, index: int) -> str:
    if model.features[index] < FEW_FEATURES:
        return "it is blurred, or nothing in it has texture"
    if model.partners[index] == 0:
        return "nothing in it was found again in the other photos"
    if model.model_of[index] > 0:
        others = int(np.count_nonzero(model.model_of == model.model_of[index])) - 1
        return f"it overlaps with {others} others only, which have too little in common with the rest"
    return f"too few matches with the others ({model.inliers[index]} with {model.partners[index]} photos)"


def _check(model: Model, capture: Capture, settings: CameraSettings, job: Job) -> None:
    count, placed = len(capture.photos), len(model.photos)
    if placed < FEWEST:
        raise _failure(model)
    missing = _reasons(capture, model)
    if missing:
        shown = [f"{name} ({why})" for name, why in list(missing.items())[:MOST_NAMED]]
        more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
        advice = " Photos between them and the others would help." if placed < 0.7 * count else ""
        job.record_choice("photos without a camera", "; ".join(f"{name}: {why}" for name, why in missing.items()))
        job.warn(f"{len(missing)} of {count} photos couldn't be placed: {', '.join(shown)}{more}.{advice}")
        if settings.retry and (way := learned_matches.way(job.environment)):
            job.warn(f"Learned matching may place the photos that are left. {way}")


def _verdict(model: Model, capture: Capture, sizes: Array, folder: Path) -> Verdict:
    assert model.evidence is not None
    placed = sizes[model.photos]
    cameras = Cameras(cam_from_world=model.cam_from_world, K=model.K, size_px=placed, distortion=model.distortion)
    inside = shares_inside(
        [capture.photos[index] for index in model.photos],
        [folder / "masks" / mask_name(int(index)) for index in model.photos],
        cameras,
        model.xyz[_good(model)],
    )
    width, height = np.median(placed, axis=0).astype(int).tolist()
    names = [photo.name for photo in capture.photos]
    focal_px = float(np.median(model.K[:, 0, 0]))
    return judge(model.evidence, names, model.photos, (width, height), focal_px, model.reprojection_error_px, inside)


def _failure(model: Model) -> ReifyError:
    if np.median(model.features) < FEW_FEATURES:
        return ReifyError(
            "There is too little in the photos to hold on to: they are blurred, or show hardly any texture.",
            "Put something patterned under and around the subject, such as a newspaper, and take sharp photos in good light.",
        )
    if _shows_no_parallax(model):
        return ReifyError(
            "The photos overlap, but were all taken from the same place, so there is no depth in them.",
            "Walk around the subject and take each photo from a new place, instead of turning on the spot; "
            "if the subject was turned, add masks of it.",
        )
    if (count := len(model.features)) <= FEW_PHOTOS:
        return ReifyError(f"The cameras of {count} photos couldn't be found: they share too little of what they show.", FOR_FEW_PHOTOS)
    return ReifyError(
        "The cameras couldn't be found: too few of the photos show the same things.",
        "Take 20 to 60 photos all around the subject, each overlapping the next by more than half.",
    )


def _shows_no_parallax(model: Model) -> bool:
    return len(model.photos) < FEWEST and bool(np.median(model.partners) >= (len(model.partners) - 1) / 2)
