"""Depth Anything v2: how near everything in a picture is, up to scale and shift.

Yang et al., "Depth Anything V2", NeurIPS 2024: DINOv2 looks at the picture, and a head after Ranftl et al., "Vision Transformers for Dense
Prediction", ICCV 2021, puts tokens of four depths together to a map, coarse to fine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..values import Array
from .parts.vision import DINOV2, VIT_SMALL_14, Size, VisionTransformer, from_dinov2
from .published import tensors_of

LEAST_PX = 518  # of the shorter side that pictures are scaled to
MIDDLE = 32  # channels before the last layer


@dataclass(frozen=True)
class Shape:
    """Sizes of the network; those of the published small one are the defaults."""

    eye: Size = VIT_SMALL_14
    blocks: tuple[int, ...] = (2, 5, 8, 11)  # of the vision transformer, after which tokens are taken
    widths: tuple[int, ...] = (48, 96, 192, 384)
    features: int = 64


class DepthAnything(nn.Module):
    """From colors [B,3,H,W], 0 to 1, to disparity [B,H,W]: inverse depth, times an unknown factor, plus an unknown constant.

    H and W are multiples of the patches' size.
    """

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__()
        self.shape = shape
        first, second, _, last = shape.widths
        features = shape.features
        self.eye = VisionTransformer(shape.eye, DINOV2)
        self.narrow = nn.ModuleList(nn.Conv2d(shape.eye.width, width, 1) for width in shape.widths)
        self.resize = nn.ModuleList([
            nn.ConvTranspose2d(first, first, 4, stride=4),
            nn.ConvTranspose2d(second, second, 2, stride=2),
            nn.Identity(),
            nn.Conv2d(last, last, 3, stride=2, padding=1),
        ])  # fmt: skip
        self.enter = nn.ModuleList(nn.Conv2d(width, features, 3, padding=1, bias=False) for width in shape.widths)
        self.fuse = nn.ModuleList(Fusion(features, joins=level < len(shape.widths) - 1) for level in range(len(shape.widths)))
        self.leave = nn.ModuleList([
            nn.Conv2d(features, features // 2, 3, padding=1),
            nn.Conv2d(features // 2, MIDDLE, 3, padding=1),
            nn.Conv2d(MIDDLE, 1, 1),
        ])  # fmt: skip

    def forward(self, colors: Tensor, progress: Callable[[float], None] = lambda fraction: None) -> Tensor:
        """`progress` hears the fraction that is done, and may raise."""
        grid = tuple(side // self.shape.eye.patch_px for side in colors.shape[2:])
        seen = self.eye.after(colors, self.shape.blocks, lambda fraction: progress(0.8 * fraction))
        levels = []
        for tokens, narrow, resize, enter in zip(seen, self.narrow, self.resize, self.enter, strict=True):
            patches = self.eye.patches_of(self.eye.norm(tokens)).transpose(1, 2).unflatten(2, grid)
            levels.append(enter(resize(narrow(patches))))
        joined = None
        for number, (level, fuse) in enumerate(zip(reversed(levels), reversed(self.fuse), strict=True)):  # the coarsest first
            finer = levels[-2 - number].shape[2:] if number + 1 < len(levels) else [2 * side for side in level.shape[2:]]
            joined = fuse(level, joined, finer)
            progress(0.8 + 0.05 * (number + 1))
        made = _scaled(self.leave[0](joined), colors.shape[2:])
        return F.relu(self.leave[2](F.relu(self.leave[1](made))))[:, 0]


class Fusion(nn.Module):
    """Puts a level and what came of the coarser ones together, and scales it."""

    def __init__(self, features: int, joins: bool) -> None:
        super().__init__()
        self.prepare = Residual(features) if joins else None
        self.mix = Residual(features)
        self.leave = nn.Conv2d(features, features, 1)

    def forward(self, level: Tensor, coarser: Tensor | None, size: Sequence[int]) -> Tensor:
        """Features [B,C,*size] of a level's [B,C,H,W] and of coarser ones' [B,C,H,W], None for the coarsest level."""
        if self.prepare is not None and coarser is not None:
            level = coarser + self.prepare(level)
        return self.leave(_scaled(self.mix(level), size))


class Residual(nn.Module):
    """Two convolutions, each after a ReLU, added to their input [B,C,H,W]."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(features, features, 3, padding=1)
        self.second = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, values: Tensor) -> Tensor:
        """Features [B,C,H,W]."""
        return values + self.second(F.relu(self.first(F.relu(values))))


