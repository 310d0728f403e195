"""Features and matches by pretrained networks, for photos that SIFT leaves without a camera."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..files import writing
from ..formats.images import read_image
from ..jobs.environment import Environment
from ..jobs.job import Job
from ..networks.library.catalog import ALIKED_LIGHTGLUE
from ..networks.library.places import find
from .sfm_pairs import Pair

LONG_SIDE_PX = 1024  # of the pictures that the networks see
DESCRIBED = 0.4  # fraction of the work, once every picture has its features


def available(environment: Environment) -> bool:
    """Whether torch and the weights are there."""
    return importlib.util.find_spec("torch") is not None and find(ALIKED_LIGHTGLUE, environment) is not None


def write_matches(pictures: Sequence[Path], masks: Sequence[Path], pairs: Sequence[Pair], file: Path, *, job: Job) -> None:
    """Write an .npz with the `keypoints_N` [K,2] float32 of each picture, in its pixels as COLMAP counts them, and `matches_A_B` [M,2].

    The file is left as it is where an earlier run has written it. Masks that exist hide what is black in them.
    """
    if file.exists():
        return
    from ..networks.matching import Matcher

    matcher, described, arrays = Matcher(job), [], {}
    with job.span(DESCRIBED):
        for number, (picture, mask) in enumerate(zip(pictures, masks, strict=True)):
            job.progress(number / len(pictures), f"features of photo {number + 1} of {len(pictures)}")
            srgb = read_image(picture)
            small = read_image(picture, LONG_SIDE_PX)[..., :3]
            hidden = read_image(mask, LONG_SIDE_PX)[..., 0] if mask.exists() else None
            found = matcher.describe(small, hidden)
            described.append(found)
            scale = np.array([srgb.shape[1] / small.shape[1], srgb.shape[0] / small.shape[0]])
            arrays[f"keypoints_{number}"] = ((found.xy.float().cpu().numpy() + 0.5) * scale).astype(np.float32)
    for number, (one, two) in enumerate(pairs):
        job.progress(DESCRIBED + (1.0 - DESCRIBED) * number / len(pairs), f"matching {number + 1} of {len(pairs)} pairs")
        arrays[f"matches_{one}_{two}"] = matcher.match(described[one], described[two])
    with writing(file) as partial:
        np.savez(partial, **arrays)
