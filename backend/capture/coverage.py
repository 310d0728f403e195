"""From where a subject was photographed, once the cameras are known: how many see it from each direction, and where photos are missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..formats.names import examples
from ..values import Array, Cameras

WITHIN_DEG = 25.0  # a photo shows what a direction sees if it was taken within this angle of it
ASIDE_DEG = 45.0  # between a camera's axis and the way to the subject: farther aside it looks at something else
ALONE_DEG = 30.0  # from the nearest other photo: beyond it features are hardly recognized (Mikolajczyk et al., IJCV 2005)
LOWEST = -0.25  # sine of the elevation of the lowest directions: from below the floor nobody takes photos
STEEP_DEG = 60.0  # elevation from which on a direction is "above"
MISSING_SHARE = 0.25  # of a side's directions: with fewer covered, photos are missing there
MOST_PLACES = 3
EVENLY = 500  # directions of a whole ball
TOWARD_ORIGIN = 0.05  # weight of the capture's origin against the cameras' axes: it decides where these are parallel
SIDES = ("the front", "the front right", "the right", "the back right", "the back", "the back left", "the left", "the front left")
ABOVE = "above"


@dataclass(frozen=True, eq=False)
class Coverage:
    """How a capture's cameras stand around what they look at."""

    focus: Array  # [3], what they look at, in the world
    distance: float  # of the cameras from it, the median
    counts: Array  # [D] int, cameras that see each direction
    alone: tuple[int, ...]  # indices of cameras without another one within ALONE_DEG


def coverage(cameras: Cameras, directions: Array) -> Coverage:
    """Coverage of unit vectors `directions` [D,3] from the subject by at least one camera."""
    focus = focus_of(cameras)
    for _ in range(2):  # the second time without those that look elsewhere
        away = cameras.centers - focus
        distances = np.linalg.norm(away, axis=1)
        away = away / np.maximum(distances[:, None], 1e-9)
        looking = np.einsum("ci,ci->c", cameras.forward, -away) > np.cos(np.radians(ASIDE_DEG))
        focus = focus_of(cameras.take(np.flatnonzero(looking))) if looking.any() else focus
    counts = (directions @ away[looking].T > np.cos(np.radians(WITHIN_DEG))).sum(axis=1)
    cosines = away[looking] @ away[looking].T
    np.fill_diagonal(cosines, -1.0)
    lonely = np.flatnonzero(looking)[cosines.max(axis=1, initial=-1.0) < np.cos(np.radians(ALONE_DEG))]
    return Coverage(focus, float(np.median(distances)), counts, tuple(lonely.tolist()))


def focus_of(cameras: Cameras) -> Array:
    """The point nearest to all the cameras' axes in the least-squares sense, [3]."""
    across = np.eye(3) - np.einsum("ci,cj->cij", cameras.forward, cameras.forward)
    right = np.einsum("cij,cj->i", across, cameras.centers)
    focus: Array = np.linalg.solve(across.sum(axis=0) + TOWARD_ORIGIN * len(cameras) * np.eye(3), right)
    return focus


def above_floor(directions: Array) -> Array:
    """Which of unit vectors [D,3] somebody could photograph from: [D] bool."""
    return directions[:, 2] >= LOWEST


def places_missing(directions: Array, counts: Array) -> list[str]:
    """The sides from which photos are missing, those with the least first; the front is where Blender's front view looks from."""
    steep = directions[:, 2] > np.sin(np.radians(STEEP_DEG))
    around = np.degrees(np.arctan2(directions[:, 0], -directions[:, 1]))  # from the front to the right
    sector = np.round(around / (360 / len(SIDES))).astype(int) % len(SIDES)
    parts = {ABOVE: steep, **{name: ~steep & (sector == number) for number, name in enumerate(SIDES)}}
    shares = {name: float((counts[part] > 0).mean()) for name, part in parts.items() if part.any()}
    return sorted((name for name, share in shares.items() if share < MISSING_SHARE), key=lambda name: shares[name])


def said_of(cameras: Cameras, names: Sequence[str]) -> list[str]:
    """The same for evenly spread directions above the floor."""
    number = np.arange(EVENLY) + 0.5  # a Fibonacci lattice (Gonzalez, Mathematical Geosciences 2010)
    z, turn = 1.0 - 2.0 * number / EVENLY, np.pi * (1.0 + 5.0**0.5) * number
    around = np.sqrt(1.0 - z**2)
    directions = np.column_stack((around * np.cos(turn), around * np.sin(turn), z))
    directions = directions[above_floor(directions)]
    return sentences(coverage(cameras, directions), directions, names)


def sentences(found: Coverage, directions: Array, names: Sequence[str]) -> list[str]:
    """What to say of it: how much is covered, from where photos are missing, and which of `names` [C] stand alone."""
    share = round(100 * float((found.counts > 0).mean()))
    said = [f"Photos look from {share} % of the directions above the floor."]
    said += [f"Photos are missing from {place}." for place in places_missing(directions, found.counts)[:MOST_PLACES]]
    if found.alone:
        alone = examples([names[index] for index in found.alone])
        said.append(f"Photos without another one within {ALONE_DEG:.0f} degrees: {len(found.alone)} ({alone}). Take some in between.")
    return said
