"""LightGlue: which keypoints of two pictures show the same point.

Lindenberger, Sarlin, Pollefeys, "LightGlue: Local Feature Matching at Light Speed", ICCV 2023. Layers end early once the network is sure of
its answers (section 3.3). Modules are named as in the published file. Letters: M and N keypoints of the two pictures, D features, H heads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAST_SCORE = 0.1  # of a match
ENOUGH = 0.95  # share of keypoints whose answer is sure, at which the layers end


@dataclass(frozen=True)
class Shape:
    """Sizes of the network; those of the published one for ALIKED by default."""

    descriptor: int = 128  # numbers of a keypoint's descriptor
    width: int = 256
    layers: int = 9
    heads: int = 4


class LightGlue(nn.Module):
    """From keypoints [M,2], [N,2] and descriptors [M,.], [N,.] to matches [.,2] (indices) and their scores [.]."""

    def __init__(self, shape: Shape | None = None) -> None:
        super().__init__()
        shape = shape or Shape()
        width, layers = shape.width, shape.layers
        self.input_proj = nn.Linear(shape.descriptor, width)
        self.posenc = Positions(width // shape.heads)
        self.transformers = nn.ModuleList(Layer(width, shape.heads) for _ in range(layers))
        self.log_assignment = nn.ModuleList(Assignment(width) for _ in range(layers))
        self.token_confidence = nn.ModuleList(Confidence(width) for _ in range(layers - 1))

    def forward(
        self,
        first: tuple[Tensor, Tensor],  # keypoints in pixels, descriptors
        second: tuple[Tensor, Tensor],
        sizes_px: tuple[tuple[int, int], tuple[int, int]],  # width and height of the pictures
        early: bool = True,
    ) -> tuple[Tensor, Tensor]:
        """With `early` the layers end once most answers are sure."""
        if not len(first[0]) or not len(second[0]):
            return first[0].new_zeros((0, 2), dtype=torch.long), first[0].new_zeros(0)
        turns = [self.posenc(_centered(xy, size)) for (xy, _), size in zip((first, second), sizes_px, strict=True)]
        one, two = self.input_proj(first[1]), self.input_proj(second[1])
        for number, layer in enumerate(self.transformers):
            one, two = layer(one, two, turns[0], turns[1])
            if number == len(self.transformers) - 1 or (early and self._is_sure(number, one, two)):
                return _matches(self.log_assignment[number](one, two))
        raise AssertionError("the last layer ends it")

    def _is_sure(self, number: int, one: Tensor, two: Tensor) -> bool:
        sure = torch.cat([self.token_confidence[number](each) for each in (one, two)])
        threshold = min(max(0.8 + 0.1 * math.exp(-4.0 * number / len(self.transformers)), 0.0), 1.0)
        return bool((sure >= threshold).float().mean() > ENOUGH)


class Positions(nn.Module):
    """Rotary encoding of keypoints: an angle for every two features of a head, from two learned frequencies each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.Wr = nn.Linear(2, width // 2, bias=False)

    def forward(self, xy: Tensor) -> Tensor:
        """Cosines and sines [2,M,D/H] of keypoints [M,2] in -1 to 1."""
        angles = self.Wr(xy)
        return torch.stack([angles.cos(), angles.sin()]).repeat_interleave(2, dim=-1)


class Layer(nn.Module):
    """Attention within each picture, then between the two."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attn = Within(width, heads)
        self.cross_attn = Between(width, heads)

    def forward(self, one: Tensor, two: Tensor, turn_one: Tensor, turn_two: Tensor) -> tuple[Tensor, Tensor]:
        """From features [M,D], [N,D] to the same."""
        return self.cross_attn(self.self_attn(one, turn_one), self.self_attn(two, turn_two))


class Within(nn.Module):
    """Self-attention with rotary positions."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.Wqkv = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)
        self.ffn = _feed_forward(width)

    def forward(self, features: Tensor, turn: Tensor) -> Tensor:
        """From [M,D] to [M,D]."""
        query, key, value = self.Wqkv(features).unflatten(-1, (self.heads, -1, 3)).transpose(0, 1).unbind(-1)  # [H,M,D/H] each
        found = _attended(_turned(query, turn), _turned(key, turn), value)
        return features + self.ffn(torch.cat([features, self.out_proj(found)], -1))


class Between(nn.Module):
    """Cross-attention in both directions, with the same keys and queries."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_qk = nn.Linear(width, width)
        self.to_v = nn.Linear(width, width)
        self.to_out = nn.Linear(width, width)
        self.ffn = _feed_forward(width)

    def forward(self, one: Tensor, two: Tensor) -> tuple[Tensor, Tensor]:
        """From [M,D], [N,D] to the same."""
        keys = [self._parted(self.to_qk(each)) for each in (one, two)]
        values = [self._parted(self.to_v(each)) for each in (one, two)]
        to_one = self.to_out(_attended(keys[0], keys[1], values[1]))
        to_two = self.to_out(_attended(keys[1], keys[0], values[0]))
        return one + self.ffn(torch.cat([one, to_one], -1)), two + self.ffn(torch.cat([two, to_two], -1))

    def _parted(self, features: Tensor) -> Tensor:
        return features.unflatten(-1, (self.heads, -1)).transpose(0, 1)  # [H,M,D/H]


class Assignment(nn.Module):
    """Logarithms of how likely each pair of keypoints belongs together."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.matchability = nn.Linear(width, 1)
        self.final_proj = nn.Linear(width, width)

    def forward(self, one: Tensor, two: Tensor) -> Tensor:
        """From [M,D], [N,D] to [M,N]."""
        alike = self.final_proj(one) @ self.final_proj(two).T / one.shape[1] ** 0.5
        matchable = F.logsigmoid(self.matchability(one)) + F.logsigmoid(self.matchability(two)).T
        return F.log_softmax(alike, 1) + F.log_softmax(alike, 0) + matchable


class Confidence(nn.Module):
    """How sure each keypoint's answer is."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.token = nn.Sequential(nn.Linear(width, 1), nn.Sigmoid())

    def forward(self, features: Tensor) -> Tensor:
        """From [M,D] to [M]."""
        return self.token(features)[:, 0]


def _matches(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Mutual best pairs of log scores [M,N] that are likely enough: indices [.,2] and scores [.]."""
    best, partner = scores.max(1)
    mutual = scores.argmax(0)[partner] == torch.arange(len(scores), device=scores.device)
    likely = best.exp()
    kept = (mutual & (likely > LEAST_SCORE)).nonzero()[:, 0]
    return torch.stack([kept, partner[kept]], dim=1), likely[kept]


def _centered(xy: Tensor, size_px: tuple[int, int]) -> Tensor:
    """Keypoints from the middle of the picture, in halves of its longer side."""
    return (xy - xy.new_tensor(size_px) / 2) / (max(size_px) / 2)


def _turned(features: Tensor, turn: Tensor) -> Tensor:
    """Features [H,M,D/H] with every two of them turned by their keypoint's angles [2,M,D/H]."""
    even, odd = features.unflatten(-1, (-1, 2)).unbind(-1)
    return features * turn[0] + torch.stack([-odd, even], -1).flatten(-2) * turn[1]


def _attended(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention of [H,M,D/H] to [H,N,D/H]: [M,D]."""
    return F.scaled_dot_product_attention(query[None], key[None], value[None])[0].transpose(0, 1).flatten(-2)


def _feed_forward(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(2 * width, 2 * width), nn.LayerNorm(2 * width), nn.GELU(), nn.Linear(2 * width, width))
