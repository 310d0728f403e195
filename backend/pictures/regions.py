"""Dividing a subject into the parts that its colors show, or that an artist painted over it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..formats.images import read_image
from ..values import Array, Picture
from .lab import lab_of

SMALLEST = 0.004  # of the subject: smaller regions join a neighbor
MOST = 64
SAMPLE = 20_000  # pixels that the colors are learned from


def regions_by_color(picture: Picture, colors: int, smallest: float = SMALLEST) -> Array:
    """Regions of one color each, [H,W] int32 from 0, -1 outside of the subject; with one color, the connected parts.

    Regions of less than the share `smallest` of the subject join a neighbor.
    """
    from scipy.ndimage import median_filter

    inside = picture.coverage > 0.5
    if colors == 1:
        return _connected(np.where(inside, 0, -1))
    size = 2 * round(0.004 * max(inside.shape)) + 1
    smooth = np.stack([median_filter(picture.srgb[..., c], size) for c in range(3)], axis=-1)
    lab = lab_of(smooth)
    means = _palette(lab[inside], colors)
    nearest = np.full(inside.shape, -1)
    nearest[inside] = ((lab[inside][:, None] - means[None]) ** 2).sum(-1).argmin(axis=1)
    return _merged(nearest, smallest)


def regions_of_parts(picture: Picture, smallest: float = SMALLEST) -> Array:
    """Regions as the file of a picture with `parts` tells them apart, [H,W] int32, -1 outside of the subject.

    Those of less than the share `smallest` of the subject join a neighbor.
    """
    assert picture.parts is not None
    inside = picture.coverage > 0.5
    # At soft edges the subject begins a pixel before its shapes.
    return _merged(np.where(inside, np.where(picture.parts >= 0, picture.parts, -2), -1), smallest)


def regions_painted(path: Path, picture: Picture, smallest: float = SMALLEST) -> Array:
    """Regions as a painted picture of flat colors gives them, [H,W] int32, -1 outside of the subject; raises ReifyError.

    Regions and colors of less than the share `smallest` of the subject join a neighbor.
    """
    pixels = read_image(path)
    inside = picture.coverage > 0.5
    rows, columns = (np.arange(size) * have // size for size, have in zip(inside.shape, pixels.shape, strict=False))
    painted = pixels[rows[:, None], columns][..., :3].astype(np.int64) >> 5  # eight levels: brushes have soft edges
    codes = np.where(inside, painted @ np.array([64, 8, 1]), -1)
    kinds, labels = np.unique(codes, return_inverse=True)
    counts = np.bincount(labels.ravel())
    common = (kinds >= 0) & (counts > smallest * inside.sum())
    if not 1 <= common.sum() <= MOST:
        raise ReifyError(f"{path.name} shows {common.sum()} colors on the subject.", "Paint each part in one of a few flat colors.")
    index = np.full(len(kinds), -2)
    index[common] = np.arange(common.sum())
    index[kinds < 0] = -1
    return _merged(index[labels].reshape(inside.shape), smallest)


def _palette(colors: Array, count: int) -> Array:
    """The most different frequent colors, refined by k-means, [count,3]."""
    rng = np.random.default_rng(0)
    sample = colors[rng.choice(len(colors), min(SAMPLE, len(colors)), replace=False)].astype(np.float64)
    means = [sample.mean(axis=0)]
    distance = np.full(len(sample), np.inf)
    for _ in range(count):
        distance = np.minimum(distance, ((sample - means[-1]) ** 2).sum(axis=1))
        # The 95th percentile rather than the farthest: no color for a handful of odd pixels.
        means.append(sample[np.argsort(distance)[int(0.95 * (len(sample) - 1))]])
    centers = np.stack(means[1:])
    for _ in range(10):
        owner = ((sample[:, None] - centers[None]) ** 2).sum(-1).argmin(axis=1)
        centers = np.stack([sample[owner == k].mean(axis=0) if (owner == k).any() else centers[k] for k in range(count)])
    return centers


def _merged(labels: Array, smallest: float) -> Array:
    """Connected regions, those that are too small given to what lies nearest; -2 marks what belongs to none."""
    from scipy.ndimage import distance_transform_edt

    regions = _connected(labels)
    sizes = np.bincount(regions[regions >= 0])
    large = sizes >= max(smallest * (labels != -1).sum(), np.sort(sizes)[-MOST] if len(sizes) > MOST else 0)
    if not large.any():
        return np.where(labels != -1, 0, -1).astype(np.int32)
    keep = (regions >= 0) & large[regions]
    rows, columns = distance_transform_edt(~keep, return_distances=False, return_indices=True)
    filled = np.where(labels != -1, regions[rows, columns], -1)
    return _connected(filled)


def _connected(labels: Array) -> Array:
    from scipy.ndimage import label

    regions, count = np.full(labels.shape, -1, np.int32), 0
    for value in np.unique(labels[labels >= 0]):
        parts, found = label(labels == value, np.ones((3, 3), int))
        regions = np.where(parts > 0, parts + (count - 1), regions).astype(np.int32)
        count += found
    return regions
