"""Renders in OpenEXR: the passes of a render by name, and pictures with alpha and depth, which compositing programs read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..files import writing
from .decoding import exr_library

Array = Any


def read_passes(path: Path, layer: str) -> dict[str, Array]:
    """The channels [H,W] of a render layer by their names, "Combined.R", "Depth.Z" …, be they in one part of the file or in several."""
    with exr_library(path).File(str(path), separate_channels=True) as file:
        channels = {name: np.asarray(channel.pixels, np.float32) for part in file.parts for name, channel in part.channels.items()}
    return {name.removeprefix(f"{layer}."): pixels for name, pixels in channels.items() if name.startswith(f"{layer}.")}


def write_rgba_depth(path: Path, pixels: Array) -> None:
    """Write a picture [H,W,5] float32, premultiplied linear red, green, blue, alpha and depth, first row at the top.

    Raises ReifyError where the system refuses or OpenEXR is missing.
    """
    OpenEXR = exr_library(path)
    channels = {name: np.ascontiguousarray(pixels[..., i], np.float32) for i, name in enumerate("RGBAZ")}
    with writing(path) as partial:
        OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, channels).write(str(partial))
