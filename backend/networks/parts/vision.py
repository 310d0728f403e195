"""The vision transformer (Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021), as DINO trained it (Caron et al., 2021)."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import Attention, FeedForward

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colors, by which pictures are normalized
EPSILON = 1e-12  # of the layer normalizations
NUDGE = 0.1  # patches added to the scale of position embeddings, as the reference does against rounding; it moves them by a hair


class VisionTransformer(nn.Module):
    """From colors [B,3,H,W], 0 to 1, to tokens [B,1+T,width], the class token first; H and W are multiples of `patch_px`."""

    def __init__(self, width: int, depth: int, heads: int, patch_px: int, side: int) -> None:
        """`side` is the number of patches along the pictures that the position embeddings were trained for."""
        super().__init__()
        self.side = side
        self.class_token = nn.Parameter(torch.empty(1, 1, width))
        self.positions = nn.Parameter(torch.empty(1, 1 + side * side, width))
        self.patches = nn.Conv2d(3, width, patch_px, stride=patch_px)
        self.blocks = nn.ModuleList(VisionBlock(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=EPSILON)

    def forward(self, colors: Tensor, progress: Callable[[float], None] = lambda fraction: None) -> Tensor:
        """`progress` hears the fraction of the blocks that are done, and may raise."""
        mean, spread = (colors.new_tensor(each)[:, None, None] for each in (MEAN, SPREAD))
        patches = self.patches((colors - mean) / spread)
        tokens = patches.flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(tokens), -1, -1), tokens], dim=1) + self._positions(*patches.shape[2:])
        for number, block in enumerate(self.blocks):
            tokens = block(tokens)
            progress((number + 1) / len(self.blocks))
        return self.norm(tokens)

    def _positions(self, height: int, width: int) -> Tensor:
        """Position embeddings [1,1+height*width,C] of that many patches, scaled from those that were trained."""
        if (height, width) == (self.side, self.side):
            return self.positions
        square = self.positions[:, 1:].transpose(1, 2).unflatten(2, (self.side, self.side))
        scale = ((height + NUDGE) / self.side, (width + NUDGE) / self.side)
        scaled = F.interpolate(square.float(), scale_factor=scale, mode="bicubic").to(square.dtype)
        return torch.cat([self.positions[:, :1], scaled.flatten(2).transpose(1, 2)], dim=1)


class VisionBlock(nn.Module):
    """Attention of tokens to themselves and a feed-forward network, each added to its input."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_self, self.attend_self = nn.LayerNorm(width, eps=EPSILON), Attention(width, heads, bias=True)
        self.norm_feed, self.feed = nn.LayerNorm(width, eps=EPSILON), FeedForward(width, 4 * width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens [B,T,width]."""
        tokens = tokens + self.attend_self(self.norm_self(tokens))
        return tokens + self.feed(self.norm_feed(tokens))
