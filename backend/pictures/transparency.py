"""What a picture's alpha says of its subject, where that is half transparent in places or everywhere."""

from __future__ import annotations

import numpy as np

from ..values import Array

LEAST = 16  # of alpha that shows at all
HALF, OPAQUE = 128, 250
SHARE = 0.02  # of what shows that has to have one alpha for it to be meant, as a wing's or a window's
STANDS_OUT = 3.0  # times as much as has a little less or more
FLAT = 6  # difference of alpha between neighbors within such an area
BIN = 8
SHADOW = 60  # brightest channel of a shadow that was drawn under the subject
SOLID_SHARE = 0.2  # of what shows is opaque, where something may be its shadow


def solid_alpha(srgb: Array, alpha: Array) -> int:
    """The least alpha that counts as solid, 255 where the subject is opaque; 0 where nothing shows.

    `srgb` [H,W,3] and `alpha` [H,W] are uint8. A glow or soft shadow falls off and has no alpha of its own; a dark area of one low
    alpha beside opaque ones is a shadow.
    """
    from scipy.ndimage import maximum_filter, minimum_filter

    shown = alpha >= LEAST
    if not shown.any():
        return 0
    flat = (alpha > 0) & (maximum_filter(alpha, 3).astype(int) - minimum_filter(alpha, 3) <= FLAT)
    has_solid = (alpha >= OPAQUE).sum() > SOLID_SHARE * shown.sum()
    if has_solid:
        flat &= ~((alpha < HALF) & (srgb.max(axis=2) < SHADOW))
    counts = np.bincount(alpha[flat] // BIN, minlength=256 // BIN + 1)
    pairs = counts[:-1] + counts[1:]  # a level may lie on the edge of two bins
    beside = np.pad(pairs, 2)
    stands_out = pairs > STANDS_OUT * np.maximum(beside[:-4], beside[4:])
    common = np.flatnonzero((pairs >= SHARE * shown.sum()) & stands_out & (counts[:-1] > 0))
    common = common[common >= LEAST // BIN]
    if len(common) and common[0] * BIN < OPAQUE:
        return int(max(LEAST, np.median(alpha[flat & (alpha // BIN <= common[0] + 1) & (alpha // BIN >= common[0])])))
    return 255 if alpha.max() >= HALF else int(np.percentile(alpha[shown], 75))
