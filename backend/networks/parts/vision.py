"""The vision transformer (Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021), as DINO and DINOv2 trained it.

DINO: Caron et al., "Emerging Properties in Self-Supervised Vision Transformers", ICCV 2021. DINOv2: Oquab et al., "DINOv2: Learning Robust
Visual Features without Supervision", 2024. Registers: Darcet et al., "Vision Transformers Need Registers", ICLR 2024.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import Attention, FeedForward

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colors, by which pictures are normalized


@dataclass(frozen=True)
class Training:
    """What differs between vision transformers by how they were trained."""

    epsilon: float = 1e-12  # of the layer normalizations
    layer_scale: bool = False  # a learned factor per channel on what each step adds (Touvron et al., 2021)
    registers: int = 0  # learned tokens between the class token and the patches'
    nudge: float = 0.1  # patches added to the scale of position embeddings, as references do against rounding; it moves them by a hair
    antialias: bool = False  # when position embeddings are scaled down


DINO = Training()
DINOV2 = Training(epsilon=1e-6, layer_scale=True)
DINOV2_REGISTERS = Training(epsilon=1e-6, layer_scale=True, registers=4, nudge=0.0, antialias=True)


@dataclass(frozen=True)
class Size:
    """Sizes of a vision transformer."""

    width: int
    depth: int
    heads: int
    patch_px: int
    side: int  # patches along the pictures that the position embeddings were trained for


VIT_SMALL_14 = Size(384, 12, 6, 14, 37)
VIT_BASE_14 = Size(768, 12, 12, 14, 37)
VIT_LARGE_14 = Size(1024, 24, 16, 14, 37)


def _silent(fraction: float) -> None:
    pass


class VisionTransformer(nn.Module):
    """From colors [B,3,H,W], 0 to 1, to tokens [B,1+R+T,width]: class, registers, patches; H and W are multiples of `patch_px`."""

    def __init__(self, size: Size, training: Training = DINO) -> None:
        super().__init__()
        self.size, self.trained = size, training
        width = size.width
        self.class_token = nn.Parameter(torch.empty(1, 1, width))
        self.positions = nn.Parameter(torch.empty(1, 1 + size.side * size.side, width))
        self.registers = nn.Parameter(torch.empty(1, training.registers, width)) if training.registers else None
        self.patches = nn.Conv2d(3, width, size.patch_px, stride=size.patch_px)
        self.blocks = nn.ModuleList(VisionBlock(width, size.heads, training) for _ in range(size.depth))
        self.norm = nn.LayerNorm(width, eps=training.epsilon)

    def forward(self, colors: Tensor, progress: Callable[[float], None] = _silent) -> Tensor:
        """Normalized tokens of the last block; `progress` hears the fraction of the blocks that are done, and may raise."""
        return self.norm(self.after(colors, [len(self.blocks) - 1], progress)[0])

    def after(self, colors: Tensor, blocks: Sequence[int], progress: Callable[[float], None] = _silent) -> list[Tensor]:
        """Tokens [B,1+R+T,width] after each of these blocks, counted from 0 and ascending, before `norm`."""
        tokens = self._embedded(colors)
        found = []
        for number, block in enumerate(self.blocks[: blocks[-1] + 1]):
            tokens = block(tokens)
            if number in blocks:
                found.append(tokens)
            progress((number + 1) / (blocks[-1] + 1))
        return found

    def patches_of(self, tokens: Tensor) -> Tensor:
        """Those of tokens [B,1+R+T,C] that are patches' [B,T,C]: rows from the top, in each from the left."""
        return tokens[:, 1 + self.trained.registers :]

    def _embedded(self, colors: Tensor) -> Tensor:
        mean, spread = (colors.new_tensor(each)[:, None, None] for each in (MEAN, SPREAD))
        patches = self.patches((colors - mean) / spread)
        tokens = patches.flatten(2).transpose(1, 2)
        first = self.class_token.expand(len(tokens), -1, -1)
        tokens = torch.cat([first, tokens], dim=1) + self._positions(*patches.shape[2:])
        if self.registers is None:
            return tokens
        return torch.cat([tokens[:, :1], self.registers.expand(len(tokens), -1, -1), tokens[:, 1:]], dim=1)

    def _positions(self, height: int, width: int) -> Tensor:
        """Position embeddings [1,1+height*width,C] of that many patches, scaled from those that were trained."""
        side, nudge = self.size.side, self.trained.nudge
        if (height, width) == (side, side):
            return self.positions
        square = self.positions[:, 1:].transpose(1, 2).unflatten(2, (side, side)).float()
        target = {"scale_factor": ((height + nudge) / side, (width + nudge) / side)} if nudge else {"size": (height, width)}
        scaled = F.interpolate(square, mode="bicubic", antialias=self.trained.antialias, **target).to(self.positions.dtype)
        return torch.cat([self.positions[:, :1], scaled.flatten(2).transpose(1, 2)], dim=1)


