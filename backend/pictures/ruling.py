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
FILLED = 0.4  # of a line's length has to be seen, more than of what lies between lines
LEAST_SEEN = 0.01  # of the picture is thin: else there are no lines all over it
FEWEST = 4
UNEVEN = 0.2  # of the spacing
EVEN_SHARE = 0.65  # of the gaps have to be a whole number of spacings
ALONE = 0.75  # of its length that a single line across the others, as a margin's, has to be seen
BARE = 6.0  # CIELAB, most that paper is off its color
BOLDER = 0.8  # of the usual line's color, that single lines may differ by
LIKE = 8.0  # CIELAB, between a line's color and that of one of its pixels


@dataclass(frozen=True, eq=False)
class _Family:
    """Nearly parallel lines y = at + slope x in a picture whose x runs along them; x from its middle, all in reduced pixels."""

    at: Array  # [L]
    slope: Array  # [L]


def without_ruling(offset: Array, frame: Array | None = None) -> tuple[Array, int]:
    """How far colors [H,W,3] are off the paper's with printed lines taken out, and how many lines those were.

    What crosses the lines stays: under a line counts what is on both sides of it. The paper lies within `frame` [H,W] bool, or everywhere.
    """
    frame = np.ones(offset.shape[:2], bool) if frame is None else frame
    small, step = _reduced(offset)
    paper = frame[::step, ::step][: small.shape[0], : small.shape[1]]
    level, upright = _lines(small, paper), _lines(small.transpose(1, 0, 2), paper.T)
    if not _is_ruling(level) and not _is_ruling(upright):
        return offset, 0
    level = _completed(level) if _is_ruling(level) else _single(small, paper, level)
    upright = _completed(upright) if _is_ruling(upright) else _single(small.transpose(1, 0, 2), paper.T, upright)
    cleaned = _taken_out(offset, frame, level, step)
    cleaned = _taken_out(cleaned.transpose(1, 0, 2), frame.T, upright, step).transpose(1, 0, 2)
    return cleaned, len(level.at) + len(upright.at)


def is_ruled(offset: Array) -> bool:
    """Whether colors that are off the background's by `offset` [H,W,3] have printed lines among them."""
    small, _ = _reduced(offset)
    paper = np.ones(small.shape[:2], bool)
    return _is_ruling(_lines(small, paper)) or _is_ruling(_lines(small.transpose(1, 0, 2), paper.T))


