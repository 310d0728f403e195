"""Solids of revolution: a profile turned around its axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..settings import option
from ..values import Array
from .solid import Solid, joined

NECK_PX = 0.3  # least radius between the ends, so that the body stays in one piece
REACH, SHARP = 3, 35.0  # rows before and after a corner, and the degrees by which the profile turns between them at least


@dataclass(frozen=True)
class LatheSettings:
    """How a profile is revolved."""

    half: str = option(
        "mean",
        "Which half of the outline is the profile",
        choices={
            "mean": "The mean of both",
            "left": "The left one",
            "right": "The right one",
            "narrower": "The narrower one, which leaves handles and spouts out",
        },
    )
    segments: int = option(0, "Faces around the axis; 0 fits them to the number of faces", low=0, high=512)


def lathe(upright: Array, point_px: tuple[float, float], angle: float, top_px: float, faces: int, settings: LatheSettings) -> Solid:
    """Revolve the subject of `upright` [T,S], a coverage resampled in steps of a pixel so that its axis is the middle column.

    `point_px` is on the axis in the picture, `angle` its lean from the vertical, `top_px` the place of the first row
    along the axis, down from `point_px`.
    """
    left, right = half_widths(upright)
    radius = {"mean": 0.5 * (left + right), "left": left, "right": right, "narrower": np.minimum(left, right)}[settings.half]
    profile = _profile(radius, upright.max(axis=1))
    segments = settings.segments or _segments(profile, faces)
    corners = _corners(profile)
    profile = _resampled(_smoothed(profile, corners), corners, max(len(corners) + 1, round(faces / segments)))
    rings = profile[1:-1]
    angles = 2.0 * np.pi * np.arange(segments) / segments
    s = rings[:, :1] * np.cos(angles)
    depth = rings[:, :1] * np.sin(angles)
    t = np.repeat(rings[:, 1:], segments, axis=1)
    # Where the picture is wider on one side, its colors are scaled to the mean profile.
    wide = [np.interp(rings[:, 1], np.arange(len(radius)) + 0.5, half / np.maximum(radius, 1e-9)) for half in (left, right)]
    pictured_s = s * np.where(s < 0, wide[0][:, None], wide[1][:, None])
    ends = profile[[0, -1], 1]
    along = np.concatenate([t.ravel(), ends]) + top_px
    across, down = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    flat, pictured = (
        np.asarray(point_px) + np.outer(np.concatenate([side.ravel(), [0, 0]]), across) + np.outer(along, down) for side in (s, pictured_s)
    )
    vertices = np.column_stack([flat, np.concatenate([depth.ravel(), [0, 0]])])
    return joined(_faces(len(rings), segments), vertices, np.zeros((0, 2), int), pictured)


def half_widths(upright: Array) -> tuple[Array, Array]:
    """Radii [T] of the subject left and right of the middle column, to a fraction of a sample."""
    middle = upright.shape[1] // 2
    left = np.maximum.accumulate(upright[:, :middle], axis=1).sum(axis=1)
    right = np.maximum.accumulate(upright[:, :middle:-1], axis=1).sum(axis=1)
    center = 0.5 * upright[:, middle]
    return left + np.maximum(center, 0.5 * (left > 0)), right + np.maximum(center, 0.5 * (right > 0))


def _profile(radius: Array, covered: Array) -> Array:
    """Profile points [n,2] (radius, position along the axis) from the upper end on the axis to the lower one."""
    rows = np.nonzero(covered > 0.5)[0]
    first, last = rows[0], rows[-1]
    # The ends lie inside the rows before and after, as far as these are covered.
    top = first - (covered[first - 1] if first > 0 and covered[first] > 0.99 else covered[first] - 1.0)
    bottom = last + 1.0 + (covered[last + 1] if last + 1 < len(covered) and covered[last] > 0.99 else covered[last] - 1.0)
    places = np.arange(first, last + 1) + 0.5
    widths = np.maximum(radius[first : last + 1], NECK_PX)
    ends = [(0.0, top), (widths[0], top)], [(widths[-1], bottom), (0.0, bottom)]
    body = np.column_stack([widths, places])[(places > top + 0.25) & (places < bottom - 0.25)]
    return np.concatenate([ends[0], body, ends[1]])


def _corners(profile: Array) -> Array:
    """Indices where the profile turns sharply, and its ends."""
    count = len(profile)
    before, after = profile[np.maximum(np.arange(count) - REACH, 0)], profile[np.minimum(np.arange(count) + REACH, count - 1)]
    arriving, leaving = profile - before, after - profile
    turn = np.abs(np.arctan2(arriving[:, 0] * leaving[:, 1] - arriving[:, 1] * leaving[:, 0], (arriving * leaving).sum(axis=1)))
    sharp = turn > np.radians(SHARP)
    # Of each run of candidates the sharpest is the corner (non-maximum suppression).
    peak = sharp & (turn >= np.roll(turn, 1)) & (turn > np.roll(turn, -1))
    peak[[0, -1]] = True
    for end in (1, count - 2):  # the edges of flat ends
        peak[end] |= bool(profile[end, 0] > 2.0)
    return np.nonzero(peak)[0]


def _smoothed(profile: Array, corners: Array) -> Array:
    smooth, free = profile.copy(), np.ones(len(profile), bool)
    free[corners] = False
    for _ in range(12):
        smooth[1:-1] += 0.5 * free[1:-1, None] * (0.5 * (smooth[2:] + smooth[:-2]) - smooth[1:-1])
    return smooth


def _resampled(profile: Array, corners: Array, count: int) -> Array:
    """The profile resampled to about `count` segments of nearly equal length, with a point at every corner."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(profile, axis=0).T))])
    piece = along[-1] / count
    stops = [
        np.linspace(along[a], along[b], max(1, round((along[b] - along[a]) / piece)), endpoint=False)
        for a, b in zip(corners, corners[1:], strict=False)
    ]
    places = np.concatenate([*stops, along[-1:]])
    return np.column_stack([np.interp(places, along, profile[:, i]) for i in (0, 1)])


def _segments(profile: Array, faces: int) -> int:
    """As many segments as make the faces about square; a multiple of four keeps the silhouette exact."""
    lengths = np.hypot(*np.diff(profile, axis=0).T)
    around = 2.0 * np.pi * float(np.average(0.5 * (profile[1:, 0] + profile[:-1, 0]), weights=lengths + 1e-9))
    wanted = np.sqrt(faces * around / max(float(lengths.sum()), 1e-9))
    return int(np.clip(4 * round(wanted / 4.0), 16, 512))


def _faces(rings: int, segments: int) -> list[tuple[Array, Array, bool]]:
    around, following = np.arange(segments), (np.arange(segments) + 1) % segments
    upper = np.arange(rings - 1)[:, None] * segments
    quads = np.stack([upper + around, upper + segments + around, upper + segments + following, upper + following], axis=-1)
    top, bottom, last = rings * segments, rings * segments + 1, (rings - 1) * segments
    upper_cap = np.stack([np.full(segments, top), around, following], axis=-1)
    lower_cap = np.stack([np.full(segments, bottom), last + following, last + around], axis=-1)
    caps = np.stack([upper_cap, lower_cap])
    # The angle runs from the right over the front to the left: the second half of the segments is behind.
    front = around < segments // 2
    return [
        (quads[:, front == (not back)].reshape(-1, 4)[:, ::-1], caps[:, front == (not back)].reshape(-1, 3)[:, ::-1], back)
        for back in (False, True)
    ]
