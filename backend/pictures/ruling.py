"""Printed lines of lined and squared paper: many thin, straight, evenly spaced lines from edge to edge, nearly level or upright."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..values import Array

LONG_SIDE_PX = 480  # lines are looked for at this size
THICKEST = 0.014  # of the long side; thicker ones aren't printed
STEEPEST = 0.22  # slope of a line against the picture's edge: 12 degrees
FANNING = 0.15  # change of slope from one edge of the picture to the other, by perspective
FAINTEST = 1.5  # CIELAB, at the reduced size
FILLED = 0.4  # of a line's length has to be seen
FEWEST = 4
UNEVEN = 0.2  # of the spacing
EVEN_SHARE = 0.65  # of the gaps have to be a whole number of spacings
ALONE = 0.75  # of its length that a single line across the others, as a margin's, has to be seen
LIKE = 8.0  # CIELAB, between a line's color and that of one of its pixels


@dataclass(frozen=True, eq=False)
class _Family:
    """Nearly parallel lines y = at + slope x in a picture whose x runs along them; x from its middle, all in reduced pixels."""

    at: Array  # [L]
    slope: Array  # [L]


def without_ruling(offset: Array) -> tuple[Array, int]:
    """How far colors [H,W,3] are off the paper's with printed lines taken out, and how many lines those were.

    What crosses the lines stays: under a line counts what is on both sides of it.
    """
    height, width = offset.shape[:2]
    step = max(1, -(-max(height, width) // LONG_SIDE_PX))
    cut = offset[: height // step * step, : width // step * step]
    small = cut.reshape(height // step, step, width // step, step, 3).mean(axis=(1, 3))
    level, upright = _lines(small), _lines(small.transpose(1, 0, 2))
    if not _is_ruling(level) and not _is_ruling(upright):
        return offset, 0
    count, cleaned = 0, offset
    for lines, turned in ((level, False), (upright, True)):
        if not _is_ruling(lines):
            lines = _single(small.transpose(1, 0, 2) if turned else small, lines)
        if len(lines.at):
            count += len(lines.at)
            cleaned = cleaned.transpose(1, 0, 2) if turned else cleaned
            cleaned = _taken_out(cleaned, lines, step)
            cleaned = cleaned.transpose(1, 0, 2) if turned else cleaned
    return cleaned, count


def _thin(offset: Array, thickest: int) -> Array:
    """How much each pixel stands out of what lies above and below it farther than a line is thick, [H,W] in CIELAB."""
    from scipy.ndimage import gaussian_filter, grey_opening

    strength = gaussian_filter(np.linalg.norm(offset, axis=2), (0.0, 1.0))
    return strength - grey_opening(strength, size=(thickest, 1))


def _lines(small: Array) -> _Family:
    """Thin lines that run through the picture from left to right."""
    thin = _thin(small, max(3, round(THICKEST * max(small.shape[:2]))))
    seen = np.minimum(thin / FAINTEST, 1.0).astype(np.float32)
    seen[thin < 0.4 * FAINTEST] = 0.0
    height, width = seen.shape
    if (seen.sum(axis=1) > 0.02 * width).mean() < 0.15:  # of the rows have something thin: nothing that covers the picture
        return _Family(np.zeros(0), np.zeros(0))
    parallel = [(slope, 0.0) for slope in np.arange(-STEEPEST, STEEPEST + 1e-9, 1.5 / width)]
    promising = sorted(parallel, key=lambda way: -_sharpness(seen, *way, every=6))[:4]
    fanned = [(slope, fan) for slope, _ in promising for fan in np.linspace(-FANNING, FANNING, 13)]
    slope, fan = max(fanned, key=lambda way: _sharpness(seen, *way, every=3))
    profile = _profile(seen, slope, fan, every=2)
    around = np.pad(profile, 1)
    peaks = np.flatnonzero((profile > FILLED) & (profile >= around[:-2]) & (profile > around[2:]))
    return _Family(peaks.astype(float), slope + fan * (peaks / height - 0.5))


def _sharpness(seen: Array, slope: float, fan: float, every: int) -> float:
    return float(np.square(np.diff(_profile(seen, slope, fan, every))).sum())


def _profile(seen: Array, slope: float, fan: float, every: int) -> Array:
    """Share of each line that is seen, in `every` n-th column, [H], for lines through the middle with slope + fan (row / H - 1/2)."""
    height, width = seen.shape
    columns = np.arange(0, width, every)
    along = columns - width / 2
    rows = np.arange(height)[:, None]
    at = np.round(rows + (slope + fan * (rows / height - 0.5)) * along).astype(np.int32)
    within = (at >= 0) & (at < height)
    values = seen[at.clip(0, height - 1), columns] * within
    return values.sum(axis=1) / np.maximum(within.sum(axis=1), 0.4 * len(columns))


def _is_ruling(lines: _Family) -> bool:
    if len(lines.at) < FEWEST:
        return False
    gaps = np.diff(np.sort(lines.at))
    spacing = float(np.median(gaps))
    off = np.abs(gaps / spacing - np.maximum(np.round(gaps / spacing), 1.0))
    return spacing > 2.0 and float((off < UNEVEN).mean()) >= EVEN_SHARE


def _single(small: Array, lines: _Family) -> _Family:
    """Those of the lines that are seen nearly all along."""
    thin = _thin(small, max(3, round(THICKEST * max(small.shape[:2]))))
    seen = (thin > 0.4 * FAINTEST).astype(np.float32)
    height, width = seen.shape
    along = np.arange(width)
    kept = []
    for at, slope in zip(lines.at, lines.slope, strict=True):
        rows = np.round(at + slope * (along - width / 2)).astype(int)
        within = (rows >= 1) & (rows < height - 1)
        near = np.max([seen[rows[within] + shift, along[within]] for shift in (-1, 0, 1)], axis=0)
        kept.append(within.sum() > 0.5 * width and near.mean() > ALONE)
    keep = np.array(kept, bool)
    return _Family(lines.at[keep], lines.slope[keep])


def _taken_out(offset: Array, lines: _Family, step: int) -> Array:
    """Offsets [H,W,3] with what looks like the lines, along them, replaced by the lesser of what is above and below."""
    height, width = offset.shape[:2]
    spacing = step * float(np.median(np.diff(np.sort(lines.at)))) if len(lines.at) > 1 else np.inf
    reach = max(1, int(min(THICKEST / 2 * max(height, width) + step + 2, 0.35 * spacing)))
    strength = np.linalg.norm(offset, axis=2)
    columns = np.arange(width)
    cleaned = offset.copy()
    for at, slope in zip(lines.at, lines.slope, strict=True):
        middle = (at + 0.5) * step + slope * (columns + 0.5 - width / 2)
        rows = np.round(middle).astype(int) + np.arange(-reach, reach + 1)[:, None]  # [B,W]
        inside = rows.clip(0, height - 1)
        band, values = offset[inside, columns], strength[inside, columns]
        # Beside a line is bare paper mostly; there its color can be read.
        beside = np.minimum(strength[(inside[0] - 1).clip(0), columns], strength[(inside[-1] + 1).clip(0, height - 1), columns])
        bare = beside < np.percentile(beside, 60) + 0.5
        peak = values.argmax(axis=0)
        color = np.median(band[peak, columns][bare], axis=0)
        size = float(np.linalg.norm(color))
        if size < 1e-3:
            continue
        share = (band @ (color / size**2)).clip(0.0, 1.5)  # how much of the line's color a pixel has; its flanks have less
        like = np.linalg.norm(band - share[..., None] * color, axis=2) < max(LIKE, 0.35 * size)
        like &= (rows >= 0) & (rows < height)
        below, above = (inside[0] - 1).clip(0, height - 1), (inside[-1] + 1).clip(0, height - 1)
        low, high = offset[below, columns], offset[above, columns]
        lesser = np.where((strength[below, columns] < strength[above, columns])[:, None], low, high)
        # Inside the figure nothing is taken out, since both sides are.
        replaced = np.where(np.linalg.norm(lesser, axis=1)[None, :, None] < values[..., None], lesser[None], band)
        cleaned[inside, columns] = np.where(like[..., None], replaced, cleaned[inside, columns])
    return cleaned
