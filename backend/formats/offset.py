"""Large coordinates, as of UTM or ECEF: an offset is taken off in float64 before positions become float32, and given back on export.

Between neighboring float32 numbers near 4,649,776 m lies half a meter. So positions are read in float64, and where float32 would
round them visibly, x_centered = x_source - offset is what is kept. The offset lies in `Given.offset`, `Capture.offset` and `Result.offset`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from ..values import Array, Cameras, Mesh, Points, Splats

LARGEST_ROUNDING = 1e-5  # by float32, as a share of the spread; more makes surfaces visibly stepped
ROUNDING = 2.0**-24  # of float32, relative
MOST_LOOKED_AT = 200_000

Positioned = TypeVar("Positioned", bound=Points | Splats | Mesh)
POSITIONS = {Points: "xyz", Splats: "means", Mesh: "vertices"}


def offset_of(xyz: Array) -> Array | None:
    """What to take off positions [N,3] of any float type before they become float32: [3] float64; None where float32 holds them well.

    It is a round number near their median, so that it can be read and typed. Stray positions, and those that aren't finite, don't count.
    """
    seen = xyz[:: max(1, len(xyz) // MOST_LOOKED_AT)].astype(np.float64)
    seen = seen[np.isfinite(seen).all(axis=1)]
    if len(seen) == 0:
        return None
    middle = np.median(seen, axis=0)
    spread = float(np.quantile(np.abs(seen - middle).max(axis=1), 0.9)) or 1.0
    if ROUNDING * np.abs(middle).max() <= LARGEST_ROUNDING * spread:
        return None
    unit = 10.0 ** np.floor(np.log10(spread))
    return np.round(middle / unit) * unit


def centered(value: Positioned, offset: Array | None) -> Positioned:
    """The value with its positions, of any float type, as float32 without `offset` [3] (None: nothing is taken off)."""
    name = POSITIONS[type(value)]
    xyz = getattr(value, name)
    return replace(value, **{name: (xyz if offset is None else xyz - offset).astype(np.float32, copy=False)})


def cameras_without(cameras: Cameras, offset: Array | None) -> Cameras:
    """The cameras in a world from which `offset` [3] was taken off (None: nothing is)."""
    if offset is None:
        return cameras
    cam_from_world = cameras.cam_from_world.copy()
    cam_from_world[:, :3, 3] += cam_from_world[:, :3, :3] @ offset
    return replace(cameras, cam_from_world=cam_from_world)


def with_offset(xyz: Array, offset: Array | None) -> Array:
    """Positions [N,3] as the source had them: float64 where there is an `offset` [3], else as they are."""
    return xyz if offset is None else xyz.astype(np.float64) + offset


def written(offset: Array) -> str:
    """An offset in words for reports: "500123, 4649777, 312"."""
    return ", ".join(f"{value:.15g}" for value in offset)