def prepared(srgb: Array, patch_px: int, least_px: int = LEAST_PX) -> Tensor:
    """Colors [1,3,h,w], 0 to 1, of a picture [H,W,3] uint8, the shorter side scaled to `least_px`, sides multiples of `patch_px`."""
    height, width = srgb.shape[:2]
    scale = max(least_px / height, least_px / width)
    size = [_multiple(scale * side, patch_px, least_px) for side in (height, width)]
    colors = torch.tensor(srgb).permute(2, 0, 1)[None].float() / 255.0
    return F.interpolate(colors, size, mode="bicubic")  # without a filter, as the reference does


def _multiple(side: float, step: int, least: int) -> int:
    """The multiple of `step` that is nearest to a side, or the next one where that is too little."""
    nearest = int(np.round(side / step)) * step
    return nearest if nearest >= least else int(np.ceil(side / step)) * step


def disparity(
    srgb: Array, network: DepthAnything, progress: Callable[[float], None] = lambda fraction: None, least_px: int = LEAST_PX
) -> Array:
    """Disparity [h,w] float32, large where near, 0 and more, of a picture [H,W,3] uint8, at the size of `prepared`.

    The reference scales it to [H,W] bilinearly, corner pixels to corner pixels.
    """
    weight = network.eye.class_token
    colors = prepared(srgb, network.shape.eye.patch_px, least_px).to(weight.device, weight.dtype)
    with torch.inference_mode():
        return network(colors, progress)[0].float().cpu().numpy()


def _scaled(values: Tensor, size: Sequence[int]) -> Tensor:
    """Values [B,C,*size], interpolated bilinearly so that corners stay corners."""
    return F.interpolate(values, tuple(size), mode="bilinear", align_corners=True)


def convert(files: Mapping[str, Path]) -> dict[str, Array]:
    """The network's arrays out of the published checkpoint, float32; raises ValueError where it holds another network."""
    (checkpoint,) = files.values()
    arrays = {name: array.numpy() for name, array in ours(tensors_of(checkpoint)).items()}
    with torch.device("meta"):
        wanted = {name: tuple(array.shape) for name, array in DepthAnything().state_dict().items()}
    if wanted != {name: array.shape for name, array in arrays.items()}:
        raise ValueError("it isn't Depth Anything v2 Small")
    return arrays


UNUSED = "depth_head.scratch.refinenet4.resConfUnit1."  # the coarsest level has nothing to be joined with
EYE = "pretrained."
NAMES = (  # of the published checkpoint, and ours
    (r"projects\.(\d)", r"narrow.\1"),
    (r"resize_layers\.(\d)", r"resize.\1"),
    (r"scratch\.output_conv1", "leave.0"),
    (r"scratch\.output_conv2\.0", "leave.1"),
    (r"scratch\.output_conv2\.2", "leave.2"),
)
PARTS = {"out_conv": "leave", "resConfUnit1": "prepare", "resConfUnit2": "mix", "conv1": "first", "conv2": "second"}


def ours(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Arrays of the published checkpoint by our names; unknown ones keep theirs."""
    eye = from_dinov2({name.removeprefix(EYE): array for name, array in published.items() if name.startswith(EYE)})
    rest = {name: array for name, array in published.items() if not name.startswith((EYE, UNUSED))}
    return {**{f"eye.{name}": array for name, array in eye.items()}, **{_ours(name): array for name, array in rest.items()}}


def _ours(name: str) -> str:
    stem, dot, kind = name.removeprefix("depth_head.").rpartition(".")
    if found := re.fullmatch(r"scratch\.layer(\d)_rn", stem):
        return f"enter.{int(found[1]) - 1}{dot}{kind}"
    if found := re.fullmatch(r"scratch\.refinenet(\d)\.(.+)", stem):
        return ".".join([f"fuse.{int(found[1]) - 1}", *(PARTS.get(part, part) for part in found[2].split(".")), kind])
    for pattern, replacement in NAMES:
        if found := re.fullmatch(pattern, stem):
            return found.expand(replacement) + dot + kind
    return name