def _reduced(offset: Array) -> tuple[Array, int]:
    height, width = offset.shape[:2]
    step = max(1, -(-max(height, width) // LONG_SIDE_PX))
    cut = offset[: height // step * step, : width // step * step]
    return cut.reshape(height // step, step, width // step, step, 3).mean(axis=(1, 3)), step


def _thin(offset: Array, thickest: int) -> Array:
    """How much each pixel stands out of what lies above and below it farther than a line is thick, [H,W] in CIELAB."""
    from scipy.ndimage import gaussian_filter, grey_opening

    strength = gaussian_filter(np.linalg.norm(offset, axis=2), (0.0, 1.0))
    return strength - grey_opening(strength, size=(thickest, 1))


def _lines(small: Array, paper: Array) -> _Family:
    """Thin lines that run over the paper [H,W] bool from left to right."""
    from scipy.ndimage import center_of_mass, label

    thin = _thin(small, max(3, round(THICKEST * max(small.shape[:2])))) * paper
    usual = float(np.median(thin[thin > FAINTEST])) if (thin > FAINTEST).any() else FAINTEST
    seen = np.minimum(thin / usual, 1.0).astype(np.float32)
    seen[thin < 0.4 * FAINTEST] = 0.0
    height, width = seen.shape
    if seen.sum() < LEAST_SEEN * paper.sum():
        return _Family(np.zeros(0), np.zeros(0))
    parallel = [(slope, 0.0) for slope in np.arange(-STEEPEST, STEEPEST + 1e-9, 1.5 / width)]
    promising = sorted(parallel, key=lambda way: -_sharpness(seen, paper, way[0], way[1], 6))[:4]
    fanned = [(slope, fan) for slope, _ in promising for fan in np.linspace(-FANNING, FANNING, 13)]
    slope, fan = max(fanned, key=lambda way: _sharpness(seen, paper, way[0], way[1], 3))
    profile = _profile(seen, paper, slope, fan, every=2)
    runs, count = label(profile > FILLED + np.median(profile))
    peaks = np.array(center_of_mass(profile, runs, np.arange(1, count + 1))).reshape(-1)
    return _Family(peaks, slope + fan * (peaks / height - 0.5))


def _sharpness(seen: Array, paper: Array, slope: float, fan: float, every: int) -> float:
    return float(np.square(np.diff(_profile(seen, paper, slope, fan, every))).sum())


def _profile(seen: Array, paper: Array, slope: float, fan: float, every: int) -> Array:
    """Share of each line that is seen, in `every` n-th column, [H], for lines through the middle with slope + fan (row / H - 1/2)."""
    height, width = seen.shape
    columns = np.arange(0, width, every)
    along = columns - width / 2
    rows = np.arange(height)[:, None]
    at = np.round(rows + (slope + fan * (rows / height - 0.5)) * along).astype(np.int32)
    clipped = at.clip(0, height - 1)
    length = (paper[clipped, columns] & (at == clipped)).sum(axis=1)
    return (seen[clipped, columns] * (at == clipped)).sum(axis=1) / np.maximum(length, 0.5 * length.max() + 1.0)


def _is_ruling(lines: _Family) -> bool:
    if len(lines.at) < FEWEST:
        return False
    gaps = np.diff(np.sort(lines.at))
    spacing = float(np.median(gaps))
    off = np.abs(gaps / spacing - np.maximum(np.round(gaps / spacing), 1.0))
    return spacing > 2.0 and float((off < UNEVEN).mean()) >= EVEN_SHARE


def _completed(lines: _Family) -> _Family:
    """With the lines that lie where their neighbors say that there is one, which the figure covers for the most part."""
    order = np.argsort(lines.at)
    at, slope = lines.at[order], lines.slope[order]
    gaps = np.diff(at)
    steps = np.maximum(np.round(gaps / np.median(gaps)), 1).astype(int)
    parts = [np.arange(count) / count for count in steps]
    between = [
        np.concatenate([*(low + part * (high - low) for low, high, part in zip(ends[:-1], ends[1:], parts, strict=True)), ends[-1:]])
        for ends in (at, slope)
    ]
    return _Family(*between)


def _single(small: Array, paper: Array, lines: _Family) -> _Family:
    """Those of the lines that are seen nearly all along."""
    thin = _thin(small, max(3, round(THICKEST * max(small.shape[:2]))))
    seen = (thin > 0.4 * FAINTEST).astype(np.float32)
    height, width = seen.shape
    along = np.arange(width)
    kept = []
    for at, slope in zip(lines.at, lines.slope, strict=True):
        rows = np.round(at + slope * (along - width / 2)).astype(int)
        within = (rows >= 1) & (rows < height - 1) & paper[rows.clip(0, height - 1), along]
        near = np.max([seen[rows[within] + shift, along[within]] for shift in (-1, 0, 1)], axis=0)
        kept.append(within.sum() > 0.5 * paper.any(axis=0).sum() and near.mean() > ALONE)
    keep = np.array(kept, bool)
    return _Family(lines.at[keep], lines.slope[keep])


def _taken_out(offset: Array, frame: Array, lines: _Family, step: int) -> Array:
    """Offsets [H,W,3] with what looks like the lines, along them, replaced by the lesser of what is above and below."""
    height, width = offset.shape[:2]
    spacing = step * float(np.median(np.diff(np.sort(lines.at)))) if len(lines.at) > 1 else np.inf
    reach = max(1, int(min(THICKEST / 2 * max(height, width) + step + 2, 0.35 * spacing)))
    strength = np.linalg.norm(offset, axis=2)
    columns = np.arange(width)
    bands, colors = [], []
    for at, slope in zip(lines.at, lines.slope, strict=True):
        middle = np.round((at + 0.5) * step + slope * (columns + 0.5 - width / 2)).astype(int)
        rows = middle + np.arange(-reach, reach + 1)[:, None]
        bands.append(rows)
        inside = rows.clip(0, height - 1)
        beside = np.maximum(strength[inside[0], columns], strength[inside[-1], columns])
        bare = frame[inside[reach], columns] & (beside < BARE)  # there the line's own color can be read
        peak = inside[strength[inside, columns].argmax(axis=0), columns]
        colors.append(np.median(offset[peak, columns][bare], axis=0) if bare.sum() > 0.25 * width else np.full(3, np.nan))
    if not np.isfinite(colors).any():
        return offset
    usual = np.nanmedian(colors, axis=0)
    most = max(LIKE, BOLDER * float(np.linalg.norm(usual)))
    cleaned = offset.copy()
    for rows, own in zip(bands, colors, strict=True):
        # Where the figure covers a line, or runs along it, the others say what color it has.
        color = own if np.linalg.norm(own - usual) < most else usual
        inside = rows.clip(0, height - 1)
        band, size = offset[inside, columns], max(float(np.linalg.norm(color)), 1e-3)
        share = (band @ (color / size**2)).clip(0.0, 1.5)  # how much of the line's color a pixel has; its flanks have less
        like = (np.linalg.norm(band - share[..., None] * color, axis=2) < max(LIKE, 0.35 * size)) & (rows == inside)
        low, high = offset[inside[0], columns], offset[inside[-1], columns]
        lesser = np.where((strength[inside[0], columns] < strength[inside[-1], columns])[:, None], low, high)
        # Inside the figure nothing is taken out, since both sides are as far off.
        gone = like & (np.linalg.norm(lesser, axis=1) < strength[inside, columns])
        cleaned[inside, columns] = np.where(gone[..., None], lesser[None], cleaned[inside, columns])
    return cleaned
