"""Latent sets: a shape as an unordered set of vectors (Zhang et al., "3DShape2VecSet", SIGGRAPH 2023).

An encoder lets learned queries attend to whatever describes the shape, points of its surface (section 5.1 of the paper) or tokens of a
picture, and then to each other; a decoder lets places in space attend to the set, and says of each whether it is inside (section 5.3).

Letters: B shapes, P points or places, S tokens of a context, L latents of a set, C channels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .attention import Attention, GatedFeedForward

WAVES = 6  # octaves of a coordinate's sines and cosines


class PlaceEmbedding(nn.Module):
    """Features [B,P,width] of places [B,P,3], -1 to 1: coordinates, with sines and cosines in octaves, through a layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter = nn.Linear(3 + 6 * WAVES, width)

    def forward(self, places: Tensor) -> Tensor:
        """Places [B,P,3]."""
        phases = (places[..., None] * (math.pi * 2.0 ** torch.arange(WAVES, dtype=places.dtype, device=places.device))).flatten(2)
        return self.enter(torch.cat([places, phases.sin(), phases.cos()], dim=-1).to(self.enter.weight.dtype))


class Looking(nn.Module):
    """Tokens attend to a context, then pass a gated feed-forward network; each added to its input (equation 8 of the paper)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_tokens, self.norm_context, self.attend = nn.LayerNorm(width), nn.LayerNorm(width), Attention(width, heads)
        self.norm_feed, self.feed = nn.LayerNorm(width), GatedFeedForward(width, 4 * width)

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """Tokens [B,T,width] by those and a context [B,S,width]."""
        tokens = tokens + self.attend(self.norm_tokens(tokens), self.norm_context(context))
        return tokens + self.feed(self.norm_feed(tokens))


class SetEncoder(nn.Module):
    """From a context [B,S,width], in any order, to a set of latents [B,L,width]: of learned queries, as in equation 7 of the paper."""

    def __init__(self, latents: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.empty(latents, width))
        self.look = Looking(width, heads)
        self.mix = nn.ModuleList(Looking(width, heads) for _ in range(depth))

    def forward(self, context: Tensor) -> Tensor:
        """A context [B,S,width]."""
        latents = self.look(self.queries.expand(len(context), -1, -1), context)
        for block in self.mix:
            latents = block(latents, latents)
        return latents


class PointEncoder(nn.Module):
    """From points [B,P,3] of a surface, -1 to 1, in any order, to a set of latents [B,L,width]."""

    def __init__(self, latents: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.embed = PlaceEmbedding(width)
        self.gather = SetEncoder(latents, width, depth, heads)

    def forward(self, points: Tensor) -> Tensor:
        """Points [B,P,3]."""
        return self.gather(self.embed(points))


class SetDecoder(nn.Module):
    """From a set of latents [B,L,width] and places [B,P,3], -1 to 1, to logits [B,P] of being inside (equation 11 of the paper)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.embed = PlaceEmbedding(width)
        self.look = Looking(width, heads)
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, 1)

    def forward(self, latents: Tensor, places: Tensor) -> Tensor:
        """A place's answer depends on no other place."""
        return self.leave(self.norm(self.look(self.embed(places), latents)))[..., 0]
