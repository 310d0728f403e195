"""Depth maps as scanning apps and trainers write them: 16-bit PNG and TIFF in a unit, floats in EXR, TIFF and .npy."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..values import Array
from . import decoding, images

DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")  # of Pillow: one channel of more than 8 bits


def read_depth(path: Path, unit: float) -> Array:
    """Depth along the viewing axis [H,W] float32; whole numbers count in `unit`, floats are taken as they are, 0 is unknown.

    Raises ReifyError where the file can't be read or holds no single channel.
    """
    try:
        values = _values(path)
    except (ReifyError, MemoryError):
        raise
    except Exception as error:  # numpy, Pillow and OpenEXR raise nearly anything on damaged files
        raise ReifyError(f"The depth map {path.name} can't be read ({error}).", "Export it again.") from error
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.ndim != 2:
        raise ReifyError(f"The depth map {path.name} has the shape {values.shape}.", "Export it with one channel.")
    depth = values.astype(np.float32) * (unit if values.dtype.kind in "iu" else 1.0)
    return np.where(np.isfinite(depth) & (depth > 0), depth, 0.0).astype(np.float32)


def is_deep_gray(path: Path) -> bool:
    """True for a picture of one channel with more than 8 bits."""
    try:
        with images.open_image(path) as image:
            return image.mode in DEEP_MODES
    except ReifyError:
        return False


def has_colors(path: Path) -> bool:
    """False for a sound EXR file whose header names no color channels, as of depth."""
    try:
        import OpenEXR

        with OpenEXR.File(str(path), header_only=True) as file:
            letters = {channel.name.rpartition(".")[2] for channel in file.header()["channels"]}
    except Exception:  # a damaged file, or no OpenEXR: whoever reads the picture says so
        return True
    return "Y" in letters or {"R", "G", "B"} <= letters


def _values(path: Path) -> Array:
    suffix = path.suffix.lower()
    if suffix == ".npy":
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)  # which refuses a header that promises more than the file has
        decoding.require_memory(path, 3 * mapped.nbytes)
        return np.array(mapped)
    if suffix == ".exr":
        with decoding.open_exr(path) as file:
            channels = {name.rpartition(".")[2]: channel.pixels for name, channel in file.channels().items()}
        return np.asarray(
            next((channels[name] for name in ("Z", "depth", "V", "Y", "R") if name in channels), next(iter(channels.values())))
        )
    with images.open_image(path) as image:
        decoding.load(image, path)
        return np.asarray(image)
