"""Attention and the transformer block (Vaswani et al., "Attention Is All You Need", 2017), normalized before each step."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head attention of tokens [B,T,width] to themselves or to a context [B,S,context]."""

    def __init__(self, width: int, heads: int, context: int | None = None, bias: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=bias)
        self.key = nn.Linear(context or width, width, bias=bias)
        self.value = nn.Linear(context or width, width, bias=bias)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor, context: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Tokens [B,T,width]; `mask`, broadcast to [B,heads,T,S], is True where a token may look."""
        given = tokens if context is None else context
        query, key, value = (self._by_head(each) for each in (self.query(tokens), self.key(given), self.value(given)))
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def _by_head(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(2, (self.heads, -1)).transpose(1, 2)


class GatedFeedForward(nn.Module):
    """GEGLU (Shazeer, "GLU Variants Improve Transformer", 2020): one half of the hidden channels gates the other."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.enter = nn.Linear(width, 2 * hidden)
        self.leave = nn.Linear(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens [B,T,width]."""
        hidden, gate = self.enter(tokens).chunk(2, dim=-1)
        return self.leave(hidden * F.gelu(gate))


class FeedForward(nn.Module):
    """Two layers with a GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.enter = nn.Linear(width, hidden)
        self.leave = nn.Linear(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens [B,T,width]."""
        return self.leave(F.gelu(self.enter(tokens)))


class CrossBlock(nn.Module):
    """Attention of tokens to themselves, then to a context, then a gated feed-forward network; each added to its input."""

    def __init__(self, width: int, heads: int, context: int) -> None:
        super().__init__()
        self.norm_self, self.attend_self = nn.LayerNorm(width), Attention(width, heads)
        self.norm_context, self.attend_context = nn.LayerNorm(width), Attention(width, heads, context)
        self.norm_feed, self.feed = nn.LayerNorm(width), GatedFeedForward(width, 4 * width)

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """Tokens [B,T,width], from those and a context [B,S,context]."""
        tokens = tokens + self.attend_self(self.norm_self(tokens))
        tokens = tokens + self.attend_context(self.norm_context(tokens), context)
        return tokens + self.feed(self.norm_feed(tokens))
