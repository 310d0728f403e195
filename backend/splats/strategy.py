"""How the number and places of splats change during training; plain numpy."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from ..geometry import morton, quaternions
from .columns import LOG_SCALE, MEAN, OPACITY, QUATERNION, STAT_SEEN, STAT_SIGNAL

Array = Any
DEAD_OPACITY = 0.005  # below it a splat may be moved to where it is needed
MOST_COPIES = 51  # of one splat at a time, itself among them


class State(Protocol):
    """Splats in training: parameters, Adam's moments and statistics, of which the first `count` rows are in use."""

    parameters: Array  # [capacity, width] float32
    moments: Array  # [capacity, 2, width] float32, Adam's
    stats: Array  # [capacity, STATS] float32
    count: int
    capacity: int


def relocate(state: State, rng: np.random.Generator) -> int:
    """Relocate nearly transparent splats onto others, so that the picture stays nearly the same; returns how many.

    3DGS-MCMC (Kheradmand et al. 2024), section 4.2, with targets drawn by weighted error instead of by opacity.
    """
    opacity = opacities(state)
    dead = np.flatnonzero(opacity <= DEAD_OPACITY)
    if len(dead) == 0 or len(dead) == state.count:
        return 0
    _copy_to(state, dead, _drawn(state, opacity, len(dead), rng))
    return len(dead)


def grow(state: State, wanted: int, rng: np.random.Generator) -> int:
    """Add copies of splats, drawn by weighted error, up to `wanted` splats in all; returns how many: none where all are dead."""
    more = min(wanted, state.capacity) - state.count
    opacity = opacities(state)
    if more <= 0 or not (opacity > DEAD_OPACITY).any():
        return 0
    sources = _drawn(state, opacity, more, rng)
    first = state.count
    state.count += more
    state.stats[first : state.count] = 0
    _copy_to(state, np.arange(first, state.count), sources)
    return more


def clone_and_split(state: State, wanted: int, extent: float, rng: np.random.Generator) -> int:
    """Clone small splats and split large ones where the gradient by the projected center is largest; returns how many were added.

    Kerbl et al. 2023, section 5.2, by the absolute gradients of AbsGS (Ye et al. 2024), which steps with `absolute` gather. Instead of a
    gradient threshold there are `wanted` splats in all, those with the largest mean gradient first. Faint and overly large splats are
    removed; opacities aren't reset, as the opacity decay fades them out.
    """
    large = np.exp(state.parameters[: state.count, LOG_SCALE : LOG_SCALE + 3]).max(axis=1)
    keep(state, (opacities(state) > DEAD_OPACITY) & (large < 0.5 * extent))
    more = min(wanted, state.capacity) - state.count
    if more <= 0 or state.count == 0:
        return 0
    pull = state.stats[: state.count, STAT_SIGNAL] / np.maximum(state.stats[: state.count, STAT_SEEN], 1)
    chosen = np.sort(np.argsort(-pull, kind="stable")[: min(more, int(np.count_nonzero(pull)))])
    places = np.arange(state.count, state.count + len(chosen))
    state.count += len(chosen)
    state.parameters[places] = state.parameters[chosen]
    state.moments[places] = 0
    state.stats[places] = 0
    scales = np.exp(state.parameters[chosen, LOG_SCALE : LOG_SCALE + 3])
    split = scales.max(axis=1) > 0.01 * extent
    for rows in (chosen[split], places[split]):
        offset = rng.normal(size=(len(rows), 3)) * scales[split]
        moved = quaternions.rotate(state.parameters[rows, QUATERNION : QUATERNION + 4], offset)
        state.parameters[rows, MEAN : MEAN + 3] += moved.astype(np.float32)
        state.parameters[rows, LOG_SCALE : LOG_SCALE + 3] -= np.float32(np.log(1.6))
        state.moments[rows] = 0
    return len(chosen)


def keep(state: State, kept: Array) -> None:
    """Keep only the splats at `kept` (a mask or indices), in that order."""
    before = state.count
    for array in (state.parameters, state.moments, state.stats):
        rows = array[:before][kept]
        state.count = len(rows)
        array[: state.count] = rows


def opacities(state: State) -> Array:
    """Opacities [N]."""
    return 1 / (1 + np.exp(-state.parameters[: state.count, OPACITY]))


def by_place(state: State) -> None:
    """Reorder splats along a Morton curve, so that neighbors in space are neighbors in memory."""
    xyz = state.parameters[: state.count, MEAN : MEAN + 3]
    low, high = np.quantile(xyz, (0.01, 0.99), axis=0)
    code = morton.codes((xyz - low) / np.maximum(high - low, 1e-12), bits=10)
    keep(state, np.argsort(code, kind="stable"))


def _drawn(state: State, opacity: Array, count: int, rng: np.random.Generator) -> Array:
    error = state.stats[: state.count, STAT_SIGNAL] / np.maximum(state.stats[: state.count, STAT_SEEN], 1)
    chance = np.where(opacity > DEAD_OPACITY, opacity * 1e-9 + error, 0.0).astype(np.float64)
    chance[~np.isfinite(chance)] = 0
    total = np.cumsum(chance)
    if total[-1] <= 0:
        return rng.choice(np.flatnonzero(opacity > DEAD_OPACITY), count)
    return np.minimum(np.searchsorted(total, rng.random(count) * total[-1]), state.count - 1)


def _copy_to(state: State, places: Array, sources: Array) -> None:
    """Copy sources to places; opacity and scale of all copies are those of eq. 8 and 9, which leave the picture nearly as it was."""
    unique, times = np.unique(sources, return_counts=True)
    copies = np.minimum(times + 1, MOST_COPIES)
    old = np.clip(1 / (1 + np.exp(-state.parameters[unique, OPACITY].astype(np.float64))), 1e-6, 1 - 1e-6)
    new = 1 - (1 - old) ** (1 / copies)
    denominator = np.zeros(len(unique))
    for i in range(1, int(copies.max()) + 1):
        for k in range(i):
            term = math.comb(i - 1, k) * (-1) ** k / math.sqrt(k + 1)
            denominator += np.where(i <= copies, term * new ** (k + 1), 0)
    state.parameters[unique, LOG_SCALE : LOG_SCALE + 3] += np.log(np.maximum(old / denominator, 1e-6))[:, None].astype(np.float32)
    new = np.clip(new, DEAD_OPACITY, 1 - 1e-6)
    state.parameters[unique, OPACITY] = np.log(new / (1 - new))
    state.parameters[places] = state.parameters[sources]
    state.moments[unique] = 0
    state.moments[places] = 0
