"""Paper under uneven light: its color everywhere, as it runs in smoothly from the border; and a sheet that lies on a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..formats.images import resize
from ..values import Array
from .lab import lab_of

LONG_SIDE_PX = 320  # light varies slowly: enough to find it
STEEPEST = 1.2  # change of CIELAB from one small pixel to the next that light alone makes, and noise on top
NOISIEST = 2.0
SEED_SHARE = 0.7  # of the border has to be smooth paper
NEAR = 5.0  # difference in CIELAB from what the bare paper around lets expect
ROUNDS = 6
KNOWN = 0.5  # share of an averaged pixel that has to be known for it to count in full
TINT = 12.0  # difference in a and b that lamps make on one sheet
DARKEST = 0.5  # lightness of paper in the shade, as a share of the brightest
SHEET = (0.08, 0.98)  # share of the picture
FLAT_SHARE = 0.45  # of a sheet that is bare paper
CORNERED = 0.9  # area of the best four-cornered outline within the convex hull, of the hull's; a circle's is 0.64
RIM = 0.035  # of a sheet's size, along its edge, that isn't looked at: it curls and throws a shadow


@dataclass(frozen=True, eq=False)
class Light:
    """What bare paper looks like."""

    field: Array  # [H,W,3] float32 CIELAB, everywhere
    bare: Array  # [H,W] bool, where it was seen


def light_of(srgb: Array, frame: Array | None = None) -> Light | None:
    """The paper's color over a whole picture [H,W,3], or within a `frame` [H,W] bool; None where its border isn't mostly smooth paper."""
    from scipy.ndimage import binary_dilation, binary_erosion, gaussian_gradient_magnitude, label

    small = resized(srgb)
    lab = lab_of(small)
    inside = np.ones(lab.shape[:2], bool) if frame is None else resampled(frame, lab.shape[:2])
    steep = np.sqrt(sum(gaussian_gradient_magnitude(lab[..., c], 1.2) ** 2 for c in range(3)))
    ring = inside & ~binary_erosion(inside, iterations=max(2, min(lab.shape[:2]) // 60))
    flat = inside & (steep < np.clip(3.0 * np.median(steep[ring]), STEEPEST, NOISIEST))
    brightest = np.percentile(lab[..., 0][ring], 90)
    tint = np.median(lab[..., 1:][ring & (lab[..., 0] > DARKEST * brightest)], axis=0)
    tinted = inside & (lab[..., 0] > DARKEST * brightest) & (np.linalg.norm(lab[..., 1:] - tint, axis=2) < TINT)
    like_paper = flat & tinted
    if (binary_dilation(like_paper, iterations=2) & ring).sum() < SEED_SHARE * ring.sum():
        return None
    labels, _ = label(like_paper)
    bare = np.isin(labels, np.unique(labels[ring & like_paper])) & like_paper
    field = _filled(lab, bare)
    for _ in range(ROUNDS):  # what lines and strokes cut off from the border, and the edges of shadows
        near = tinted & (np.linalg.norm(lab - field, axis=2) < NEAR)
        if not (near & ~bare).any():
            break
        bare |= near
        field = _filled(lab, bare)
    return Light(_enlarged(field, srgb.shape[:2]), resampled(binary_erosion(bare, iterations=1, border_value=1), srgb.shape[:2]))


def sheet_in(srgb: Array) -> Array | None:
    """Where a sheet of paper lies in a picture of more than that, [H,W] bool without its rim; None where there is none."""
    small = resized(srgb)
    lab = lab_of(small)
    lightness, colorful = lab[..., 0], np.linalg.norm(lab[..., 1:], axis=2)
    for inside in (lightness > _threshold(lightness), colorful < _threshold(colorful)):
        sheet = sheet_of(inside, small)
        if sheet is not None:
            return resampled(sheet, srgb.shape[:2])
    return None


def sheet_of(inside: Array, srgb: Array) -> Array | None:
    """The largest part of `inside` [H,W] bool as a sheet of paper, without its rim; None where it has no four corners or is full."""
    from scipy.ndimage import binary_closing, binary_erosion, binary_fill_holes, binary_opening, gaussian_gradient_magnitude, label

    labels, count = label(binary_opening(inside, iterations=2))
    if not count:
        return None
    part = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    part = binary_fill_holes(binary_closing(np.pad(part, 8), iterations=6)[8:-8, 8:-8])
    hull, cornered = _hull(part)
    share = hull.mean()
    if not SHEET[0] < share < SHEET[1] or part.sum() < 0.9 * hull.sum() or cornered < CORNERED:
        return None
    lab = lab_of(srgb)
    steep = np.sqrt(sum(gaussian_gradient_magnitude(lab[..., c], 1.2) ** 2 for c in range(3)))
    whole = binary_erosion(hull, iterations=max(2, round(RIM * np.sqrt(hull.sum()))))
    if not whole.any() or (steep[whole] < NOISIEST).mean() < FLAT_SHARE:
        return None
    return whole


def resized(srgb: Array) -> Array:
    """A picture at the size that light and sheets are looked for at."""
    return resize(srgb, LONG_SIDE_PX)


def resampled(mask: Array, shape: tuple[int, ...]) -> Array:
    """A mask [H,W] at another size, by its nearest pixels."""
    rows, columns = (np.arange(size) * have // size for size, have in zip(shape, mask.shape, strict=False))
    return mask[rows[:, None], columns]


def _filled(lab: Array, known: Array) -> Array:
    """Smooth colors everywhere from what is known around, by averaging down and filling up again (Gortler et al. 1996, push-pull)."""
    from scipy.ndimage import gaussian_filter

    levels = [(lab * known[..., None].astype(np.float32), known.astype(np.float32))]
    while max(levels[-1][1].shape) > 1:
        levels.append((_halved(levels[-1][0]), _halved(levels[-1][1])))
    field = levels[-1][0] / max(float(levels[-1][1][0, 0]), 1e-9)
    for total, weight in reversed(levels[:-1]):
        field = np.repeat(np.repeat(field, 2, axis=0), 2, axis=1)[: weight.shape[0], : weight.shape[1]]
        field = np.stack([gaussian_filter(field[..., c], 1.0) for c in range(3)], axis=-1)
        share = np.minimum(weight / KNOWN, 1.0)[..., None]
        field = share * total / np.maximum(weight, 1e-9)[..., None] + (1.0 - share) * field
    return np.stack([gaussian_filter(field[..., c], 3.0) for c in range(3)], axis=-1)


def _halved(plane: Array) -> Array:
    """Means of two by two values, of fewer along an uneven edge's zeros."""
    even = np.pad(plane, [(0, size % 2) for size in plane.shape[:2]] + [(0, 0)] * (plane.ndim - 2))
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def _threshold(values: Array) -> float:
    """The value that splits a histogram into two narrow classes (Otsu 1979)."""
    counts, edges = np.histogram(values, 128)
    middle = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middle)
    between = below * above * (sums / np.maximum(below, 1) - (sums[-1] - sums) / np.maximum(above, 1)) ** 2
    return float(edges[1:][between.argmax()])


def _hull(part: Array) -> tuple[Array, float]:
    """The convex hull of a mask [H,W] bool, and the share of its area that an outline of four of its corners keeps."""
    from scipy.spatial import ConvexHull, QhullError

    rows, columns = np.nonzero(part)
    try:
        hull = ConvexHull(np.column_stack([columns, rows]))
    except (QhullError, ValueError):
        return part, 0.0
    y, x = np.mgrid[: part.shape[0], : part.shape[1]]
    inside = np.ones(part.shape, bool)
    for a, b, c in hull.equations:
        inside &= a * x + b * y + c <= 0.5
    corners = hull.points[hull.vertices]
    while len(corners) > 4:
        before, after = np.roll(corners, 1, axis=0) - corners, np.roll(corners, -1, axis=0) - corners
        corners = np.delete(corners, np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]).argmin(), axis=0)
    x, y = corners.T
    area = 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))
    return inside, area / max(hull.volume, 1e-9)


def _enlarged(field: Array, shape: tuple[int, ...]) -> Array:
    from PIL import Image

    size = shape[1], shape[0]
    planes = (Image.fromarray(np.ascontiguousarray(field[..., c])).resize(size, Image.Resampling.BILINEAR) for c in range(3))
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)
