"""Reading one picture for a body: straight colors and alpha, and a word about what is unusual in the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..formats import endings, svg
from ..formats.images import open_image, read_image
from ..jobs.job import Job
from ..reading import is_folder
from ..values import Array

LONG_SIDE_PX = 4096  # a texture of this size is what graphics cards and artists are at ease with
SMALLEST_PX = 4


def read_picture(path: Path, job: Job) -> tuple[Array, Array | None]:
    """Colors [H,W,3] uint8 (sRGB, straight) and alpha [H,W] uint8, None where the file has none.

    Pictures of more than LONG_SIDE_PX are scaled down, of animations the first frame is taken, premultiplied
    colors are divided by their alpha; the job says so. Raises ReifyError for what can't be read or is too small.
    """
    if is_folder(path):
        raise ReifyError(f"{path.name} is a folder.", "Choose a picture, or several.")
    with open_image(path) as image:
        width, height = image.size
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)  # whose others are gain maps and second views
    if min(width, height) < 1 or max(width, height) < SMALLEST_PX:
        raise ReifyError(f"{path.name} is {width} x {height} pixels small.", "Choose a picture with something to see in it.")
    if frames > 1:
        job.warn(f"{path.name} has {frames} frames; the first one is used.")
    pixels = read_image(path, LONG_SIDE_PX)
    if max(width, height) > LONG_SIDE_PX:
        job.warn(f"{path.name} is {width} x {height} pixels large; it was scaled down to {pixels.shape[1]} x {pixels.shape[0]}.")
    if pixels.shape[2] == 3:
        return pixels, None
    srgb, alpha = pixels[..., :3], pixels[..., 3]
    if alpha.min() == 255:
        return srgb, None
    if is_premultiplied(srgb, alpha):
        job.record_choice(
            "colors", "divided by alpha, because no half transparent pixel is brighter than its alpha: they were premultiplied"
        )
        srgb = straight(srgb, alpha)
    return srgb, alpha


def read_parts(path: Path, shape: tuple[int, ...]) -> Array | None:
    """The shapes of a drawing at the size (H, W) of its picture, as `Picture.parts` has them; None where a file holds none."""
    return svg.shapes_in(path, (shape[1], shape[0])) if endings.has(path, endings.VECTORS) else None


def is_premultiplied(srgb: Array, alpha: Array) -> bool:
    """Whether colors look multiplied with their alpha: none is brighter, and they darken as alpha falls."""
    partial = (alpha > 16) & (alpha < 240)
    solid = alpha >= 250
    if partial.sum() < 24 or not solid.any():
        return False
    brightest = srgb.max(axis=2)
    if (brightest[partial] > alpha[partial] + 2).mean() > 0.002:
        return False
    # A dark subject never outshines its alpha: only where the solid parts are bright does the test say something.
    return float(brightest[solid].mean()) > 1.15 * float(brightest[partial].mean()) and float(np.percentile(brightest[solid], 75)) > 100


def straight(srgb: Array, alpha: Array) -> Array:
    """Premultiplied colors [H,W,3] uint8 divided by alpha [H,W] uint8."""
    whole = srgb.astype(np.float32) * (255.0 / np.maximum(alpha, 1))[..., None]
    return np.clip(whole + 0.5, 0, 255).astype(np.uint8)
