"""How the number and places of splats change during training; plain numpy on an engine's rows and statistics."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from .cpu.layout import LOG_SCALE, MEAN, OPACITY, QUATERNION, STAT_SEEN, STAT_SIGNAL

Array = Any
DEAD_OPACITY = 0.005
MOST_COPIES = 51


class Rows(Protocol):
    """What a strategy needs of an engine."""

    parameters: Array  # [capacity, width] float32
    moments: Array  # [capacity, 2, width] float32, Adam's
    stats: Array  # [capacity, STATS] float32
    count: int
    capacity: int


def relocate(engine: Rows, rng: np.random.Generator) -> int:
    """Move nearly transparent splats to where the error is, keeping the picture nearly the same; returns how many.

    3DGS-MCMC (Kheradmand et al. 2024), section 4.2, with places drawn by error times opacity instead of by opacity alone.
    """
    opacity = opacities(engine)
    dead = np.flatnonzero(opacity <= DEAD_OPACITY)
    if len(dead) == 0 or len(dead) == engine.count:
        return 0
    _copy_to(engine, dead, _drawn(engine, opacity, len(dead), rng))
    return len(dead)


def grow(engine: Rows, wanted: int, rng: np.random.Generator) -> int:
    """Add splats where the error is, up to `wanted` in all; returns how many."""
    more = min(wanted, engine.capacity) - engine.count
    if more <= 0:
        return 0
    sources = _drawn(engine, opacities(engine), more, rng)
    first = engine.count
    engine.count += more
    engine.stats[first : engine.count] = 0
    _copy_to(engine, np.arange(first, engine.count), sources)
    return more


def clone_and_split(engine: Rows, wanted: int, extent: float, rng: np.random.Generator) -> int:
    """The classic growth: copy small splats, split large ones, where the picture pulls most; returns how many were added.

    Kerbl et al. 2023, section 5.2, by the absolute gradients of AbsGS (Ye et al. 2024), which steps with `absolute` gather. Up to
    `wanted` splats in all, those with the largest mean gradient first, in place of a threshold. Faint and overly large splats go;
    opacities aren't reset, the regularizer that fades them out does its work.
    """
    large = np.exp(engine.parameters[: engine.count, LOG_SCALE : LOG_SCALE + 3]).max(axis=1)
    keep(engine, (opacities(engine) > DEAD_OPACITY) & (large < 0.5 * extent))
    more = min(wanted, engine.capacity) - engine.count
    if more <= 0 or engine.count == 0:
        return 0
    pull = engine.stats[: engine.count, STAT_SIGNAL] / np.maximum(engine.stats[: engine.count, STAT_SEEN], 1)
    chosen = np.sort(np.argsort(-pull, kind="stable")[: min(more, int(np.count_nonzero(pull)))])
    places = np.arange(engine.count, engine.count + len(chosen))
    engine.count += len(chosen)
    engine.parameters[places] = engine.parameters[chosen]
    engine.moments[places] = 0
    engine.stats[places] = 0
    scales = np.exp(engine.parameters[chosen, LOG_SCALE : LOG_SCALE + 3])
    split = scales.max(axis=1) > 0.01 * extent
    for rows in (chosen[split], places[split]):
        offset = rng.normal(size=(len(rows), 3)) * scales[split]
        engine.parameters[rows, MEAN : MEAN + 3] += _turned(engine.parameters[rows, QUATERNION : QUATERNION + 4], offset)
        engine.parameters[rows, LOG_SCALE : LOG_SCALE + 3] -= np.float32(np.log(1.6))
        engine.moments[rows] = 0
    return len(chosen)


def keep(engine: Rows, kept: Array) -> None:
    """Keep only the splats at `kept` (a mask or indices), in that order."""
    before = engine.count
    for array in (engine.parameters, engine.moments, engine.stats):
        rows = array[:before][kept]
        engine.count = len(rows)
        array[: engine.count] = rows


def opacities(engine: Rows) -> Array:
    """Opacities [N] of an engine's splats."""
    return 1 / (1 + np.exp(-engine.parameters[: engine.count, OPACITY]))


def by_place(engine: Rows) -> None:
    """Reorder splats along a Morton curve, so that neighbors in space are neighbors in memory."""
    xyz = engine.parameters[: engine.count, MEAN : MEAN + 3]
    low, high = np.quantile(xyz, (0.01, 0.99), axis=0)
    cell = (np.clip((xyz - low) / np.maximum(high - low, 1e-12), 0, 1) * 1023).astype(np.uint64)
    key = np.zeros(len(xyz), np.uint64)
    for axis in range(3):
        v = cell[:, axis]
        for shift, mask in ((16, 0x030000FF), (8, 0x0300F00F), (4, 0x030C30C3), (2, 0x09249249)):
            v = (v | (v << np.uint64(shift))) & np.uint64(mask)
        key |= v << np.uint64(axis)
    keep(engine, np.argsort(key, kind="stable"))


def _turned(quats: Array, vectors: Array) -> Array:
    quats = quats / np.maximum(np.linalg.norm(quats, axis=1, keepdims=True), 1e-12)
    across = 2 * np.cross(quats[:, 1:], vectors)
    return (vectors + quats[:, :1] * across + np.cross(quats[:, 1:], across)).astype(np.float32)


def _drawn(engine: Rows, opacity: Array, count: int, rng: np.random.Generator) -> Array:
    error = engine.stats[: engine.count, STAT_SIGNAL] / np.maximum(engine.stats[: engine.count, STAT_SEEN], 1)
    chance = np.where(opacity > DEAD_OPACITY, opacity * 1e-9 + error, 0.0).astype(np.float64)
    chance[~np.isfinite(chance)] = 0
    total = np.cumsum(chance)
    if total[-1] <= 0:
        return rng.choice(np.flatnonzero(opacity > DEAD_OPACITY), count)
    return np.minimum(np.searchsorted(total, rng.random(count) * total[-1]), engine.count - 1)


def _copy_to(engine: Rows, places: Array, sources: Array) -> None:
    """Turn each source into itself and its copies, with the opacity and scale (eq. 8 and 9) that leave the picture nearly as it was."""
    unique, times = np.unique(sources, return_counts=True)
    copies = np.minimum(times + 1, MOST_COPIES)
    old = np.clip(1 / (1 + np.exp(-engine.parameters[unique, OPACITY].astype(np.float64))), 1e-6, 1 - 1e-6)
    new = 1 - (1 - old) ** (1 / copies)
    denominator = np.zeros(len(unique))
    for i in range(1, int(copies.max()) + 1):
        for k in range(i):
            term = math.comb(i - 1, k) * (-1) ** k / math.sqrt(k + 1)
            denominator += np.where(i <= copies, term * new ** (k + 1), 0)
    engine.parameters[unique, LOG_SCALE : LOG_SCALE + 3] += np.log(np.maximum(old / denominator, 1e-6))[:, None].astype(np.float32)
    new = np.clip(new, DEAD_OPACITY, 1 - 1e-6)
    engine.parameters[unique, OPACITY] = np.log(new / (1 - new))
    engine.parameters[places] = engine.parameters[sources]
    engine.moments[unique] = 0
    engine.moments[places] = 0
