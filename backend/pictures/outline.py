"""What a subject's outline looks like: its mirror axis, its straightness, its holes, its colors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..geometry import masks
from ..values import Array, Picture

LONG_SIDE = 192  # samples; enough to judge by
UPRIGHT_BONUS = 0.01  # a slanted axis has to be better than the upright one by this


@dataclass(frozen=True)
class Axis:
    """A mirror axis in the picture."""

    point_px: tuple[float, float]  # x, y on the axis
    angle: float  # radians from the vertical, positive leans to the right at its top
    overlap: float  # of the subject with its mirror image, intersection over union


@dataclass(frozen=True)
class Outline:
    """What the choice of a method rests on."""

    axis: Axis
    parts: int
    holes: int
    single_rows: float  # share of the lines across the axis that meet the subject in one piece
    straightness: float  # share of the contour that runs straight
    fills_box: float  # share of the bounding box that is covered
    flat_colors: float  # share of the subject that a few flat colors explain
    colors: int  # colors that each cover a fiftieth of the subject or more
    touches: float  # share of the picture's border that the subject covers


def outline_of(picture: Picture) -> Outline:
    """Judge the outline of a picture's subject."""
    from scipy.ndimage import label

    coverage, scale, _ = _reduced(picture.coverage)
    inside = coverage > 0.5 * coverage.max()
    flat, colors = _flat_colors(picture)
    eight = np.ones((3, 3), int)
    axis = mirror_axis(picture.coverage)
    rows = along_axis(picture.coverage, axis, max(1.0, 1.0 / scale))[0] > 0.5
    starts = (rows[:, 1:] & ~rows[:, :-1]).sum(axis=1) + rows[:, 0]
    border = np.concatenate([picture.coverage[0], picture.coverage[-1], picture.coverage[:, 0], picture.coverage[:, -1]])
    return Outline(
        axis=axis,
        parts=label(inside, eight)[1],
        holes=label(np.pad(~inside, 1, constant_values=True))[1] - 1,
        single_rows=float((starts[starts > 0] == 1).mean()) if (starts > 0).any() else 0.0,
        straightness=_straightness(coverage),
        fills_box=float(inside.sum()) / float(np.ptp(np.nonzero(inside.any(1))[0]) + 1) / float(np.ptp(np.nonzero(inside.any(0))[0]) + 1),
        flat_colors=flat,
        colors=colors,
        touches=float((border > 0.5).mean()),
    )


def proposed(outline: Outline) -> tuple[str, str]:
    """The method that fits an outline, and why."""
    flat = outline.flat_colors > 0.85
    if outline.touches > 0.9 and outline.fills_box > 0.95:
        return "relief", "the subject fills the whole picture"
    if flat and outline.colors <= 2 and (outline.straightness > 0.3 or (outline.holes > 0 and outline.straightness > 0.15)):
        return "extrude", "the outline is straight and the color flat, as letters and logos are"
    turned = outline.single_rows > 0.97 and outline.parts == 1 and outline.holes == 0
    if turned and outline.axis.overlap > 0.95:
        return "lathe", f"the outline is mirror-symmetric to {outline.axis.overlap:.0%}, in one piece and without holes"
    if flat and outline.colors >= 3:
        return "layers", f"the picture is drawn in {outline.colors} flat colors"
    if outline.holes:
        return "inflate", f"the outline is free and has {outline.holes} hole{'s' * (outline.holes > 1)}"
    return "inflate", f"the outline is free: {outline.axis.overlap:.0%} of it is mirror-symmetric"


def mirror_axis(coverage: Array) -> Axis:
    """The best upright or nearly upright mirror axis of a subject, [H,W] float coverage."""
    small, scale, corner = _reduced(coverage)
    y, x = np.nonzero(small > 0.5 * small.max())  # specks are thinner than a sample
    across, down = x - x.mean(), y - y.mean()
    lean = 0.5 * np.arctan2(2.0 * (across * down).mean(), (across**2).mean() - (down**2).mean())  # of a principal axis
    # A mirror axis is always a principal axis.
    angles = [float(principal % np.pi - 0.5 * np.pi) for principal in (lean, lean + 0.5 * np.pi)]
    best = None
    for angle in (0.0, *(angle for angle in angles if 1e-3 < abs(angle) <= 0.25 * np.pi)):
        middle = np.array([x.mean() + 0.5, y.mean() + 0.5])
        turned = _turned(small, middle, angle)
        offset, overlap = _best_column(turned)
        shift = offset * np.array([np.cos(angle), np.sin(angle)])
        found = Axis(tuple(corner + (middle + shift) / scale), angle, overlap)
        if best is None or found.overlap > best.overlap + UPRIGHT_BONUS:
            best = found
    assert best is not None
    return best


