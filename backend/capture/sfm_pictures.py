"""Pictures as structure from motion wants them: upright JPEGs of bounded size under plain names, with masks beside them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ..device import available_threads
from ..errors import ReifyError
from ..formats.images import read_image, write_jpeg, write_png
from ..jobs.job import Job
from ..values import Array, Photo
from .masks import kept_pixels

QUALITY = 96


def picture_name(index: int) -> str:
    """The file name of photo `index`; without the spaces and accents that a photo's own name may have."""
    return f"{index:05d}.jpg"


def mask_name(index: int) -> str:
    """The file name of the mask of photo `index`, as COLMAP looks for it."""
    return f"{picture_name(index)}.png"


def write_pictures(photos: Sequence[Photo], folder: Path, long_side_px: int, job: Job) -> tuple[Array, dict[int, str]]:
    """Write every photo and its mask below `folder`; their sizes [C,2] as (width, height) in pixels, and why some can't be read.

    What an earlier run has written is left. A photo that can't be read has the size 0.
    """
    pictures, masks = folder / "pictures", folder / "masks"
    pictures.mkdir(parents=True, exist_ok=True)
    masks.mkdir(exist_ok=True)
    unreadable: dict[int, str] = {}

    def write(index: int) -> tuple[int, int]:
        try:
            return _write_one(photos[index], pictures / picture_name(index), masks / mask_name(index), long_side_px)
        except ReifyError as error:
            unreadable[index] = error.what
            return 0, 0

    sizes = []
    with ThreadPoolExecutor(available_threads()) as pool:
        try:
            for index, size in enumerate(pool.map(write, range(len(photos)))):
                sizes.append(size)
                job.progress((index + 1) / len(photos), f"preparing photo {index + 1} of {len(photos)}")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return np.array(sizes, np.int64).reshape(-1, 2), unreadable


def _write_one(photo: Photo, picture: Path, mask: Path, long_side_px: int) -> tuple[int, int]:
    from PIL import Image

    if picture.exists():
        with Image.open(picture) as image:
            return image.size
    pixels = read_image(photo.path, long_side_px)
    size = (pixels.shape[1], pixels.shape[0])
    keep = kept_pixels(photo, pixels)
    if keep is not None:
        write_png(mask, np.where(keep, np.uint8(255), np.uint8(0)))
    write_jpeg(picture, _opaque(pixels), QUALITY)
    return size


def _opaque(pixels: Array) -> Array:
    if pixels.shape[2] == 3:
        return pixels
    # A background of the subject's own mean color makes the weakest edge around it.
    alpha = pixels[..., 3:].astype(np.float32) / 255.0
    rgb = pixels[..., :3].astype(np.float32)
    mean = (rgb * alpha).sum(axis=(0, 1)) / max(float(alpha.sum()), 1.0)
    return np.rint(rgb * alpha + mean * (1.0 - alpha)).astype(np.uint8)
