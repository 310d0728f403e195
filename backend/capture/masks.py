"""The mask pictures that belong to photos."""

from __future__ import annotations

import numpy as np

from ..formats import images
from ..values import Array, Photo


def read_mask(photo: Photo, size_px: tuple[int, int]) -> Array | None:
    """A photo's mask picture at a size (width, height), upright as the photo is: [H,W] uint8, 0 is masked away; None where it has none.

    The photo's own transparency isn't looked at. Raises ReifyError where the mask can't be read.
    """
    if photo.mask is None:
        return None
    pixels = images.read_image(photo.mask)
    if _lies(pixels, photo):  # it was made from the stored pixels of a photo that EXIF turns
        pixels = images.read_image(photo.mask, turn=images.probe(photo.path).orientation)
    mask = pixels[..., :3].max(axis=2)
    if pixels.shape[2] == 4 and mask.min() == mask.max():  # all of one color: its transparency is what masks
        mask = pixels[..., 3]
    return images.resize_to(np.ascontiguousarray(mask), size_px)


def _lies(pixels: Array, photo: Photo) -> bool:
    height, width = pixels.shape[:2]
    return (width - height) * (photo.width - photo.height) < 0
