"""Features and matches by pretrained networks, for photos that SIFT leaves without a camera."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..engine.requirements import TORCH
from ..files import writing
from ..formats.images import read_image
from ..jobs.environment import Environment
from ..jobs.job import Job
from ..jobs.meanwhile import meanwhile
from ..networks.library.catalog import ALIKED_LIGHTGLUE
from ..networks.library.places import find, way_to
from ..values import Array
from .sfm_pairs import Pair

if TYPE_CHECKING:
    from ..networks.matching import Described, Matcher

LONG_SIDE_PX = 1024  # of the pictures that the networks see
PHOTO_S, PAIR_S = 3.0, 3.0  # on two cores of a common laptop


def available(environment: Environment) -> bool:
    """Whether torch and the weights are there."""
    return _has_torch() and find(ALIKED_LIGHTGLUE, environment) is not None


def way(environment: Environment) -> str:
    """How to get what is missing, in a sentence or two; nothing where all is there."""
    ways = [] if _has_torch() else [TORCH.way]
    return " ".join(ways if find(ALIKED_LIGHTGLUE, environment) is not None else [*ways, way_to(ALIKED_LIGHTGLUE)])


def write_matches(pictures: Sequence[Path], masks: Sequence[Path], sizes: Array, pairs: Sequence[Pair], file: Path, *, job: Job) -> None:
    """Match pairs of pictures whose widths and heights are `sizes` [C,2], each with features sought once.

    The file is an .npz with `keypoints_N` [K,2] float32 of each picture in a pair, in its pixels as COLMAP counts them, and `matches_A_B`
    [M,2] uint32. It is left as it is where an earlier run has written it. Masks that exist hide what is black in them. A cancel doesn't
    wait for the networks.
    """
    if file.exists():
        return
    numbers = sorted({number for pair in pairs for number in pair})
    whole = PHOTO_S * len(numbers) + PAIR_S * len(pairs)
    beforehand = f"some {max(1, round(whole / 60))} min on two cores"
    matcher = meanwhile(partial(_loaded, job), job, 0.0, f"loading ALIKED and LightGlue, {beforehand}")
    described: dict[int, Described] = {}
    arrays = {}
    for done, number in enumerate(numbers):
        text = f"features of photo {done + 1} of {len(numbers)}, then {len(pairs)} pairs, {beforehand}"
        found = meanwhile(partial(_described, matcher, pictures[number], masks[number]), job, PHOTO_S * done / whole, text)
        described[number] = found
        scale = sizes[number] / np.array(found.size_px)
        arrays[f"keypoints_{number}"] = ((found.xy.float().cpu().numpy() + 0.5) * scale).astype(np.float32)
    for done, (one, two) in enumerate(pairs):
        fraction = (PHOTO_S * len(numbers) + PAIR_S * done) / whole
        text = f"matching {done + 1} of {len(pairs)} pairs by LightGlue"
        arrays[f"matches_{one}_{two}"] = meanwhile(partial(matcher.match, described[one], described[two]), job, fraction, text)
    with writing(file) as place:
        np.savez(place, **arrays)


def _has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None


def _loaded(job: Job) -> Matcher:
    from ..networks.matching import Matcher

    return Matcher(job)


def _described(matcher: Matcher, picture: Path, mask: Path) -> Described:
    small = read_image(picture, LONG_SIDE_PX)[..., :3]
    shown = read_image(mask, LONG_SIDE_PX)[..., 0] >= 128 if mask.exists() else None
    return matcher.describe(small, shown)
