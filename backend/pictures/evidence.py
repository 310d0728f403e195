"""Evidence that a cut-out took something other than the subject: an outline without edges, a floor, a touched border."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..formats.images import resize, resize_to
from ..values import Array
from .lab import lab_of

LONG_SIDE_PX = 320  # edges are judged at this size
BLUR_PX = 2.0  # standard deviation of the means on either side of an outline
LEAST_STEP = 4.0  # CIELAB between them, below which nothing ends there
EDGELESS = 0.12  # share of the outline that may have no edge: soft fur and highlights make some
TOUCHED = 0.25  # share of the picture's border that a subject may cover
LEVEL = 0.3  # share of the picture's width along which a level upper edge is a floor's
LEVEL_PX = 3  # rows within which an edge is level


@dataclass(frozen=True)
class Evidence:
    """What speaks against a cut-out, each as a share of 0 to 1."""

    edgeless: float  # of the outline inside the picture: nothing ends there
    touched: float  # of the picture's border: the subject covers it
    across: bool  # the subject reaches from the left border to the right one, or from the upper one to the lower one
    level: float  # of the picture's width: a level upper edge of what touches the left, right or lower border

    def doubt(self, name: str) -> str:
        """What is wrong with the cut-out of the picture `name`, one sentence; empty where it can be trusted."""
        if self.level > LEVEL:
            return f"The cut-out of {name} includes what looks like a floor: look at it, and cut it out another way."
        if self.across:
            return f"The cut-out of {name} reaches across the picture: look at it, and cut it out another way."
        if self.touched > TOUCHED:
            return f"The cut-out of {name} covers {self.touched:.0%} of the picture's border: look at it, and cut it out another way."
        if self.edgeless > EDGELESS:
            return f"The outline of {name} follows no edge along {self.edgeless:.0%} of its length: look at it, and cut it out another way."
        return ""


def evidence_of(srgb: Array, coverage: Array) -> Evidence:
    """The evidence against the subject of `coverage` [H,W] in a picture [H,W,3] uint8."""
    small = resize(srgb, LONG_SIDE_PX)
    height, width = small.shape[:2]
    inside = resize_to(np.round(255 * coverage).astype(np.uint8), (width, height)) > 127
    sides = (inside[:, 0].any(), inside[:, -1].any(), inside[0].any(), inside[-1].any())
    border = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
    across = bool((sides[0] and sides[1]) or (sides[2] and sides[3]))
    return Evidence(_edgeless(small, inside), float(border.mean()), across, _level(inside))


def _edgeless(srgb: Array, inside: Array) -> float:
    """Share of the outline's pixels, but for the picture's border, across which mean colors hardly change.

    Means over BLUR_PX on either side, each without the other, leave out noise, and rules on paper.
    """
    from scipy.ndimage import binary_erosion, gaussian_filter

    rim = inside & ~binary_erosion(inside, border_value=1)
    if not rim.any():
        return 0.0
    lab = lab_of(srgb)

    def means(share: Array) -> Array:
        weight = np.maximum(gaussian_filter(share, BLUR_PX), 1e-3)
        return np.stack([gaussian_filter(lab[..., c] * share, BLUR_PX) / weight for c in range(3)], axis=-1)

    within = inside.astype(np.float64)
    step = np.linalg.norm(means(within) - means(1.0 - within), axis=-1)
    return float((step[rim] < LEAST_STEP).mean())


def _level(inside: Array) -> float:
    """The longest share of the picture's width along which parts that touch its border, except the upper one, end at one height."""
    from scipy.ndimage import label

    labels, _ = label(inside)
    touching = np.unique(np.concatenate([labels[-1], labels[:, 0], labels[:, -1]]))
    slab = np.isin(labels, touching[touching > 0])
    top = slab & ~np.pad(slab, ((1, 0), (0, 0)))[:-1]
    per_row = top.sum(axis=1)
    return float(np.convolve(per_row, np.ones(LEVEL_PX), "same").max(initial=0.0)) / inside.shape[1]