class VisionBlock(nn.Module):
    """Attention of tokens to themselves and a feed-forward network, each added to its input."""

    def __init__(self, width: int, heads: int, training: Training) -> None:
        super().__init__()
        self.norm_self, self.attend_self = nn.LayerNorm(width, eps=training.epsilon), Attention(width, heads, bias=True)
        self.norm_feed, self.feed = nn.LayerNorm(width, eps=training.epsilon), FeedForward(width, 4 * width)
        self.scale_self = nn.Parameter(torch.empty(width)) if training.layer_scale else None
        self.scale_feed = nn.Parameter(torch.empty(width)) if training.layer_scale else None

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens [B,T,width]."""
        tokens = tokens + _scaled(self.attend_self(self.norm_self(tokens)), self.scale_self)
        return tokens + _scaled(self.feed(self.norm_feed(tokens)), self.scale_feed)


def _scaled(added: Tensor, scale: Tensor | None) -> Tensor:
    return added if scale is None else added * scale


def from_dinov2(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Arrays of a checkpoint of facebookresearch/dinov2 by our names; unknown ones keep theirs."""
    arrays = {}
    for name, array in published.items():
        if name == "mask_token":  # of the training
            continue
        if found := re.fullmatch(r"blocks\.(\d+)\.attn\.qkv\.(weight|bias)", name):
            for letter, part in zip(("query", "key", "value"), array.chunk(3), strict=True):
                arrays[f"blocks.{found[1]}.attend_self.{letter}.{found[2]}"] = part
            continue
        for pattern, replacement in NAMES:
            if found := re.fullmatch(pattern, name):
                name = found.expand(replacement)
                break
        arrays[name] = array
    return arrays


NAMES = (  # of a checkpoint of DINOv2, and ours
    (r"cls_token", "class_token"),
    (r"pos_embed", "positions"),
    (r"register_tokens", "registers"),
    (r"patch_embed\.proj\.(weight|bias)", r"patches.\1"),
    (r"blocks\.(\d+)\.attn\.proj\.(weight|bias)", r"blocks.\1.attend_self.out.\2"),
    (r"blocks\.(\d+)\.mlp\.fc1\.(weight|bias)", r"blocks.\1.feed.enter.\2"),
    (r"blocks\.(\d+)\.mlp\.fc2\.(weight|bias)", r"blocks.\1.feed.leave.\2"),
    (r"blocks\.(\d+)\.norm1\.(weight|bias)", r"blocks.\1.norm_self.\2"),
    (r"blocks\.(\d+)\.norm2\.(weight|bias)", r"blocks.\1.norm_feed.\2"),
    (r"blocks\.(\d+)\.ls1\.gamma", r"blocks.\1.scale_self"),
    (r"blocks\.(\d+)\.ls2\.gamma", r"blocks.\1.scale_feed"),
)
