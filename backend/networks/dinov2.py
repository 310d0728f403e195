"""DINOv2 by itself: the tokens of pictures that other networks are conditioned on. Its parts are those of parts/vision.py."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from ..values import Array
from .parts.vision import DINOV2, DINOV2_REGISTERS, VIT_LARGE_14, VisionTransformer, from_dinov2
from .published import tensors_of


def large() -> VisionTransformer:
    """ViT-L/14 with registers."""
    return VisionTransformer(VIT_LARGE_14, DINOV2_REGISTERS)


def large_plain() -> VisionTransformer:
    """ViT-L/14 without registers."""
    return VisionTransformer(VIT_LARGE_14, DINOV2)


def convert(files: Mapping[str, Path]) -> dict[str, Array]:
    """The network's arrays out of the published checkpoint, float32; raises ValueError where it holds another network."""
    (path,) = files.values()
    arrays = {name: array.numpy() for name, array in from_dinov2(tensors_of(path)).items()}
    with torch.device("meta"):
        wanted = {name: tuple(array.shape) for name, array in (large() if "registers" in arrays else large_plain()).state_dict().items()}
    if wanted != {name: array.shape for name, array in arrays.items()}:
        raise ValueError("it isn't DINOv2 Large")
    return arrays
