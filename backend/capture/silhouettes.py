"""Whether masks and cameras agree: what is on the subject projects into every mask, since the visual hull holds the subject."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..formats.images import read_image
from ..values import Array, Cameras, Photo
from .lenses import project

FEWEST_POINTS = 20  # in a picture, to tell a share


def shares_inside(
    photos: Sequence[Photo],  # R of them
    masks: Sequence[Path],  # R pictures in the size of the cameras, white on the subject
    cameras: Cameras,  # R
    xyz: Array,  # [N,3] sparse points, found inside masks
) -> Array | None:
    """The share [R] of the points before each camera and in its picture that its mask holds; None unless most photos cut out the subject.

    1 for a photo that cuts nothing out or has fewer than `FEWEST_POINTS` points to tell from.
    """
    cuts = [mask.exists() and (photo.has_alpha or photo.mask_is_subject) for photo, mask in zip(photos, masks, strict=True)]
    if 2 * sum(cuts) <= len(cuts):
        return None
    shares = np.ones(len(photos))
    for index in np.flatnonzero(cuts):
        pixels, depths = project(cameras, int(index), xyz)
        mask = read_image(masks[index])[..., 0] >= 128
        height, width = mask.shape
        seen = (depths > 0) & (pixels >= 0).all(axis=1) & (pixels < (width, height)).all(axis=1)
        if seen.sum() >= FEWEST_POINTS:
            columns, rows = pixels[seen].astype(np.int64).T
            shares[index] = mask[rows, columns].mean()
    return shares
