"""Outlines of drawings: where they have no edge, where they have gaps, and whether what they enclose belongs to them."""

from __future__ import annotations

import numpy as np

from ..values import Array

LONG_SIDE_PX = 900  # gaps and thickness are judged at this size
STEP = 0.9  # of the noise: less from one side of an outline to the other is no edge
THIN = 0.012  # of the long side: strokes are thinner
FEW = 0.05  # of the subject are strokes: it isn't drawn in outlines
GAPS = (0.004, 0.008, 0.014, 0.02)  # of the long side, radius of what closes them
WIDER = 2.5  # times that, the radius of what fits into an area that was enclosed: else it only lies between strokes
THICK_SHARE = 0.4  # of the rim around a hole
LEAST_GRAIN, LEAST_SHARE = 2e-5, 5e-4  # of the picture, and of its subject: what is smaller is a fiber of the paper
FAINT_GRAIN, FAINT = 10.0, 2.0  # times that size, and times the noise: what is smaller and fainter


def without_an_edge(lab: Array, background: Array, noise: float) -> float:
    """Share of a background's inner border [H,W] across which colors hardly change: there its light changes, and nothing ends."""
    from scipy.ndimage import binary_dilation, gaussian_filter, maximum_filter, minimum_filter

    step = max(1, max(background.shape) // LONG_SIDE_PX)
    lab, background = lab[::step, ::step], background[::step, ::step]
    rim = binary_dilation(background) & ~background
    if not rim.any():
        return 0.0
    spans = []
    for c in range(3):
        smooth = gaussian_filter(lab[..., c], 1.5)
        spans.append(maximum_filter(smooth, 9) - minimum_filter(smooth, 9))
    return float((np.sqrt(np.square(spans).sum(axis=0))[rim] < STEP * noise).mean())


def without_grains(subject: Array, difference: Array, noise: float) -> Array:
    """The subject [H,W] bool without the grain of its paper: small faint specks by `difference` [H,W]."""
    from scipy.ndimage import label, maximum

    labels, count = label(subject, np.ones((3, 3), int))
    if not count:
        return subject
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    strongest = np.concatenate([[0.0], np.atleast_1d(maximum(difference, labels, np.arange(1, count + 1)))])
    least = max(LEAST_GRAIN * subject.size, LEAST_SHARE * subject.sum())
    grain = (sizes < least) | ((sizes < FAINT_GRAIN * least) & (strongest < FAINT * noise))
    grain[0] = False
    return subject & ~grain[labels]


def closed(background: Array) -> Array:
    """The background [H,W] without what strokes enclose but for small gaps, where some of the subject is drawn in outlines."""
    from scipy.ndimage import binary_fill_holes, distance_transform_edt, label, maximum

    step = max(1, max(background.shape) // LONG_SIDE_PX)
    subject = ~background[::step, ::step]
    size = max(subject.shape)
    strokes = int((subject & ~_opened(subject, THIN * size)).sum())
    if strokes <= FEW * subject.sum():
        return background
    gained = np.zeros(subject.shape, bool)
    for gap in GAPS:
        radius = max(1.5, gap * size)
        edge = int(radius) + 2
        near = binary_fill_holes(distance_transform_edt(~np.pad(subject, edge)) <= radius)
        more = (distance_transform_edt(near) > radius)[edge:-edge, edge:-edge] & ~subject & ~gained
        parts, count = label(more)
        if count:
            reach = maximum(distance_transform_edt(np.pad(more, 1))[1:-1, 1:-1], parts, np.arange(1, count + 1))
            gained |= np.concatenate([[False], np.atleast_1d(reach) >= WIDER * radius])[parts]
    enlarged = np.repeat(np.repeat(gained, step, axis=0), step, axis=1)[: background.shape[0], : background.shape[1]]
    enlarged = np.pad(enlarged, [(0, full - have) for full, have in zip(background.shape, enlarged.shape, strict=True)])
    return background & ~enlarged


def thickly_enclosed(holes: Array, background: Array, small: float) -> Array:
    """Those of the `holes` [H,W] bool that are larger than the share `small` of the picture and have thick shapes around them."""
    from scipy.ndimage import binary_dilation, label

    labels, count = label(holes)
    if not count:
        return holes
    thick = _opened(~background & ~holes, THIN * max(holes.shape))
    kept = np.zeros(count + 1, bool)
    for number in range(1, count + 1):
        hole = labels == number
        rim = binary_dilation(hole, iterations=max(3, round(0.006 * max(holes.shape)))) & ~hole & ~background
        kept[number] = hole.sum() >= small * holes.size and thick[rim].mean() > THICK_SHARE if rim.any() else False
    return kept[labels]


def _opened(mask: Array, radius: float) -> Array:
    """What discs of this radius cover within a mask."""
    from scipy.ndimage import distance_transform_edt

    inside = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1] > radius
    return distance_transform_edt(~inside) <= radius if inside.any() else inside