def along_axis(coverage: Array, axis: Axis, step_px: float = 1.0) -> tuple[Array, float]:
    """Coverage resampled so that the axis is the middle column, cropped to the subject's reach.

    Also where its first row begins, in pixels along the axis down from `axis.point_px`.
    """
    y, x = np.nonzero(coverage > 0.02)
    corners = np.array([[x.min(), y.min()], [x.max() + 1, y.min()], [x.min(), y.max() + 1], [x.max() + 1, y.max() + 1]], float)
    across, down = _directions(axis.angle)
    reach = np.abs((corners - axis.point_px) @ across).max() + 2.0 * step_px
    low, high = ((corners - axis.point_px) @ down).min() - 2.0 * step_px, ((corners - axis.point_px) @ down).max() + 2.0 * step_px
    s = np.arange(-np.ceil(reach / step_px), np.ceil(reach / step_px) + 1) * step_px
    t = np.arange(low, high, step_px)
    return _sampled(coverage, np.asarray(axis.point_px), axis.angle, s, t), float(low - 0.5 * step_px)


def _directions(angle: float) -> tuple[Array, Array]:
    """Unit vectors across (to the right) and down an axis that leans by `angle`, in x and y of the picture."""
    return np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])


def _sampled(coverage: Array, point: Array, angle: float, s: Array, t: Array) -> Array:
    from scipy.ndimage import map_coordinates

    across, down = _directions(angle)
    x = point[0] + s[None, :] * across[0] + t[:, None] * down[0]
    y = point[1] + s[None, :] * across[1] + t[:, None] * down[1]
    return map_coordinates(coverage.astype(np.float32), [y - 0.5, x - 0.5], order=1, mode="grid-constant", cval=0.0)


def _reduced(coverage: Array) -> tuple[Array, float, Array]:
    """A small copy of the subject's bounding box, its scale, and its corner in the picture (x, y)."""
    from scipy.ndimage import zoom

    rows, columns = masks.bounds(coverage > 0.02)
    cut = coverage[rows, columns].astype(np.float32)
    corner = np.array([columns.start, rows.start], float)
    step = max(1, round(max(cut.shape) / LONG_SIDE))
    if step > 1:
        padded = np.pad(cut, [(0, -size % step) for size in cut.shape])
        cut = padded.reshape(padded.shape[0] // step, step, padded.shape[1] // step, step).mean(axis=(1, 3))
    elif max(cut.shape) < LONG_SIDE // 4:
        return zoom(cut, 4, order=1, grid_mode=True, mode="nearest"), 4.0, corner
    return cut, 1.0 / step, corner


def _turned(small: Array, middle: Array, angle: float) -> Array:
    reach = int(np.ceil(np.hypot(small.shape[0], small.shape[1]))) + 2
    line = np.arange(-reach, reach + 1, dtype=float)
    return _sampled(small, middle, angle, line, line)


def _best_column(image: Array) -> tuple[float, float]:
    """Where the mirror column lies, from the middle one, and the overlap there."""
    width = image.shape[1]
    spectrum = np.fft.rfft(image, 2 * width, axis=1)
    agreement = np.fft.irfft((spectrum**2).sum(axis=0), 2 * width)  # at 2 c: sum of m(c + t) m(c - t)
    peak = int(agreement[1:-1].argmax()) + 1
    left, top, right = agreement[peak - 1 : peak + 2]
    double = peak + 0.5 * (left - right) / min(left - 2.0 * top + right, -1e-9)
    return 0.5 * double - (width - 1) / 2, _overlap(image, double)


def _overlap(image: Array, double: float) -> float:
    columns = double - np.arange(image.shape[1])
    low = np.floor(columns).astype(int)
    t = (columns - low).astype(np.float32)
    safe = np.pad(image, ((0, 0), (1, 1)))
    at = np.clip(low + 1, 0, safe.shape[1] - 1), np.clip(low + 2, 0, safe.shape[1] - 1)
    mirrored = safe[:, at[0]] * (1 - t) + safe[:, at[1]] * t
    return float(np.minimum(image, mirrored).sum() / max(np.maximum(image, mirrored).sum(), 1e-9))


def _straightness(coverage: Array) -> float:
    """Share of the contour's pixels whose direction is that of the contour a few pixels on, by the smoothed gradient."""
    from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter

    soft = gaussian_filter(np.pad(coverage, 6), 1.5)
    dy, dx = np.gradient(soft)
    inside = np.pad(coverage, 6) > 0.5
    edge = (maximum_filter(inside, 3) != minimum_filter(inside, 3)) & (np.hypot(dx, dy) > 0.03)
    if not edge.any():
        return 0.0
    # The double angle's structure tensor over a neighborhood: coherent where all normals agree.
    weight = edge.astype(np.float32)
    angle = 2.0 * np.arctan2(dy, dx)
    total = gaussian_filter(weight, 6.0)
    agree = np.hypot(gaussian_filter(weight * np.cos(angle), 6.0), gaussian_filter(weight * np.sin(angle), 6.0)) / np.maximum(total, 1e-6)
    return float((agree[edge] > 0.9985).mean())


def _flat_colors(picture: Picture) -> tuple[float, int]:
    """Share of the subject in colors that each cover a fiftieth of it, of 16 levels a channel, and how many these are."""
    inside = picture.coverage > 0.95
    if not inside.any():
        return 0.0, 0
    step = max(1, int(np.sqrt(inside.sum() / 40_000)))
    colors = picture.srgb[::step, ::step][inside[::step, ::step]].astype(np.int64) >> 4
    shares = np.bincount(colors @ np.array([256, 16, 1]), minlength=4096) / max(len(colors), 1)
    return float(shares[shares >= 0.02].sum()), int((shares >= 0.02).sum())
