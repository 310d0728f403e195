"""What CLIP sees in sentences and pictures, for who has a job and makes objects of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.requirements import TORCH
from ..errors import ReifyError
from ..jobs.job import Job
from ..values import Array, Picture
from .library.catalog import CLIP
from .library.keeping import CONVERTED
from .library.places import need

FILLED, WHITE = 0.75, 255  # of a square's side that the subject fills, and what is around it


def seen_in_sentence(text: str, *, job: Job) -> Array:
    """CLIP's vector [1,768] float32 of a sentence; raises ReifyError where weights or torch are missing."""
    clip, network = _clip(job)
    return clip.vector_of_text(text, network).cpu().numpy()


def seen_in_picture(picture: Picture, *, job: Job) -> Array:
    """CLIP's features [1,256,1024] float32 of a picture's subject on white; raises ReifyError where weights or torch are missing."""
    clip, network = _clip(job)
    return clip.grid_of_picture(_on_white(picture), network).cpu().numpy()


def _on_white(picture: Picture) -> Array:
    """The subject in the middle of a white square [S,S,3] uint8; raises ReifyError without a subject."""
    rows, columns = np.nonzero(picture.coverage > 0.5)
    if not len(rows):
        raise ReifyError("There is no subject in the picture.", "Choose a picture of one object, cut out whole.")
    part = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    coverage = picture.coverage[part][..., None]
    colors = picture.srgb[part] * coverage + WHITE * (1 - coverage)
    height, width = colors.shape[:2]
    side = round(max(height, width) / FILLED)
    top, left = (side - height) // 2, (side - width) // 2
    whole = np.full((side, side, 3), WHITE, np.uint8)
    whole[top : top + height, left : left + width] = np.round(colors)
    return whole


def _clip(job: Job) -> tuple[Any, Any]:
    weights = need(CLIP, job.environment)
    job.progress(0.0, "loading CLIP")
    try:
        from . import clip, running
    except ModuleNotFoundError as error:
        raise ReifyError("CLIP needs torch.", TORCH.way) from error
    network = running.built(clip.Clip, weights.files[CONVERTED], running.chosen_device(job.environment))
    job.progress(0.8, "reading what is to be made")
    return clip, network
