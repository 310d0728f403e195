"""Renders in OpenEXR: the passes of a render by name, and pictures with alpha and depth, which compositing programs read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ReifyError
from ..files import writing
from .decoding import exr_library, open_exr

Array = Any


def read_passes(path: Path, layer: str) -> dict[str, Array]:
    """The channels [H,W] of a render layer by their names, "Combined.R", "Depth.Z" …, be they in one part of the file or in several.

    Raises ReifyError where the file isn't there or is damaged.
    """
    try:
        with open_exr(path) as file:
            channels = {name: np.asarray(channel.pixels, np.float32) for part in file.parts for name, channel in part.channels.items()}
    except ReifyError:
        raise
    except Exception as error:  # OpenEXR raises nearly anything
        what = f"The scene's render can't be read: {str(error)[:200]}."
        raise ReifyError(what, "Look whether the disk with temporary files is full, and render again.") from error
    return {name.removeprefix(f"{layer}."): pixels for name, pixels in channels.items() if name.startswith(f"{layer}.")}


def write_rgba_depth(path: Path, pixels: Array) -> None:
    """Write a picture [H,W,5] float32, premultiplied linear red, green, blue, alpha and depth, first row at the top.

    Raises ReifyError where the system refuses or OpenEXR is missing.
    """
    OpenEXR = exr_library(path)
    channels = {name: np.ascontiguousarray(pixels[..., i], np.float32) for i, name in enumerate("RGBAZ")}
    with writing(path) as partial:
        OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, channels).write(str(partial))
