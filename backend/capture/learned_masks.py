"""Masks for photos that came without any: ISNet says what the subject is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..formats.images import read_image, write_png
from ..jobs.job import Job
from ..networks.subjects import Finder
from ..values import Photo

LONG_SIDE_PX = 2048  # of the masks; the network sees 1024


def masked(photos: Sequence[Photo], folder: Path, *, job: Job) -> tuple[Photo, ...]:
    """The photos, each with a mask of its subject, which is written into `folder`, where it has neither a mask nor transparency.

    A photo in which no subject is found stays as it is; the job says how many these are.
    """
    bare = [index for index, photo in enumerate(photos) if photo.mask is None and not photo.has_alpha]
    if not bare:
        return tuple(photos)
    folder.mkdir(parents=True, exist_ok=True)
    finder, found, without = Finder(job), list(photos), []
    for number, index in enumerate(bare):
        photo = photos[index]
        with job.span((number + 1) / len(bare), f"masking {photo.name}"):
            srgb = read_image(photo.path, LONG_SIDE_PX)[..., :3]
            coverage = finder.coverage(srgb, job.progress)
        if (coverage > 0.5).any():
            path = folder / f"{index:05}.png"
            write_png(path, np.round(coverage * 255.0).astype(np.uint8))
            found[index] = replace(photo, mask=path, mask_is_subject=True, mask_is_inverted=False)
        else:
            without.append(photo.name)
    job.record_choice("masks", f"{len(bare) - len(without)} of {len(photos)} by ISNet")
    if without:
        job.warn(f"ISNet sees no subject in {len(without)} of the photos, such as {without[0]}; they have no mask.")
    return tuple(found)
