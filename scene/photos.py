"""Blender's images as photos: the file itself where it is unchanged, else the pixels, written to a folder of ours."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

import bpy
import numpy as np

from ..backend.errors import ReifyError
from ..backend.folders import make_own
from ..backend.formats.images import write_png
from ..backend.jobs.cache import prune
from . import images

KEPT_BYTES = 2 << 30  # of written pictures


def photo_files(sources: Iterable[bpy.types.Image], folder: Path) -> tuple[Path, ...]:
    """A picture file for each image; packed, painted and generated ones are written to `folder` as PNG, those with the same pixels once.

    Pictures written there that were used longest ago go when there are too many. Raises ReifyError for an image without pixels.
    """
    files = tuple(_photo_file(image, folder) for image in sources)
    prune(folder, KEPT_BYTES)
    return files


def _photo_file(image: bpy.types.Image, folder: Path) -> Path:
    path = Path(bpy.path.abspath(image.filepath, library=image.library)) if image.filepath else None
    if path is not None and path.is_file() and image.source == "FILE" and image.packed_file is None and not image.is_dirty:
        return path
    if not image.has_data and not images.size_px(image)[0]:
        raise ReifyError(f"The image {image.name} has no pixels.", "Reload it, or remove it from the sources.")
    # A copy of the image that saves itself would be black where the original was painted and never saved.
    pixels = images.srgb_pixels(image)
    name = re.sub(r"[^\w.-]+", "_", image.name)
    target = folder / hashlib.sha256(pixels.tobytes()).hexdigest()[:16] / f"{name}.png"
    if not target.is_file():
        make_own(target.parent)
        write_png(target, pixels if pixels[..., 3].min() < 255 else np.ascontiguousarray(pixels[..., :3]))
    os.utime(target.parent)  # `prune` goes by it
    return target
