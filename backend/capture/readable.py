"""Photos that turn out to be damaged only when they are decoded: left out as those that reading refuses at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ..device import available_threads
from ..errors import ReifyError
from ..formats.images import read_image
from ..jobs.job import Job
from ..values import Capture, Photo
from .listing import shortened
from .masks import read_mask

SMALL_PX = 256  # at which a JPEG takes a quarter of the time, and is read to its end all the same
FEWEST = 3  # photos that are left, for anything that comes after


def unreadable(photos: Sequence[Photo], job: Job) -> dict[int, str]:
    """Which photos, by their index, can't be decoded to their end, or their masks can't, and why."""
    failed = {}
    with ThreadPoolExecutor(available_threads()) as pool:
        try:
            for index, reason in enumerate(pool.map(_reason, photos)):
                job.progress((index + 1) / len(photos), f"photo {index + 1} of {len(photos)}")
                if reason:
                    failed[index] = reason
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return failed


def left_out(capture: Capture, failed: Mapping[int, str], job: Job) -> Capture:
    """The capture without the photos of these indices, which the job warns of; raises ReifyError where fewer than FEWEST are left."""
    if not failed:
        return capture
    for text in shortened(list(failed.values()), "photos that can't be read"):
        job.warn(f"Skipped: {text}")
    kept = [index for index in range(len(capture.photos)) if index not in failed]
    if len(kept) < FEWEST:
        what = f"Only {len(kept)} of {len(capture.photos)} photos can be read. {next(iter(failed.values()))}"
        raise ReifyError(what, "Copy the photos again.")
    return taken(capture, kept)


def taken(capture: Capture, kept: Sequence[int]) -> Capture:
    """The capture with the photos at these indices only, in that order."""
    held_out = set(capture.test)
    return replace(
        capture,
        photos=tuple(capture.photos[index] for index in kept),
        cameras=None if capture.cameras is None else capture.cameras.take(kept),
        test=tuple(new for new, old in enumerate(kept) if old in held_out),
    )


def _reason(photo: Photo) -> str:
    try:
        read_image(photo.path, SMALL_PX)
        read_mask(photo, (photo.width, photo.height))
    except ReifyError as error:
        return error.what
    return ""
